"""The definition of a meter, as it is stored and as documents state it.

The name of a meter says what it counts: `llm.tokens/month` counts imports of `llm.tokens`.
"""

from datetime import datetime, timedelta
from enum import StrEnum

import msgspec

from astakos.ledger.meters import Budget, Meter, Rate, Window
from astakos.ledger.periods import LONGEST, MONTHS_OF_YEAR, Schedule, Unit, time_zone
from astakos.ledger.rules import UNLIMITED

MOST_YEARS = 100
MOST = {Unit.MONTH: MOST_YEARS * MONTHS_OF_YEAR, Unit.YEAR: MOST_YEARS} | {
    unit: MOST_YEARS * LONGEST[Unit.YEAR] // LONGEST[unit]
    for unit in (Unit.MINUTE, Unit.HOUR, Unit.DAY, Unit.WEEK)
}
"""How many units a period can have."""
FIRST_ANCHOR = "2001-01-01T00:00"
"""Midnight of a Monday that begins a month and a year: what periods without an anchor are counted from."""


SEPARATOR = "/"


def base_of(meter: str) -> str | None:
    """Returns the resource that a meter counts, by the meter's name; None if no meter has such a name."""
    base, separator, _ = meter.rpartition(SEPARATOR)
    return base if separator else None


class Kind(StrEnum):
    """How a meter forgives."""

    BUDGET = "budget"
    WINDOW = "window"
    RATE = "rate"


class MeterDefinition(
    msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, kw_only=True, frozen=True
):
    """What a meter counts, and in which time.

    Attributes:
        kind: `budget` begins with nothing in each calendar or anchored period, `window` in each period that
            begins with the first import; `rate` drains all the time.
        unit: what periods are counted in.
        every: how many units a period has.
        zone: the IANA name of the time zone in which days and longer units begin.
        anchor: any boundary of a period on that zone's wall clock, such as `2026-01-31T09:00`. Without one,
            periods begin at midnight, weeks on Monday, months on the 1st, and years in January.
        keeps_debt: whether usage beyond the limit counts in the next period of a budget.
        rollover: how much of what a period of a budget has left over can be used in the next one.

    Example:
        >>> MeterDefinition(unit=Unit.MONTH, zone="Europe/Athens").meter("llm.tokens/month")
    """

    kind: Kind = Kind.BUDGET
    unit: Unit
    every: int = 1
    zone: str = "UTC"
    anchor: str | None = None
    keeps_debt: bool = False
    rollover: int = 0

    def meter(self, resource: str) -> Meter:
        """Returns the meter that this defines, under the name of its own resource.

        Raises:
            ValueError: it contradicts itself; the message says how.
        """
        if self.every < 1:
            raise ValueError(f"a period of {self.every} {self.unit}s has no length; the shortest has 1")
        if self.every > MOST[self.unit]:
            longest = f"{MOST_YEARS} years is the longest"
            raise ValueError(f"a period of {self.every} {self.unit}s is too long; {longest}")
        if not 0 <= self.rollover <= UNLIMITED:
            raise ValueError(f"a rollover must be from 0 to {UNLIMITED}")
        length = self.every * LONGEST[self.unit]
        if self.kind is Kind.BUDGET:
            return Budget(resource, self._schedule(), self.keeps_debt, self.rollover)
        if self.rollover:
            raise ValueError(f"a {self.kind} has no next period to which anything could roll over")
        if self.unit in (Unit.MONTH, Unit.YEAR):
            raise ValueError(f"the {self.unit}s of a {self.kind} differ in length; use days")
        if self.anchor is not None or self.zone != "UTC":
            raise ValueError(f"a {self.kind} has neither an anchor nor a time zone")
        if self.kind is Kind.RATE:
            if self.keeps_debt:
                raise ValueError("a rate always keeps debt, until it has drained; leave keeps_debt out")
            return Rate(resource, length)
        return Budget(resource, Window(length), self.keeps_debt)

    def in_words(self) -> str:
        """Returns the time for people: "each month", "per minute", "in 5 hours of first use"."""
        several = self.every != 1
        period = f"{self.every} {self.unit}s" if several else str(self.unit)
        where = "" if self.zone == "UTC" else f", {self.zone}"
        where += "" if self.anchor is None else f" from {self.anchor}"
        if self.kind is Kind.RATE:
            return f"per {period}"
        if self.kind is Kind.WINDOW:
            return f"in {self.every} {self.unit}{'s' if several else ''} of first use"
        return (f"every {period}" if several else f"each {period}") + where

    def _schedule(self) -> Schedule:
        time_zone(self.zone)
        text = FIRST_ANCHOR if self.anchor is None else self.anchor
        try:
            anchor = datetime.fromisoformat(text)
        except ValueError:
            anchor = None
        if anchor is None or anchor.tzinfo is not None or not 1900 <= anchor.year <= 2200:
            raise ValueError(
                f"{text!r} is not an anchor; write a time from 1900 to 2200 without a zone: 2026-01-31T09:00"
            )
        return Schedule(self.unit, self.every, self.zone, anchor - timedelta(microseconds=anchor.microsecond))
