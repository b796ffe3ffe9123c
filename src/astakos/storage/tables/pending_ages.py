"""Counts pending commissions by age, for monitoring."""

from typing import NamedTuple

from astakos.clock import DAY, MICROSECONDS
from astakos.storage.protocol import Connection

MINUTE = 60 * MICROSECONDS
HOUR = 60 * MINUTE
COUNT = """
SELECT count(*), min(issue_time),
    coalesce(sum(CASE WHEN issue_time > ? THEN 1 ELSE 0 END), 0),
    coalesce(sum(CASE WHEN issue_time > ? THEN 1 ELSE 0 END), 0),
    coalesce(sum(CASE WHEN issue_time > ? THEN 1 ELSE 0 END), 0)
FROM pending_commissions
"""


class PendingAges(NamedTuple):
    """The number of pending commissions in each age group, and the age of the oldest in microseconds."""

    below_a_minute: int
    below_an_hour: int
    below_a_day: int
    longer: int
    oldest: int


def count_pending_by_age(connection: Connection, now: int) -> PendingAges:
    """Counts all pending commissions, each in one age group."""
    row = connection.execute(COUNT, (now - MINUTE, now - HOUR, now - DAY)).fetchone()
    count, first, *younger = row
    minute, hour, day = map(int, younger)
    oldest = 0 if first is None else max(0, now - first)
    return PendingAges(minute, hour - minute, day - hour, count - day, oldest)
