import pytest

from astakos.clock import DAY, from_iso
from astakos.pages.courses import STEPS_SHOWN, Change, Step, course, starts_of

NOW = from_iso("2031-03-05T04:05:06.789+00:00")


@pytest.mark.parametrize(
    ("step", "last", "before"),
    [
        (Step.HOUR, "2031-03-05T04:00:00+00:00", "2031-03-05T03:00:00+00:00"),
        (Step.DAY, "2031-03-05T00:00:00+00:00", "2031-03-04T00:00:00+00:00"),
        (Step.WEEK, "2031-03-03T00:00:00+00:00", "2031-02-24T00:00:00+00:00"),
        (Step.MONTH, "2031-03-01T00:00:00+00:00", "2031-02-01T00:00:00+00:00"),
    ],
)
def test_steps_begin_at_boundaries_up_to_now(step: Step, last: str, before: str) -> None:
    starts = starts_of(step, NOW)
    assert starts[-2:] == [from_iso(before), from_iso(last)]
    assert len(starts) == STEPS_SHOWN[step]
    assert starts == sorted(set(starts))


def test_what_was_used_goes_on_until_it_changes() -> None:
    starts = [0, 10, 20, 30]
    points = course(starts, [Change(12, 3, 5), Change(14, -4, 1), Change(25, 2, 3)], [], 3)
    assert [point.usage for point in points] == [2, 1, 3, 3], "2 were used before the first charge"
    assert [point.highest for point in points] == [2, 5, 3, 3]
    assert [(point.added, point.returned) for point in points] == [(0, 0), (3, 4), (2, 0), (0, 0)]


def test_a_charge_before_the_first_step_says_where_it_begins() -> None:
    assert [point.usage for point in course([100, 200], [Change(5, 7, 9)], [], 9)] == [9, 9]


def test_a_new_period_forgets_and_is_marked() -> None:
    points = course([0, 10, 20], [Change(5, 8, 8), Change(22, 1, 1)], [10], 1)
    assert [(point.usage, point.highest, point.resets) for point in points] == [
        (8, 8, False),
        (0, 8, True),
        (1, 1, False),
    ]


def test_without_any_charge_it_is_what_is_used_now() -> None:
    assert [point.highest for point in course([0, DAY], [], [], 4)] == [4, 4]
