"""What is spent on a meter, as `rules.py` tells it: time passes one boundary after the other."""

import math
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from fractions import Fraction
from functools import lru_cache
from zoneinfo import ZoneInfo

from astakos.ledger.meter_definitions import FIRST_ANCHOR, Kind, MeterDefinition
from astakos.ledger.periods import Unit
from astakos.ledger.rules import UNLIMITED

MICROSECONDS = 1_000_000
LENGTHS = {Unit.MINUTE: 60, Unit.HOUR: 3600, Unit.DAY: 86_400, Unit.WEEK: 7 * 86_400}


def length_of(definition: MeterDefinition) -> int:
    return definition.every * LENGTHS[definition.unit] * MICROSECONDS


@lru_cache(maxsize=100_000)
def boundary(definition: MeterDefinition, number: int) -> int:
    """The instant of the boundary that is so many periods after the anchor."""
    zone = ZoneInfo(definition.zone)
    anchor = datetime.fromisoformat(definition.anchor or FIRST_ANCHOR)
    steps = number * definition.every
    if definition.unit in {Unit.MINUTE, Unit.HOUR}:
        return _instant(anchor, zone) + number * length_of(definition)
    if definition.unit in {Unit.DAY, Unit.WEEK}:
        return _instant(anchor + timedelta(steps * (7 if definition.unit is Unit.WEEK else 1)), zone)
    months = steps * (12 if definition.unit is Unit.YEAR else 1) + anchor.month - 1
    first = date(anchor.year + months // 12, months % 12 + 1, 1)
    next_first = (first + timedelta(31)).replace(day=1)
    day = min(anchor.day, (next_first - first).days)
    return _instant(datetime.combine(first.replace(day=day), time(anchor.hour, anchor.minute)), zone)


def _instant(wall: datetime, zone: ZoneInfo) -> int:
    return round(wall.replace(tzinfo=zone).timestamp()) * MICROSECONDS


def period_at(definition: MeterDefinition, instant: int) -> tuple[int, int]:
    """The period that contains an instant: found between two numbers that are certainly around it."""
    days = {Unit.MONTH: 31, Unit.YEAR: 366}.get(definition.unit)
    longest = days * 86_400 * MICROSECONDS * definition.every if days else length_of(definition)
    low = (instant - boundary(definition, 0)) // longest - 2
    high = low + abs(low) // 10 + 8
    while high - low > 1:
        middle = (low + high) // 2
        if boundary(definition, middle) <= instant:
            low = middle
        else:
            high = middle
    return boundary(definition, low), boundary(definition, high)


@dataclass
class Budget:
    """At the end of each period, what is settled is forgiven, but for debt if it is kept.

    Nothing has a start before its first use. A window's period begins with it. What a period leaves over, up
    to a cap, can be used beyond the limit in the next one.
    """

    definition: MeterDefinition
    start: int | None = None
    used: int = 0
    left_over: int = 0  # by the period before the one that is running
    ends: int = 0  # of periods with use in them
    closed: dict[int, tuple[int, int]] = field(default_factory=dict)  # end and total, by start

    @property
    def is_window(self) -> bool:
        return self.definition.kind is Kind.WINDOW

    def end(self) -> int:
        assert self.start is not None
        if self.is_window:
            return self.start + length_of(self.definition)
        return period_at(self.definition, self.start)[1]

    def let_time_pass(self, now: int, limit: int) -> None:
        while self.start is not None and now >= (end := self.end()):
            self.ends += self.used > 0
            self.closed[self.start] = end, self.used
            left_over = self._left_over(self.used, limit)
            self.used = max(0, self.used - limit - self.rolled) if self.definition.keeps_debt else 0
            if self.used:
                self.start = end
            else:
                self.start = None if self.is_window else period_at(self.definition, now)[0]
                if self.start != end:
                    left_over = self._left_over(0, limit)
            self.left_over = left_over

    def _left_over(self, used: int, limit: int) -> int:
        if self.is_window or limit == UNLIMITED:
            return 0
        return min(self.definition.rollover, max(0, limit - used))

    @property
    def rolled(self) -> int:
        """By how much usage may exceed the limit in the running period."""
        return min(self.left_over, self.definition.rollover)

    def begin(self, now: int) -> None:
        if self.start is None:
            self.start = now if self.is_window else period_at(self.definition, now)[0]

    def settle(self, _quantity: int, settled: int, _issued_at: int, now: int, _limit: int) -> None:
        if settled:
            self.begin(now)
        self.used += settled

    def has_room_at(self, quantity: int, limit: int, now: int) -> int | None:
        """When there will be room that there is not now, if nothing is pending then."""
        return self.resets_at(limit, now) if quantity <= limit else None

    def resets_at(self, _limit: int, now: int) -> int | None:
        """When all that is settled is forgiven."""
        if self.is_window:
            return None if self.start is None else self.end()
        return period_at(self.definition, now if self.start is None else max(now, self.start))[1]


@dataclass
class Rate:
    """Drains all the time. It counts at issue; settling gives back what has not drained since."""

    definition: MeterDefinition
    level: Fraction = Fraction(0)
    at: int = 0

    @property
    def used(self) -> int:
        return math.ceil(self.level)

    def drained(self, microseconds: int, limit: int) -> Fraction:
        return Fraction(max(0, microseconds) * limit, length_of(self.definition))

    def let_time_pass(self, now: int, limit: int) -> None:
        self.level = max(Fraction(0), self.level - self.drained(now - self.at, limit))
        self.at = max(self.at, now)

    def settle(self, quantity: int, settled: int, issued_at: int, now: int, limit: int) -> None:
        unused = quantity - settled
        left = quantity - self.drained(now - issued_at, limit)
        back = unused if unused < 0 else max(0, min(unused, self.used, math.floor(left)))
        self.level = max(Fraction(0), self.level - back)

    def has_room_at(self, quantity: int, limit: int, _now: int) -> int | None:
        return self._drained_at(self.level - (limit - quantity), limit) if quantity <= limit else None

    def resets_at(self, limit: int, _now: int) -> int | None:
        return self._drained_at(self.level, limit)

    def _drained_at(self, missing: Fraction, limit: int) -> int | None:
        return None if limit == 0 else self.at + math.ceil(missing * length_of(self.definition) / limit)
