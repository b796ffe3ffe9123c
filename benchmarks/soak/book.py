"""The client's own log: what it asked for and what was acknowledged, 31 bytes for each commission."""

from array import array
from enum import IntEnum

from benchmarks.soak.installation import Charge

NAME = "soak "
UNKNOWN = -1
"""A settled quantity that no answer has told: it was lost, or the commission expired."""


class Fate(IntEnum):
    """What is known about an issue."""

    UNANSWERED = 0
    ISSUED = 1
    REFUSED = 2


class Verdict(IntEnum):
    """How a commission has to end: forgotten ones expire."""

    NONE = 0
    ACCEPT = 1
    REJECT = 2
    EXPIRED = 3


class Book:
    """Numbered commissions. The number is in the name of the commission and in its idempotency key."""

    def __init__(self) -> None:
        self.users = array("H")
        self.places = array("B")
        self.quantities = array("q")
        self.serials = array("q")
        self.fates = array("B")
        self.verdicts = array("B")
        self.acknowledged = array("B")
        self.settled = array("q")

    def __len__(self) -> int:
        return len(self.users)

    def ask(self, charge: Charge) -> int:
        """Notes what is about to be asked for; returns the number."""
        self.users.append(charge.user)
        self.places.append(charge.in_lab + 2 * charge.resource)
        self.quantities.append(charge.quantity)
        self.serials.append(0)
        self.fates.append(Fate.UNANSWERED)
        self.verdicts.append(Verdict.NONE)
        self.acknowledged.append(0)
        self.settled.append(UNKNOWN)
        return len(self.users) - 1

    def charge(self, number: int) -> Charge:
        """What was asked for."""
        resource, in_lab = divmod(self.places[number], 2)
        return Charge(self.users[number], bool(in_lab), resource, self.quantities[number])

    def issued(self, number: int, serial: int) -> None:
        """Notes the serial that an issue was answered with."""
        self.serials[number] = serial
        self.fates[number] = Fate.ISSUED

    def refused(self, number: int) -> None:
        """Notes that an issue was refused."""
        self.fates[number] = Fate.REFUSED

    def decide(self, number: int, verdict: Verdict) -> None:
        """Notes how a commission is to end, before that is asked for."""
        self.verdicts[number] = verdict

    def resolved(self, number: int, settled: int) -> None:
        """Notes that the end was acknowledged, and for how much; `UNKNOWN` if the answer did not say."""
        self.acknowledged[number] = 1
        self.settled[number] = settled

    def forget(self, number: int, settled: int) -> None:
        """Notes that a commission is to expire, and what then becomes of it."""
        self.verdicts[number] = Verdict.EXPIRED
        self.settled[number] = settled

    @staticmethod
    def name(number: int) -> str:
        """What a commission is called."""
        return f"{NAME}{number}"
