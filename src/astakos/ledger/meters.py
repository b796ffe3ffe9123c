"""Meters: limits on what is spent in a time, as pure functions (`rules.py`, "Meters").

A *meter* is a resource that counts imports of another one, its base. A *budget* starts from nothing in each
period; a *rate* drains all the time. Forgiving is what time does to a meter's holding. It happens lazily,
whenever the holding is next changed or read, so it must not matter how often and when that is.

Each metered holding has a *mark* beside its figures: the instant up to which time has been taken into
account. A clock that steps back behind the mark forgives nothing, and so nothing is forgiven twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from astakos.clock import DAY, MICROSECONDS
from astakos.ledger.periods import Schedule
from astakos.ledger.rules import UNLIMITED, Holding, Key, Renewal, settle

TIME_TO_LIVE = 3600 * MICROSECONDS
LATEST = 100_000 * DAY
"""The end of the instants that are told: in the year 2243."""
PERIODS_KEPT = 1000
"""For how many of its own lengths a period that is over is kept."""


@dataclass(frozen=True, slots=True)
class Window:
    """Periods that begin with the first import when none is running.

    Attributes:
        length: of each period, in microseconds.
    """

    length: int


@dataclass(frozen=True, slots=True)
class Budget:
    """Counts what is settled in each period, and what is pending.

    Attributes:
        resource: the name of the meter, a resource itself.
        periods: when each period begins and ends.
        keeps_debt: whether usage beyond the limit counts in the next period; otherwise it is forgiven, too.
        rollover: how much of what a period has left over can be used in the next one; not for a window.
    """

    resource: str
    periods: Schedule | Window
    keeps_debt: bool = False
    rollover: int = 0


@dataclass(frozen=True, slots=True)
class Rate:
    """Counts what has been issued and has not drained yet.

    Attributes:
        resource: the name of the meter, a resource itself.
        period: in how many microseconds as much as the limit drains.
    """

    resource: str
    period: int


Meter = Budget | Rate


class Closed(NamedTuple):
    """A period of a budget that is over.

    Attributes:
        start: when it began.
        end: when it ended.
        total: what was settled in it, and the debt that it began with.
    """

    start: int
    end: int
    total: int

    @property
    def kept_until(self) -> int:
        """The instant until which it is kept: minutes for some hours, months for a lifetime."""
        return self.end + PERIODS_KEPT * (self.end - self.start)


class Rolled(NamedTuple):
    """What a period of a budget has left over for the next one.

    Attributes:
        start: when that began.
        amount: by how much usage in it may exceed the limit. It is used as a grant that expires at its end.
    """

    start: int
    amount: int


class Forgiven(NamedTuple):
    """A metered holding at an instant.

    Attributes:
        holding: the figures.
        mark: the instant up to which time has been taken into account; for a budget, the start of the
            running period. None if time has not begun to count: a window before its first import.
        closed: the last period in which the holding was used, if it has ended since the mark.
        rolled: what the period before the running one has left over, if a period has ended since the mark.
    """

    holding: Holding
    mark: int | None
    closed: Closed | None = None
    rolled: Rolled | None = None


def forgive(meter: Meter, holding: Holding, mark: int | None, now: int, rolled: int = 0) -> Forgiven:
    """Returns a holding after time has passed.

    Args:
        meter: the meter.
        holding: the figures at the mark, with the limit that applies now.
        mark: see `Forgiven`; None also for a holding that has never been touched.
        now: the instant.
        rolled: what the period before the mark left over. Only the debt that is kept depends on it.
    """
    if isinstance(meter, Rate):
        return _drain(meter, holding, mark, now)
    if isinstance(meter.periods, Window):
        return _end_window(meter, holding, mark, now, meter.periods.length)
    return _turn(meter, holding, mark, now, meter.periods, rolled)


def _drain(meter: Rate, holding: Holding, mark: int | None, now: int) -> Forgiven:
    limit, usage, most = holding.limit, holding.usage_min, holding.usage_max
    if mark is None or usage == 0:
        # Idle time is no credit.
        return Forgiven(holding, now if mark is None else max(mark, now))
    drained = max(0, now - mark) * limit // meter.period
    if drained >= usage:
        return Forgiven(Holding(limit, 0, most - usage), max(mark, now))
    if drained == 0:
        return Forgiven(holding, mark)
    # Only the time that these whole units took is over. The rest counts towards the next unit.
    taken = -(-drained * meter.period // limit)
    return Forgiven(Holding(limit, usage - drained, most - drained), mark + taken)


def _end_window(meter: Budget, holding: Holding, mark: int | None, now: int, length: int) -> Forgiven:
    if mark is None or now < mark + length:
        return Forgiven(holding, mark)
    closed = Closed(mark, mark + length, holding.usage_min)
    turns = (now - mark) // length
    left = _without_settled(meter, holding, turns)
    # A debt that is left is in use, so that windows follow each other until it is paid off.
    return Forgiven(left, mark + turns * length if left.usage_min else None, closed)


def _turn(
    meter: Budget, holding: Holding, mark: int | None, now: int, schedule: Schedule, rolled: int
) -> Forgiven:
    if mark is None:
        return Forgiven(holding, schedule.span_at(now).start)
    running = schedule.span_at(mark)
    if now < running.end:
        return Forgiven(holding, mark)
    turns = schedule.number_at(now) - schedule.number_at(mark)
    closed = Closed(mark, running.end, holding.usage_min)
    start = schedule.span_at(now).start
    left = _without_settled(meter, holding, turns, rolled)
    if not meter.rollover:
        return Forgiven(left, start, closed)
    before = holding if turns == 1 else _without_settled(meter, holding, turns - 1, rolled)
    return Forgiven(left, start, closed, Rolled(start, _left_over(meter, before)))


def _without_settled(meter: Budget, holding: Holding, turns: int, rolled: int = 0) -> Holding:
    """Returns a holding after so many ends of periods: what is settled is forgiven, but for a debt.

    While there is a debt of more than the limit, nothing is left over, so `rolled` counts in the first only.
    """
    debt = max(0, holding.usage_min - rolled - turns * holding.limit) if meter.keeps_debt else 0
    return Holding(holding.limit, debt, holding.pending + debt)


def _left_over(meter: Budget, holding: Holding) -> int:
    """Returns what a period leaves to the next one, by the figures at its end."""
    limit = holding.limit
    return 0 if limit == UNLIMITED else min(meter.rollover, max(0, limit - holding.usage_min))


def begin(meter: Meter, mark: int | None, now: int) -> int:
    """Returns the mark of a holding, already forgiven up to `now`, when something is counted on it."""
    if mark is not None:
        return mark
    if isinstance(meter, Budget) and isinstance(meter.periods, Schedule):
        return meter.periods.span_at(now).start
    return now


def settle_metered(
    meter: Meter | None, holding: Holding, quantity: int, settled: int, at_issue: int | None, now: int
) -> Holding:
    """Returns a meter's holding after `settled` of an import of `quantity` into its base has taken effect.

    Args:
        meter: the meter as it is defined now; None if the resource is none any more.
        holding: its holding, forgiven up to now.
        quantity: what was issued.
        settled: what has taken effect.
        at_issue: when a rate counted it; None if it was not counted yet. A rate gives back what was not used,
            at most what has not drained yet. Draining since the issue counts for each import, as if it had
            been the only one: otherwise settling one could give back what others have used.
        now: the instant.
    """
    if at_issue is None:
        return settle(holding, quantity, settled)
    limit, usage_min, usage_max = holding.limit, holding.usage_min, holding.usage_max
    back = min(quantity - settled, usage_min)
    if back > 0 and isinstance(meter, Rate):
        drained = -(-max(0, now - at_issue) * limit // meter.period)
        back = max(0, min(back, quantity - drained))
    return Holding(limit, usage_min - back, usage_max - back)


def resets(meter: Meter, holding: Holding, mark: int | None, now: int) -> int | None:
    """Returns when a holding, already forgiven up to `now`, is next forgiven everything that is settled.

    None if there is nothing to wait for: an idle window, or a rate with a limit of 0.
    """
    if isinstance(meter, Rate):
        return _drained_at(meter, holding, mark, holding.usage_min)
    if isinstance(meter.periods, Window):
        return None if mark is None else mark + meter.periods.length
    return meter.periods.span_at(now if mark is None else max(now, mark)).end


def renewal(meter: Meter, holding: Holding, mark: int | None, now: int, quantity: int) -> Renewal:
    """Returns when there will be room for an import, which there is not now.

    There never is for more than the limit. A budget may have no room even then, for what is pending.
    """
    instant = None
    if isinstance(meter, Rate):
        missing = holding.usage_max + quantity - holding.limit
        if missing <= holding.usage_min:
            instant = _drained_at(meter, holding, mark, missing)
    elif quantity <= holding.limit:
        instant = resets(meter, holding, mark, now)
    return Renewal(instant, None if instant is None else max(0, instant - now), length(meter, now))


def length(meter: Meter, now: int) -> int:
    """Returns the length of the running period, or that in which as much as the limit drains."""
    if isinstance(meter, Rate):
        return meter.period
    if isinstance(meter.periods, Window):
        return meter.periods.length
    start, end = meter.periods.span_at(now)
    return end - start


def _drained_at(meter: Rate, holding: Holding, mark: int | None, quantity: int) -> int | None:
    if holding.limit <= 0 or mark is None:
        return None
    instant = mark + -(-quantity * meter.period // holding.limit)
    return instant if instant < LATEST else None


class Meters:
    """The meters of all resources that have some, and what else resources tell the ledger.

    Attributes:
        of: the meters of a base, by its name; a resource without meters is not in it.
        named: each meter by its own name.
        bases: the name of its base, by the name of a meter.
        time_to_live: after how many microseconds a pending commission that counts on a meter expires, if it
            does not say.
        thresholds: ascending percentages of limits (`alerts.py`), by resource; one without any is not in it.
        shadows: the resources whose limits only report.
    """

    def __init__(
        self,
        of: Mapping[str, Sequence[Meter]],
        debts: Mapping[str, int] = MappingProxyType({}),
        time_to_live: int = TIME_TO_LIVE,
        *,
        thresholds: Mapping[str, Sequence[int]] = MappingProxyType({}),
        shadows: Iterable[str] = (),
    ) -> None:
        """Sets the meters by the name of their base; bounds of debts and thresholds by resource."""
        self._debts = debts
        self.time_to_live = time_to_live
        self.thresholds = thresholds
        self.shadows = frozenset(shadows)
        self.of = {base: tuple(meters) for base, meters in of.items() if meters}
        self.named = {meter.resource: meter for meters in self.of.values() for meter in meters}
        self.bases = {meter.resource: base for base, meters in self.of.items() for meter in meters}

    def most_debt(self, resource: str) -> int:
        """Returns by how much a settlement may take usage of a resource beyond its limit (`overage.py`)."""
        return max(self._debts.get(resource, UNLIMITED), self.passing(resource))

    def passing(self, resource: str) -> int:
        """Returns by how much whatever asks for as much as there is may exceed the limit of a resource."""
        return UNLIMITED if resource in self.shadows else 0

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self.of)

    def with_meters(self, keys: Iterable[Key]) -> set[Key]:
        """Returns holdings, and those of the meters on which imports into them count."""
        return {
            counting
            for key in keys
            for counting in (
                key,
                *(key._replace(resource=meter.resource) for meter in self.of.get(key.resource, ())),
            )
        }


NO_METERS = Meters({})
