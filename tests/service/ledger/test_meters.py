"""Meters against a naive model: a list of what was imported when, from which all figures are recomputed."""

import itertools
from dataclasses import dataclass, field
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astakos.clock import DAY, MICROSECONDS
from astakos.ledger.meters import (
    Budget,
    Closed,
    Meter,
    Rate,
    Rolled,
    Window,
    begin,
    forgive,
    resets,
    settle_metered,
)
from astakos.ledger.periods import HOUR, MINUTE, Schedule, Unit
from astakos.ledger.rules import UNLIMITED, Holding, settle

START = 20_000 * DAY + 12345
MONTHLY = Schedule(Unit.MONTH, 1, "Europe/Athens", datetime.fromisoformat("2020-01-31T09:30"))
DAILY = Schedule(Unit.DAY, 1, "America/New_York", datetime.fromisoformat("2020-01-01"))
EVERY_7_MINUTES = Schedule(Unit.MINUTE, 7, "UTC", datetime.fromisoformat("2020-01-01"))
BUDGETS = [
    Budget("tokens/period", periods) for periods in (MONTHLY, DAILY, EVERY_7_MINUTES, Window(5 * HOUR))
]
LIMIT = 100


@dataclass
class Metered:
    """A holding of a meter, changed as the ledger changes it."""

    meter: Meter
    holding: Holding
    mark: int | None = None
    closed: list[Closed] = field(default_factory=list)

    def at(self, now: int) -> Holding:
        """Time passes."""
        forgiven = forgive(self.meter, self.holding, self.mark, now)
        self.holding, self.mark = forgiven.holding, forgiven.mark
        if forgiven.closed is not None:
            self.closed.append(forgiven.closed)
        return self.holding

    def issue(self, now: int, quantity: int) -> bool:
        """An import into the base; false if there is no room for it."""
        before = self.at(now)
        if before.usage_max + quantity > before.limit:
            return False
        self.holding = Holding(before.limit, before.usage_min, before.usage_max + quantity)
        if isinstance(self.meter, Rate):
            self.holding = settle(self.holding, quantity, quantity)
        self.mark = begin(self.meter, self.mark, now)
        return True

    def settle(self, now: int, quantity: int, settled: int, issued_at: int | None = None) -> None:
        """An import is settled that was issued at that instant, or just now."""
        at_issue = (now if issued_at is None else issued_at) if isinstance(self.meter, Rate) else None
        self.holding = settle_metered(self.meter, self.at(now), quantity, settled, at_issue, now)
        if settled:
            self.mark = begin(self.meter, self.mark, now)


@dataclass
class Import:
    """An import into the base."""

    quantity: int
    settled: int
    settled_at: int | None = None


STEPS = st.lists(
    st.tuples(
        st.integers(0, 3 * DAY) | st.integers(0, 40 * DAY) | st.integers(0, 10 * MINUTE),
        st.sampled_from(["issue", "settle", "look"]),
        st.integers(1, LIMIT),
        st.integers(0, 9),
    ),
    max_size=40,
)


@given(st.sampled_from(BUDGETS), STEPS)
def test_a_budget_counts_what_is_settled_in_the_period_and_what_is_pending(
    budget: Budget, steps: list[tuple[int, str, int, int]]
) -> None:
    metered, imports, now = Metered(budget, Holding(LIMIT)), list[Import](), START
    windows: list[int] = []
    for passed, what, quantity, place in steps:
        now += passed
        pending = [one for one in imports if one.settled_at is None]
        touched = False
        if what == "issue":
            if metered.issue(now, quantity):
                imports.append(Import(quantity, min(quantity, place * 12)))
                touched = True
        elif what == "settle" and pending:
            one = pending[place % len(pending)]
            one.settled_at = now
            metered.settle(now, one.quantity, one.settled)
            touched = one.settled > 0
        if isinstance(budget.periods, Window):
            if touched and (not windows or now >= windows[-1] + budget.periods.length):
                windows.append(now)
            running = bool(windows) and now < windows[-1] + budget.periods.length
            start = windows[-1] if running else now + 1
        else:
            start = budget.periods.span_at(now).start
        settled = sum(one.settled for one in imports if (one.settled_at or 0) >= start)
        open_ = sum(one.quantity for one in imports if one.settled_at is None)
        assert metered.at(now) == Holding(LIMIT, settled, settled + open_)
        assert settled <= LIMIT


@given(st.sampled_from(BUDGETS), STEPS)
def test_what_was_settled_in_a_period_is_kept_when_it_is_over(
    budget: Budget, steps: list[tuple[int, str, int, int]]
) -> None:
    metered, now, total = Metered(budget, Holding(LIMIT)), START, 0
    for passed, what, quantity, place in steps:
        now += passed
        if what == "issue" and metered.issue(now, quantity):
            settled = min(quantity, place * 12)
            metered.settle(now, quantity, settled)
            total += settled
    last = metered.at(now).usage_min
    assert sum(one.total for one in metered.closed) + last == total
    assert all(before.end <= after.start for before, after in itertools.pairwise(metered.closed))


