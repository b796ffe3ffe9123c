"""Counts recent attempts to get in with a secret, across all processes and hosts."""

from collections.abc import Sequence
from typing import NamedTuple

from astakos.directory.attempt_limits import WINDOW, Attempt, Limit, Tally, TooManyAttemptsError
from astakos.storage.protocol import Connection
from astakos.storage.tables import clock_records

MOST_EXPIRED = 1000
"""How many counts are deleted at a time, so that other writers do not wait long."""

EXPIRE = """
DELETE FROM login_attempts WHERE subject IN (
    SELECT subject FROM login_attempts WHERE began < ? ORDER BY began LIMIT ?
)
"""
FIND = "SELECT began, count FROM login_attempts WHERE subject = ?"
SAVE = """
INSERT INTO login_attempts (subject, began, count) VALUES (?, ?, ?)
ON CONFLICT (subject) DO UPDATE SET began = excluded.began, count = excluded.count
"""
TAKE_BACK = "UPDATE login_attempts SET count = count - 1 WHERE subject = ? AND count > 0"


class Counted(NamedTuple):
    """An attempt that was counted.

    Attributes:
        limits: the limits that it counts for; see `take_back`.
        is_suspect: whether the caller has made other attempts that were wrong, or are not judged yet.
    """

    limits: Sequence[Limit]
    is_suspect: bool


def require_allowed(connection: Connection, attempt: Attempt, now: int) -> None:
    """Checks that an attempt is allowed, without counting it.

    Raises:
        TooManyAttemptsError: it exceeds a limit.
    """
    _tallies(connection, attempt, now)


def count(connection: Connection, attempt: Attempt, now: int) -> Counted:
    """Counts an attempt before it is made.

    Raises:
        TooManyAttemptsError: it exceeds a limit, and is not counted.
    """
    if not clock_records.is_held(connection):
        connection.execute(EXPIRE, (now - WINDOW, MOST_EXPIRED))
    tallies = _tallies(connection, attempt, now)
    rows = [(limit.subject, began, number + 1) for limit, (began, number) in tallies]
    connection.executemany(SAVE, rows)
    is_suspect = any(tally.number for limit, tally in tallies if limit.is_of_caller)
    return Counted([limit for limit, _ in tallies], is_suspect)


def take_back(connection: Connection, limits: Sequence[Limit]) -> None:
    """Uncounts an attempt, because it succeeded or the secret could not be checked."""
    connection.executemany(TAKE_BACK, [(limit.subject,) for limit in limits])


def _tallies(connection: Connection, attempt: Attempt, now: int) -> list[tuple[Limit, Tally]]:
    place = attempt.place
    tried_here = 0 if place is None else _remaining(connection, place, now).number
    tallies = [(limit, _remaining(connection, limit, now)) for limit in attempt.limits(tried_here)]
    again = [limit.allowed_again(tally) for limit, tally in tallies if limit.is_exhausted(tally)]
    if again:
        raise TooManyAttemptsError(max(again))
    return tallies


def _remaining(connection: Connection, limit: Limit, now: int) -> Tally:
    row = connection.execute(FIND, (limit.subject,)).fetchone()
    return limit.remaining(None if row is None else Tally(*row), now)
