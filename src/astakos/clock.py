"""Instants: whole microseconds since 1970-01-01 UTC internally, ISO 8601 externally (`http-api.md` §3)."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

MICROSECONDS = 1_000_000
DAY = 24 * 3600 * MICROSECONDS
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now() -> int:
    """Returns the current instant by this machine's clock."""
    return time.time_ns() // 1000


def elapsed() -> int:
    """Returns the microseconds since this machine started, suspended or not. Nobody can set this clock."""
    # Other systems than Linux have no such clock; there, time in which the machine sleeps may not count.
    return time.clock_gettime_ns(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)) // 1000


def boot() -> str:
    """Returns what identifies this start of the machine; "" if unknown. `elapsed` counts from it."""
    try:
        return BOOT_ID.read_text().strip()
    except OSError:
        return ""


def to_iso(instant: int) -> str:
    """Formats an instant like `2031-02-03T04:05:06.789012+00:00`, without the fraction if it is zero."""
    return (EPOCH + timedelta(microseconds=instant)).isoformat()


def from_iso(text: str) -> int:
    """Parses an ISO 8601 text with a time zone.

    Raises:
        ValueError: the text is not ISO 8601, has no time zone, or is not in the years 1 to 9999 of UTC.
    """
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone; write it like 2031-02-03T04:05:06+00:00")
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"{text!r} is not in the years 1 to 9999 of UTC") from None
    return (moment - EPOCH) // timedelta(microseconds=1)


def to_milliseconds(instant: int) -> int:
    """Converts to milliseconds since 1970, as the oldest user information has them (`http-api.md` §8.1)."""
    return instant // 1000
