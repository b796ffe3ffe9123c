from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astakos.clock import DAY, MICROSECONDS, from_iso, to_iso
from astakos.ledger.periods import HOUR, MINUTE, Schedule, Unit, time_zone

ZONES = (
    "UTC",
    "Europe/Athens",
    "America/New_York",
    "Australia/Lord_Howe",  # changes by half an hour
    "Asia/Kathmandu",
    "America/Havana",  # midnight comes twice
    "America/Sao_Paulo",  # midnight was skipped
    "Pacific/Apia",  # a whole day was skipped
)


def wall(text: str) -> datetime:
    """The time that a clock on the wall shows."""
    return datetime.fromisoformat(text)


INSTANTS = st.integers(from_iso("1971-01-01T00:00:00+00:00"), from_iso("2099-12-31T00:00:00+00:00"))
SCHEDULES = st.builds(
    Schedule,
    st.sampled_from(Unit),
    st.integers(1, 40),
    st.sampled_from(ZONES),
    st.datetimes(wall("1971-01-01"), wall("2099-12-31")),
)


def shown(schedule: Schedule, instant: int) -> str:
    return datetime.fromisoformat(to_iso(instant)).astimezone(time_zone(schedule.zone)).isoformat()


@given(SCHEDULES, INSTANTS)
def test_a_period_contains_the_instants_from_its_start_to_before_its_end(
    schedule: Schedule, instant: int
) -> None:
    span = schedule.span_at(instant)
    assert span.start <= instant < span.end
    assert schedule.span_at(span.start) == span
    assert schedule.span_at(span.end - 1) == span


@given(SCHEDULES, INSTANTS)
def test_periods_follow_each_other_without_gaps(schedule: Schedule, instant: int) -> None:
    span = schedule.span_at(instant)
    assert schedule.span_at(span.end).start == span.end
    assert schedule.span_at(span.start - 1).end == span.start


@given(SCHEDULES, st.integers(-20, 20))
def test_each_boundary_begins_a_period(schedule: Schedule, number: int) -> None:
    boundary = schedule.boundary(number)
    assert schedule.span_at(boundary).start == boundary
    assert boundary <= schedule.boundary(number + 1)


@given(SCHEDULES, INSTANTS)
def test_periods_have_their_length_but_for_changes_of_the_clocks(schedule: Schedule, instant: int) -> None:
    start, end = schedule.span_at(instant)
    shortest, longest = {
        Unit.MINUTE: (MINUTE, MINUTE),
        Unit.HOUR: (HOUR, HOUR),
        Unit.DAY: (DAY, DAY),
        Unit.WEEK: (7 * DAY, 7 * DAY),
        Unit.MONTH: (28 * DAY, 31 * DAY),
        Unit.YEAR: (365 * DAY, 366 * DAY),
    }[schedule.unit]
    change = 0 if schedule.unit in (Unit.MINUTE, Unit.HOUR) else DAY + 2 * HOUR
    assert shortest * schedule.every - change <= end - start <= longest * schedule.every + change


@given(SCHEDULES.filter(lambda schedule: schedule.unit not in (Unit.MINUTE, Unit.HOUR)), INSTANTS)
def test_days_and_longer_units_begin_at_the_same_time_of_day(schedule: Schedule, instant: int) -> None:
    zone = time_zone(schedule.zone)
    start = datetime.fromisoformat(to_iso(schedule.span_at(instant).start)).astimezone(zone)
    due = datetime.combine(start, schedule.anchor.time(), zone)
    is_skipped = due.astimezone(UTC).astimezone(zone).time() != due.time()
    assert start.time() == due.time() or is_skipped


@pytest.mark.parametrize(
    ("schedule", "instant", "expected"),
    [
        (
            Schedule(Unit.MONTH, 1, "UTC", wall("2026-01-31")),
            "2026-02-10T00:00:00+00:00",
            ("2026-01-31T00:00:00+00:00", "2026-02-28T00:00:00+00:00"),
        ),
        (
            Schedule(Unit.MONTH, 1, "UTC", wall("2026-01-31")),
            "2026-03-01T00:00:00+00:00",
            ("2026-02-28T00:00:00+00:00", "2026-03-31T00:00:00+00:00"),
        ),
        (
            Schedule(Unit.YEAR, 1, "UTC", wall("2024-02-29")),
            "2028-03-01T00:00:00+00:00",
            ("2028-02-29T00:00:00+00:00", "2029-02-28T00:00:00+00:00"),
        ),
        (
            Schedule(Unit.DAY, 1, "Europe/Athens", wall("2026-01-01")),
            "2026-03-29T12:00:00+03:00",
            ("2026-03-29T00:00:00+02:00", "2026-03-30T00:00:00+03:00"),
        ),
        (
            Schedule(Unit.DAY, 30, "UTC", wall("2026-01-10T09:30")),
            "2026-01-10T09:29:59+00:00",
            ("2025-12-11T09:30:00+00:00", "2026-01-10T09:30:00+00:00"),
        ),
        (
            Schedule(Unit.WEEK, 1, "UTC", wall("2026-01-04")),
            "2026-11-29T10:00:00+00:00",
            ("2026-11-29T00:00:00+00:00", "2026-12-06T00:00:00+00:00"),
        ),
        (  # midnight comes twice: the first one counts; in the past, which no new time zone database changes
            Schedule(Unit.DAY, 1, "America/Havana", wall("2018-01-01")),
            "2018-11-04T00:30:00-05:00",
            ("2018-11-04T00:00:00-04:00", "2018-11-05T00:00:00-05:00"),
        ),
        (  # midnight was skipped
            Schedule(Unit.DAY, 1, "America/Sao_Paulo", wall("2018-01-01")),
            "2018-11-04T12:00:00-02:00",
            ("2018-11-04T01:00:00-02:00", "2018-11-05T00:00:00-02:00"),
        ),
        (  # the 30th of December 2011 was skipped
            Schedule(Unit.DAY, 1, "Pacific/Apia", wall("2011-12-01")),
            "2011-12-31T12:00:00+14:00",
            ("2011-12-31T00:00:00+14:00", "2012-01-01T00:00:00+14:00"),
        ),
    ],
)
def test_periods(schedule: Schedule, instant: str, expected: tuple[str, str]) -> None:
    span = schedule.span_at(from_iso(instant))
    assert (shown(schedule, span.start), shown(schedule, span.end)) == expected


def test_hours_have_the_same_length_when_the_clocks_change() -> None:
    hours = Schedule(Unit.HOUR, 1, "Europe/Athens", wall("2026-01-01"))
    start = from_iso("2026-10-25T00:00:00+00:00")
    spans = [hours.span_at(start + number * HOUR + MICROSECONDS) for number in range(4)]
    assert [span.start for span in spans] == [start + number * HOUR for number in range(4)]


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "Europe", "a\0b", "x" * 300])
def test_an_unknown_time_zone_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="there is no time zone"):
        time_zone(name)


def test_a_time_zone_is_found_by_its_name() -> None:
    assert time_zone("Europe/Athens") == ZoneInfo("Europe/Athens")
    assert time_zone("UTC") is UTC
