"""The form of a grant: what it offers, what has been written into it, and what is wrong with that."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from astakos.administration.grants import LONGEST_NOTE, Terms
from astakos.directory.entities import Resource
from astakos.ledger.grants import MOST_PRIORITY, NEVER, USUAL_PRIORITY
from astakos.ledger.meter_definitions import Kind, MeterDefinition, base_of
from astakos.ledger.rules import UNLIMITED
from astakos.pages.amounts import TooLargeError, read_amount
from astakos.pages.days import end_of, start_of
from astakos.pages.preferences import Preferences
from astakos.storage.texts import is_storable

METER: Final = "meter-"
MOST_DIGITS: Final = 5
MOST_METERS: Final = 40
"""How many meters of a resource the form offers: a form has at most 64 fields."""


class MeterChoice(NamedTuple):
    """A meter that the grant can lift."""

    name: str
    kind: Kind
    is_chosen: bool


@dataclass(slots=True)
class GrantForm:
    """The form.

    Attributes:
        resource: The resource that the grant is of.
        meters: The meters of the resource, by name.
        preferences: How its reader writes amounts, and the time zone of its dates.
        given: What was filled in.
        errors: What is wrong with it, by field.
    """

    resource: Resource
    meters: Mapping[str, MeterDefinition]
    preferences: Preferences
    given: Mapping[str, str] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def choices(self) -> list[MeterChoice]:
        """The meters, and which of them are chosen."""
        return [
            MeterChoice(name, one.kind, bool(self.given.get(f"{METER}{name}")))
            for name, one in list(self.meters.items())[:MOST_METERS]
        ]

    @property
    def has_only_rates(self) -> bool:
        """Whether a grant has to name what it lifts."""
        return all(one.kind is Kind.RATE for one in self.meters.values())

    def value(self, name: str) -> str:
        """Returns what was filled in."""
        return self.given.get(name, "").strip()

    @property
    def priority(self) -> str:
        """What the field of the priority holds."""
        return self.given.get("priority", str(USUAL_PRIORITY))

    def terms(self, now: int) -> Terms:
        """Returns the terms that are wanted; `errors` says what is wrong, if anything is."""
        amount = self._amount()
        starts = self._day("starts", start_of, now)
        expires = self._day("expires", end_of, NEVER)
        if "expires" not in self.errors and expires <= now:
            self.errors["expires"] = "This day is over. Choose a later one."
        elif "expires" not in self.errors and expires <= starts:
            self.errors["expires"] = "It must expire after it starts."
        note = self.value("note")
        if not is_storable(note):
            self.errors["note"] = "Remove what is no text: NUL characters and unpaired surrogates."
        elif len(note) > LONGEST_NOTE:
            self.errors["note"] = f"Write at most {LONGEST_NOTE} characters."
        lifts = tuple(one.name for one in self.choices if one.is_chosen)
        if self.has_only_rates and not lifts:
            self.errors["lifts"] = "Choose at least one: all of them are rates."
        return Terms(amount, starts, expires, self._priority(), lifts or None, note)

    def _amount(self) -> int:
        try:
            amount = read_amount(
                self.value("amount"), self.preferences, self.resource.unit, self.resource.scale
            )
        except TooLargeError:
            self.errors["amount"] = "This is too large for a grant. Write a smaller amount."
            return 0
        except ValueError as error:
            self.errors["amount"] = str(error).replace(", or “unlimited”", "")
            return 0
        if amount == UNLIMITED:
            self.errors["amount"] = "A grant cannot be unlimited. Write an amount."
        elif amount == 0:
            self.errors["amount"] = "Write an amount above 0."
        return amount

    def _day(self, name: str, read: Callable[[str, ZoneInfo], int], otherwise: int) -> int:
        text = self.value(name)
        if not text:
            return otherwise
        try:
            return read(text, self.preferences.time_zone)
        except ValueError as error:
            self.errors[name] = str(error)
            return otherwise

    def _priority(self) -> int:
        text = self.priority.strip()
        if text.isascii() and text.isdigit() and len(text) <= MOST_DIGITS and int(text) <= MOST_PRIORITY:
            return int(text)
        self.errors["priority"] = f"Write a number from 0 to {MOST_PRIORITY}."
        return USUAL_PRIORITY


def grantable(
    resources: Sequence[Resource], meters: Mapping[str, MeterDefinition]
) -> dict[str, dict[str, MeterDefinition]]:
    """Returns the meters of each resource that has some: a grant lifts these."""
    found: dict[str, dict[str, MeterDefinition]] = {}
    for name, one in sorted(meters.items()):
        base = base_of(name)
        if base is not None:
            found.setdefault(base, {})[name] = one
    return {one.name: found[one.name] for one in resources if one.name in found}
