"""The periods of a budget: spans of time that follow each other without gaps.

A schedule is one boundary, the *anchor*, and a step: `every` so many units. The first of each month is a
month from any first of a month; every 30 days is 30 days from wherever one begins to count. Minutes and hours
are exact lengths. Days and longer are counted on the wall clock of a time zone, so that they begin at the
same time of day in summer and in winter: such a period can be an hour shorter or longer than the others.

- A month that is too short for the day of the anchor has the boundary on its last day: after the 31st of
  January come the 28th of February and the 31st of March.
- A wall-clock time that a change of the clocks skips is that long after the change; one that comes twice is
  the first of the two (RFC 5545 §3.3.5).
- A day that a time zone skips altogether has no period.

All instants are microseconds (`astakos.clock`).
"""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from astakos.clock import DAY, EPOCH, MICROSECONDS

MINUTE = 60 * MICROSECONDS
HOUR = 60 * MINUTE
MONTHS_OF_YEAR = 12
MOST_RECENT = 4
"""How many periods a schedule remembers."""


class Unit(StrEnum):
    """What a schedule counts."""

    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class Span(NamedTuple):
    """A period: from `start`, up to but not at `end`."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Periods one after another, before and after an anchor.

    Attributes:
        unit: what is counted.
        every: how many units a period has, at least 1.
        zone: the IANA name of the time zone on whose wall clock days and longer units are counted.
        anchor: one boundary, on that wall clock and without a time zone of its own.

    Example:
        >>> month = Schedule(Unit.MONTH, 1, "Europe/Athens", datetime(2026, 1, 1))
        >>> start, end = month.span_at(from_iso("2026-11-29T10:00:00+00:00"))
        >>> to_iso(start), to_iso(end)
        ('2026-10-31T22:00:00+00:00', '2026-11-30T22:00:00+00:00')
    """

    unit: Unit
    every: int
    zone: str
    anchor: datetime

    # Nearly all questions are about the period that is running.
    _recent: list[Span] = field(default_factory=list, init=False, repr=False, compare=False)

    def span_at(self, instant: int) -> Span:
        """Returns the period that contains an instant."""
        for span in self._recent:
            if span.start <= instant < span.end:
                return span
        number = self.number_at(instant)
        span = Span(self.boundary(number), self.boundary(number + 1))
        self._recent[:] = [span, *self._recent[: MOST_RECENT - 1]]
        return span

    def number_at(self, instant: int) -> int:
        """Returns the number of the boundary that begins the period that contains an instant."""
        number = (instant - self.boundary(0)) // (LONGEST[self.unit] * self.every)
        while self.boundary(number) > instant:
            number -= 1
        # The last of the boundaries that fall on one instant begins the period.
        while self.boundary(number + 1) <= instant:
            number += 1
        return number

    def boundary(self, number: int) -> int:
        """Returns the boundary that is `number` periods after the anchor, or before it if negative."""
        return _boundary(self, number)


LONGEST: Mapping[Unit, int] = {
    Unit.MINUTE: MINUTE,
    Unit.HOUR: HOUR,
    Unit.DAY: DAY,
    Unit.WEEK: 7 * DAY,
    Unit.MONTH: 31 * DAY,
    Unit.YEAR: 366 * DAY,
}
"""The length of a unit, without changes of the clocks; for months and years, of the longest."""


EXACT = (Unit.MINUTE, Unit.HOUR)
"""Units that have the same length at any time."""


@lru_cache(maxsize=4096)
def _boundary(schedule: Schedule, number: int) -> int:
    unit, steps = schedule.unit, number * schedule.every
    if unit in EXACT:
        return _instant(schedule.anchor, schedule.zone) + steps * LONGEST[unit]
    return _instant(_stepped(schedule.anchor, unit, steps), schedule.zone)


def _stepped(anchor: datetime, unit: Unit, steps: int) -> datetime:
    """Returns the wall-clock time that is so many days, weeks, months or years after another."""
    if unit is Unit.DAY:
        return anchor + timedelta(days=steps)
    if unit is Unit.WEEK:
        return anchor + timedelta(weeks=steps)
    months = anchor.month - 1 + (steps if unit is Unit.MONTH else steps * MONTHS_OF_YEAR)
    year, month = anchor.year + months // MONTHS_OF_YEAR, months % MONTHS_OF_YEAR + 1
    return anchor.replace(year=year, month=month, day=min(anchor.day, calendar.monthrange(year, month)[1]))


def _instant(wall: datetime, zone: str) -> int:
    # `fold` is 0: the first of two, and in a gap the offset before it.
    return (wall.replace(tzinfo=time_zone(zone)).astimezone(UTC) - EPOCH) // timedelta(microseconds=1)


def time_zone(name: str) -> tzinfo:
    """Returns a time zone by its IANA name.

    Raises:
        ValueError: there is no such time zone.
    """
    if name == "UTC":
        return UTC
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"there is no time zone {name!r}; use an IANA name such as Europe/Athens") from error