@given(st.sampled_from([*BUDGETS, Rate("tokens/minute", MINUTE)]), STEPS, st.integers(1, 40 * DAY))
def test_a_clock_that_steps_back_forgives_nothing_twice(
    meter: Meter, steps: list[tuple[int, str, int, int]], back: int
) -> None:
    metered, now = Metered(meter, Holding(LIMIT)), START
    for passed, _, quantity, _ in steps:
        now += passed
        if metered.issue(now, quantity):
            metered.settle(now, quantity, quantity)
    metered.at(now)
    before = metered.holding, metered.mark
    metered.at(now - back)
    metered.at(now)
    assert (metered.holding, metered.mark) == before


@given(
    st.integers(1, 10_000),
    st.sampled_from([MICROSECONDS, MINUTE, DAY, 7_777_777]),
    st.lists(st.tuples(st.integers(0, MINUTE), st.integers(1, 10_000), st.floats(0, 1)), max_size=40),
)
def test_a_rate_lets_through_its_limit_at_once_and_what_drains_meanwhile(
    limit: int, period: int, steps: list[tuple[int, int, float]]
) -> None:
    metered = Metered(Rate("tokens/minute", period), Holding(limit))
    now, granted = START, list[tuple[int, int]]()
    for passed, quantity, used in steps:
        now += passed
        if metered.issue(now, quantity):
            settled = int(quantity * used)
            metered.settle(now, quantity, settled)
            granted.append((now, settled))
        holding = metered.holding
        assert 0 <= holding.usage_min == holding.usage_max <= limit
        for first, _ in granted:
            through = sum(settled for instant, settled in granted if instant >= first)
            assert through <= limit + (now - first) * limit / period


@given(
    st.integers(1, 1000),
    st.lists(
        st.tuples(
            st.integers(0, 3) | st.integers(0, 100),
            st.booleans(),
            st.integers(1, 1000),
            st.floats(0, 1),
            st.integers(0, 9),
        ),
        max_size=60,
    ),
)
def test_a_rate_lets_no_more_through_however_long_reservations_are_held(
    limit: int, steps: list[tuple[int, bool, int, float, int]]
) -> None:
    metered = Metered(Rate("tokens/minute", MINUTE), Holding(limit))
    now, held, granted = START, list[tuple[int, int]](), list[tuple[int, int]]()
    for seconds, settles, quantity, used, place in steps:
        now += seconds * MICROSECONDS
        if settles and held:
            issued_at, issued = held.pop(place % len(held))
            settled = int(issued * used)
            metered.settle(now, issued, settled, issued_at)
            granted.append((issued_at, settled))
        elif metered.issue(now, quantity):
            held.append((now, quantity))
    for first, _ in granted:
        for last, _ in granted:
            through = sum(settled for instant, settled in granted if first <= instant <= last)
            assert through <= max(0, limit + (last - first) * limit / MINUTE) or last < first


