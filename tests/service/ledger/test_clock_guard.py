"""When a clock is trusted, by values."""

from astakos.clock import DAY, MICROSECONDS
from astakos.ledger.clock_guard import AGREEMENT_SECONDS, JUMP_SECONDS, ClockAnchor, ClockGuard, ClockRecord
from service.world import LOADED

BOOT = "this start"
SECOND = MICROSECONDS
JUMP, AGREEMENT = JUMP_SECONDS * SECOND, AGREEMENT_SECONDS * SECOND


def guard_at(elapsed: int = 0, record: ClockRecord = ClockRecord()) -> ClockGuard:  # noqa: B008 - immutable
    guard = ClockGuard(record, BOOT)
    guard.observe(LOADED + elapsed, elapsed)
    return guard


def test_a_clock_that_goes_with_the_elapsed_time_is_trusted() -> None:
    guard = guard_at()
    # A suspended machine: much time passes at once, on both clocks.
    for elapsed in (SECOND, 30 * DAY, 30 * DAY + SECOND):
        guard.observe(LOADED + elapsed + JUMP, elapsed)
        assert not guard.is_held


def test_a_jump_in_either_direction_holds_until_the_clock_has_been_right_for_some_time() -> None:
    for jump in (31 * DAY, JUMP + 1, -31 * DAY):
        guard = guard_at()
        guard.observe(LOADED + SECOND + jump, SECOND)
        assert (guard.is_held, guard.ahead) == (True, jump)
        # Both clocks go on at the same rate: that makes the jump no smaller.
        guard.observe(LOADED + 2 * AGREEMENT + jump, 2 * AGREEMENT)
        assert guard.is_held
        right = 3 * AGREEMENT
        for later, is_held in ((0, True), (AGREEMENT - 1, True), (AGREEMENT, False)):
            guard.observe(LOADED + right + later, right + later)
            assert guard.is_held is is_held


def test_a_clock_that_goes_wrong_again_must_be_right_for_the_whole_time_again() -> None:
    guard = guard_at()
    guard.observe(LOADED + DAY, 0)
    guard.observe(LOADED + SECOND, SECOND)
    guard.observe(LOADED + DAY, 2 * SECOND)
    guard.observe(LOADED + AGREEMENT, AGREEMENT)
    guard.observe(LOADED + AGREEMENT + 2 * SECOND, AGREEMENT + 2 * SECOND)
    assert guard.is_held


def test_small_corrections_do_not_add_up() -> None:
    guard = guard_at()
    for step in range(1, 50):
        elapsed = step * AGREEMENT
        guard.observe(LOADED + elapsed + step * JUMP // 2, elapsed)
        guard.observe(LOADED + elapsed + SECOND + step * JUMP // 2, elapsed + SECOND)
        assert not guard.is_held


def test_what_is_accepted_is_right_from_then_on() -> None:
    guard = guard_at()
    guard.observe(LOADED + DAY, SECOND)
    guard.accept(LOADED + DAY, SECOND)
    guard.observe(LOADED + DAY + SECOND, 2 * SECOND)
    found = [(guard.is_held, guard.ahead)]
    guard.observe(LOADED + 2 * SECOND, 2 * SECOND)
    found.append((guard.is_held, guard.ahead))
    assert found == [(False, 0), (True, SECOND - DAY)]


def test_a_jump_while_no_process_ran_is_noticed_but_not_one_over_a_restart_of_the_machine() -> None:
    anchor = ClockAnchor(LOADED - 31 * DAY, BOOT)
    assert guard_at(SECOND, ClockRecord(anchor=anchor)).is_held
    assert not guard_at(SECOND, ClockRecord(anchor=anchor._replace(boot="an earlier one"))).is_held


def test_a_hold_outlives_the_processes_and_the_machine() -> None:
    right = ClockAnchor(LOADED, BOOT)
    guard = guard_at(SECOND, ClockRecord(anchor=right, is_held=True))
    found = [guard.is_held]
    guard.observe(LOADED + SECOND + AGREEMENT, SECOND + AGREEMENT)
    assert [*found, guard.is_held] == [True, False]
    guard = guard_at(SECOND, ClockRecord(anchor=right._replace(boot="an earlier one"), is_held=True))
    guard.observe(LOADED + DAY, DAY)
    assert guard.is_held


def test_the_bounds_are_settings() -> None:
    guard = guard_at()
    guard.set_bounds(ClockRecord(jump_seconds=10, agreement_seconds=20))
    found = []
    for elapsed, ahead in ((0, 11), (0, 0), (20, 0)):
        guard.observe(LOADED + (elapsed + ahead) * SECOND, elapsed * SECOND)
        found.append(guard.is_held)
    assert found == [True, True, False]
