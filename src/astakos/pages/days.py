"""Days as fields for dates hold them: `2031-02-28` in the time zone of the reader."""

from datetime import date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from astakos.clock import EPOCH

EXAMPLE: Final = "2031-02-28"
LAST_MOMENT: Final = time(23, 59, 59)


def day_of(instant: int, zone: ZoneInfo) -> str:
    """Returns the day of an instant."""
    return (EPOCH + timedelta(microseconds=instant)).astimezone(zone).date().isoformat()


def start_of(day: str, zone: ZoneInfo) -> int:
    """Returns the first instant of a day.

    Raises:
        ValueError: The text is no day, or there is no instant for it. The message says what would be right.
    """
    return _instant(day, time(), zone)


def end_of(day: str, zone: ZoneInfo) -> int:
    """Returns the last second of a day.

    Raises:
        ValueError: The text is no day, or there is no instant for it. The message says what would be right.
    """
    return _instant(day, LAST_MOMENT, zone)


def _instant(day: str, at: time, zone: ZoneInfo) -> int:
    try:
        moment = datetime.combine(date.fromisoformat(day), at, tzinfo=zone)
        return (moment - EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise ValueError(f"Write a date like {EXAMPLE}.") from None
