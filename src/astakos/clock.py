"""Instants: whole microseconds since 1970-01-01 UTC inside, ISO 8601 outside (`http-api.md` §3)."""

import time
from datetime import UTC, datetime, timedelta

MICROSECONDS = 1_000_000
DAY = 24 * 3600 * MICROSECONDS
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> int:
    """The present instant by this machine's clock."""
    return time.time_ns() // 1000


def to_iso(instant: int) -> str:
    """`2031-02-03T04:05:06.789012+00:00`; the fraction is left out when it is zero."""
    return (EPOCH + timedelta(microseconds=instant)).isoformat()


def from_iso(text: str) -> int:
    """The instant that an ISO 8601 text with a zone names.

    Raises:
        ValueError: it is no such text, or names no zone.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} names no time zone; write for example 2031-02-03T04:05:06+00:00")
    return (moment - EPOCH) // timedelta(microseconds=1)


def to_milliseconds(instant: int) -> int:
    """Whole milliseconds since 1970, as the oldest user information counts them (`http-api.md` §8.1)."""
    return instant // 1000