@given(
    st.integers(1, 10_000),
    st.integers(0, 10_000),
    st.lists(st.integers(0, MINUTE), min_size=1, max_size=20),
)
def test_a_rate_drains_the_same_however_often_one_looks(limit: int, usage: int, pauses: list[int]) -> None:
    rate, holding = Rate("tokens/minute", MINUTE), Holding(limit, usage, usage)
    often = Metered(rate, holding, START)
    now = START
    for pause in pauses:
        now += pause
        often.at(now)
    once = forgive(rate, holding, START, now).holding
    # Each look loses less than a microsecond, in which this much would drain.
    lost = -(-len(pauses) * limit // MINUTE)
    assert 0 <= often.holding.usage_max - once.usage_max <= lost


def test_a_rate_gives_back_what_was_not_used_but_only_what_has_not_drained() -> None:
    metered = Metered(Rate("tokens/minute", MINUTE), Holding(LIMIT))
    assert metered.issue(START, 100)
    assert metered.holding == Holding(100, 100, 100)
    metered.settle(START, 100, 40)
    assert metered.holding == Holding(100, 40, 40)
    assert metered.issue(START, 60)
    metered.settle(START + 30 * MICROSECONDS, 60, 0, START)
    # 50 of the 100 in use have drained, as many as of the 60 that were not used, at the worst.
    assert metered.holding == Holding(100, 40, 40)


def test_what_one_import_gives_back_is_not_what_others_have_used() -> None:
    metered = Metered(Rate("tokens/minute", MINUTE), Holding(600))
    for minute in range(3):
        assert metered.issue(START + minute * MINUTE, 600)
    metered.settle(START + 2 * MINUTE, 600, 0, START)
    metered.settle(START + 2 * MINUTE, 600, 0, START + MINUTE)
    assert metered.holding == Holding(600, 600, 600)


def test_a_debt_ends_windows_until_it_is_paid_off() -> None:
    window = Budget("tokens/window", Window(HOUR), keeps_debt=True)
    for hours, left in enumerate((70, 40, 10, 0)):
        forgiven = forgive(window, Holding(30, 100, 100), START, START + (hours + 1) * HOUR)
        assert forgiven.holding == Holding(30, left, left)
        assert forgiven.mark == (START + (hours + 1) * HOUR if left else None)


def test_what_would_take_ages_is_not_promised() -> None:
    rate = Rate("tokens/day", DAY)
    assert resets(rate, Holding(1, 10**9, 10**9), START, START) is None


def test_idle_time_is_no_credit() -> None:
    metered = Metered(Rate("tokens/minute", MINUTE), Holding(LIMIT))
    metered.at(START)
    assert metered.issue(START + DAY, 100)
    assert not metered.issue(START + DAY + MICROSECONDS // 2, 1)
    assert metered.issue(START + DAY + MICROSECONDS, 1)


def test_what_is_pending_counts_in_the_period_in_which_it_settles() -> None:
    metered = Metered(Budget("tokens/day", DAILY), Holding(LIMIT))
    assert metered.issue(START, 60)
    assert metered.issue(START, 30)
    metered.settle(START, 30, 30)
    tomorrow = START + DAY
    assert metered.at(tomorrow) == Holding(100, 0, 60)
    metered.settle(tomorrow, 60, 50)
    assert metered.holding == Holding(100, 50, 50)
    assert [one.total for one in metered.closed] == [30]


@pytest.mark.parametrize(("days", "left"), [(0, 250), (1, 150), (2, 50), (3, 0), (300, 0)])
def test_a_debt_that_is_kept_is_paid_off_by_the_following_periods(days: int, left: int) -> None:
    budget = Budget("tokens/day", DAILY, keeps_debt=True)
    forgiven = forgive(budget, Holding(100, 250, 260), DAILY.span_at(START).start, START + days * DAY)
    assert forgiven.holding == Holding(100, left, left + 10)


def test_a_meter_tells_when_everything_is_forgiven() -> None:
    rate = Rate("tokens/minute", MINUTE)
    assert resets(rate, Holding(100, 50, 50), START, START) == START + 30 * MICROSECONDS
    assert resets(rate, Holding(0, 50, 50), START, START) is None
    window = Budget("tokens/window", Window(5 * HOUR))
    assert resets(window, Holding(100), None, START) is None
    assert resets(window, Holding(100), START, START + HOUR) == START + 5 * HOUR
    daily = Budget("tokens/day", DAILY)
    assert resets(daily, Holding(100), None, START) == DAILY.span_at(START).end


@given(
    limit=st.integers(1, 20),
    cap=st.integers(1, 30),
    used=st.lists(st.integers(0, 60), min_size=1, max_size=12),
    looks=st.lists(st.booleans(), min_size=13, max_size=13),
    keeps_debt=st.booleans(),
)
def test_what_rolls_over_does_not_depend_on_when_one_looks(
    limit: int, cap: int, used: list[int], looks: list[bool], keeps_debt: bool
) -> None:
    budget = Budget("tokens/day", DAILY, keeps_debt, cap)
    start = DAILY.span_at(START).start
    holding, mark, rolled = Holding(limit), None, 0
    debt = before = 0
    for number, quantity in enumerate(used):
        now = DAILY.boundary(DAILY.number_at(start) + number) + HOUR
        if quantity or looks[number]:
            # The rule says what was left over at each boundary; the ledger may have been asleep.
            forgiven = forgive(budget, holding, mark, now, rolled)
            holding, mark = forgiven.holding, forgiven.mark
            rolled = rolled if forgiven.rolled is None else forgiven.rolled.amount
            assert (rolled, holding.usage_min) == (before, debt)
            holding = Holding(limit, holding.usage_min + quantity, holding.usage_max + quantity)
        if mark is None:
            continue
        total = debt + quantity
        debt = max(0, total - limit - before) if keeps_debt else 0
        before = min(cap, max(0, limit - total))


def test_an_unlimited_budget_leaves_nothing_over() -> None:
    budget = Budget("tokens/day", DAILY, rollover=10)
    forgiven = forgive(budget, Holding(UNLIMITED, 5, 5), START, START + 2 * DAY)
    assert forgiven.rolled == Rolled(DAILY.span_at(START + 2 * DAY).start, 0)
