"""The course of usage over time: steps of equal unit, each with the highest usage and what changed in it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, NamedTuple

from astakos.clock import EPOCH


class Step(StrEnum):
    """The unit of the steps, in UTC."""

    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"


STEPS_SHOWN: Final = {Step.HOUR: 48, Step.DAY: 60, Step.WEEK: 52, Step.MONTH: 24}
MICROSECOND: Final = timedelta(microseconds=1)


class Change(NamedTuple):
    """A resolved provision: when, what it has added (or given back, negative), and the usage afterwards."""

    time: int
    settled: int
    usage: int


@dataclass(frozen=True, slots=True)
class Point:
    """A step of a course.

    Attributes:
        start: When it begins.
        highest: The highest usage in it.
        usage: The usage at its end.
        added: What was added in it.
        returned: What was given back in it.
        resets: Whether a period begins in it.
    """

    start: int
    highest: int
    usage: int
    added: int = 0
    returned: int = 0
    resets: bool = False


def starts_of(step: Step, now: int) -> list[int]:
    """Returns when the steps begin that are shown, up to the one that `now` is in."""
    moment = EPOCH + timedelta(microseconds=now)
    start = moment.replace(minute=0, second=0, microsecond=0)
    if step is not Step.HOUR:
        start = start.replace(hour=0)
    if step is Step.WEEK:
        start -= timedelta(days=start.weekday())
    if step is Step.MONTH:
        start = start.replace(day=1)
    found = [start]
    while len(found) < STEPS_SHOWN[step]:
        found.append(_before(found[-1], step))
    return [(one - EPOCH) // MICROSECOND for one in reversed(found)]


def _before(start: datetime, step: Step) -> datetime:
    if step is Step.HOUR:
        return start - timedelta(hours=1)
    if step is Step.MONTH:
        return (start - timedelta(days=1)).replace(day=1)
    return start - timedelta(days=1 if step is Step.DAY else 7)


def course(
    starts: Sequence[int], changes: Iterable[Change], resets: Iterable[int], present: int
) -> list[Point]:
    """Returns the course of usage in steps.

    Args:
        starts: When the steps begin.
        changes: What is known of before and in them, in order of time.
        resets: When periods of a meter began, which forgets what was used before.
        present: The usage now, at the end of the last step.
    """
    ordered = sorted(changes, key=lambda change: change.time)
    earlier = [change for change in ordered if change.time < starts[0]]
    usage = earlier[-1].usage if earlier else ordered[0].usage - ordered[0].settled if ordered else present
    events: list[tuple[int, int, Change | None]] = [(change.time, 1, change) for change in ordered]
    events += [(time, 0, None) for time in resets]
    events = sorted((event for event in events if event[0] >= starts[0]), key=lambda event: event[:2])
    points, position = list[Point](), 0
    ends = [*starts[1:], None]
    for start, end in zip(starts, ends, strict=True):
        highest, added, returned, begins = max(0, usage), 0, 0, False
        while position < len(events) and (end is None or events[position][0] < end):
            change = events[position][2]
            position += 1
            if change is None:
                usage, begins = 0, True
                continue
            usage = change.usage
            highest = max(highest, usage)
            added += max(0, change.settled)
            returned += max(0, -change.settled)
        points.append(Point(start, highest, usage, added, returned, resets=begins))
    last = points[-1]
    points[-1] = replace(last, usage=present, highest=max(last.highest, present))
    return points
