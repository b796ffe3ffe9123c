"""Instants and durations in words that people read. The script shows instants in the reader's zone."""

import re
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

from astakos.clock import EPOCH, MICROSECONDS, from_iso

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR
ISO: Final = re.compile(r"(?<![\w.])\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?\+00:00(?!\w)", re.ASCII)
UNITS: Final = ((365 * DAY, "year"), (30 * DAY, "month"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"))


def shown(instant: int, zone: tzinfo = UTC) -> str:
    """Returns an instant to the minute, for example `3 Feb 2031, 04:05 UTC`."""
    moment = _moment(instant).astimezone(zone)
    return f"{moment.day} {moment:%b} {moment.year}, {moment:%H:%M} {moment:%Z}"


def machine(instant: int) -> str:
    """Returns an instant for the attribute `datetime` of the element `time`: to the millisecond."""
    return f"{_moment(instant):%Y-%m-%dT%H:%M:%S}.{instant % MICROSECONDS // 1000:03d}Z"


def with_instants(text: str, zone: tzinfo = UTC) -> str:
    """Returns a text in which instants in ISO 8601, in UTC, are written as `shown` does."""

    def written(found: re.Match[str]) -> str:
        try:
            return shown(from_iso(found[0]), zone)
        except ValueError:
            return found[0]

    return ISO.sub(written, text)


def relative(instant: int, now: int) -> str:
    """Returns how far away an instant is, for example `in 3 days` or `2 hours ago`."""
    seconds = (instant - now) // MICROSECONDS
    distance = abs(seconds)
    for size, word in UNITS:
        if distance >= size:
            number = distance // size
            words = f"{number} {word}{'' if number == 1 else 's'}"
            return f"in {words}" if seconds > 0 else f"{words} ago"
    return "in less than a minute" if seconds > 0 else "just now"


def duration(seconds: int) -> str:
    """Returns a duration in the two largest units that matter, for example `2 h 5 min`."""
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < DAY:
        return _two(seconds // HOUR, "h", seconds % HOUR // MINUTE, "min")
    return _two(seconds // DAY, "d", seconds % DAY // HOUR, "h")


def _two(number: int, unit: str, rest: int, of_rest: str) -> str:
    return f"{number} {unit} {rest} {of_rest}" if rest else f"{number} {unit}"


def _moment(instant: int) -> datetime:
    return EPOCH + timedelta(microseconds=instant)
