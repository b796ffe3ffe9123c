"""Values in the output of commands: short for people, exact in JSON."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from astakos.clock import EPOCH, MICROSECONDS, to_iso
from astakosclient.pricing import amount_of

MINUTE, HOUR, DAY = 60, 3600, 24 * 3600
UNLIMITED = 2**63 - 1
"""The API's value for "no limit". The ledger's constant is missing where only the client is installed."""
UNLIMITED_WORD = "unlimited"


class Moment(NamedTuple):
    """An instant."""

    instant: int

    def exact(self) -> str:
        """Returns the instant as JSON has it: ISO 8601, with microseconds."""
        return to_iso(self.instant)

    def __str__(self) -> str:
        """Returns the instant to the second; options that take a time accept this, too."""
        moment = EPOCH + timedelta(seconds=self.instant // MICROSECONDS)
        return f"{moment.replace(tzinfo=None).isoformat(' ')}Z"


class Age(NamedTuple):
    """How long ago something happened, in seconds."""

    seconds: int

    def exact(self) -> int:
        """Returns the seconds."""
        return self.seconds

    def __str__(self) -> str:
        """Returns the age in the two largest units that matter, like `2 h 5 min`."""
        if self.seconds < MINUTE:
            return f"{self.seconds} s"
        if self.seconds < HOUR:
            return f"{self.seconds // MINUTE} min"
        if self.seconds < DAY:
            return f"{self.seconds // HOUR} h {self.seconds % HOUR // MINUTE} min"
        return f"{self.seconds // DAY} d {self.seconds % DAY // HOUR} h"


class Amount(NamedTuple):
    """A quantity of a resource that has a scale, or of which there is no limit."""

    quantity: int
    scale: int = 0

    def exact(self) -> int:
        """Returns the quantity, as the API has it."""
        return self.quantity

    def __str__(self) -> str:
        """Returns the amount in the unit of the resource."""
        if self.quantity == UNLIMITED:
            return UNLIMITED_WORD
        return format(amount_of(self.quantity, self.scale), "f")


def moment(instant: int | None) -> Moment | None:
    """Returns an instant that may be missing."""
    return None if instant is None else Moment(instant)


def exact(value: Any) -> Any:
    """Returns a value as JSON has it."""
    match value:
        case Moment() | Age() | Amount():
            return value.exact()
        case Mapping():
            return {name: exact(part) for name, part in value.items()}
        case list():
            return [exact(part) for part in value]
    return value


def shown(value: Any) -> str:
    """Returns a value as people read it."""
    match value:
        case None:
            return "-"
        case True:
            return "yes"
        case False:
            return "no"
        case Moment() | Age() | Amount():
            return str(value)
        case str():
            return _printable(value)
        case Sequence():
            return ", ".join(map(shown, value)) or "-"
    return _printable(str(value))


def _printable(text: str) -> str:
    """Replaces unprintable characters, because stored text must not control the terminal."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else " " if char.isspace() else "?" for char in text)
