"""What a meter on a page shows: how much of a limit is used, and how near it is."""

from dataclasses import dataclass
from typing import Final, Literal

from astakos.ledger.rules import UNLIMITED
from astakos.pages.numbers import percent

NEAR_PERCENT: Final = 80

Level = Literal["fine", "near", "full"]


@dataclass(frozen=True, slots=True)
class Meter:
    """One resource of one holder.

    Attributes:
        resource: the name of the resource.
        used: what is settled.
        pending: what pending commissions would add, or have not yet given back.
        limit: the limit, `UNLIMITED` for none.
        unit: the unit of the quantities; None if they count things.
        scale: how many digits after the point they have.
        description: what the resource is.
        period: for a budget or rate, the words of its period.
        resets: when the period ends; None if there is nothing to wait for.
        granted: what can be drawn from grants when the limit is reached.
    """

    resource: str
    used: int
    pending: int
    limit: int
    unit: str | None = None
    scale: int = 0
    description: str = ""
    period: str = ""
    resets: int | None = None
    granted: int = 0

    @property
    def about(self) -> str:
        """The description, without the words of the period at its end and without the mere name."""
        words = self.description.removesuffix(self.period).strip()
        return "" if words == self.resource.partition("/")[0] else words

    @property
    def taken(self) -> int:
        """What cannot be used any more."""
        return self.used + self.pending

    @property
    def is_unlimited(self) -> bool:
        """Whether there is no limit."""
        return self.limit == UNLIMITED

    @property
    def percent(self) -> int:
        """How many percent of the limit are taken."""
        return percent(self.taken, self.limit)

    @property
    def left(self) -> int:
        """How much there is still room for."""
        return UNLIMITED if self.is_unlimited else max(0, self.limit - self.taken)

    @property
    def level(self) -> Level:
        """How near the limit is: not the end of it if there are grants."""
        if self.percent >= 100:
            return "near" if self.granted > 0 else "full"
        return "near" if self.percent >= NEAR_PERCENT else "fine"
