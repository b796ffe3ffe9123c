"""Counts recent login attempts, across all processes and hosts."""

from collections.abc import Sequence

from astakos.directory.attempt_limits import WINDOW, Limit, Tally, counted
from astakos.storage.protocol import Connection

EXPIRE = "DELETE FROM login_attempts WHERE began < ?"
FIND = "SELECT began, count FROM login_attempts WHERE subject = ?"
SAVE = """
INSERT INTO login_attempts (subject, began, count) VALUES (?, ?, ?)
ON CONFLICT (subject) DO UPDATE SET began = excluded.began, count = excluded.count
"""
TAKE_BACK = "UPDATE login_attempts SET count = count - 1 WHERE subject = ? AND count > 0"


def count(connection: Connection, limits: Sequence[Limit], now: int) -> int | None:
    """Count an attempt before it is made, unless it exceeds a limit.

    Returns:
        None if the attempt is allowed, otherwise the instant from which the next one is.
    """
    connection.execute(EXPIRE, (now - WINDOW,))
    tallies = []
    for limit in limits:
        row = connection.execute(FIND, (limit.subject,)).fetchone()
        tally = counted(None if row is None else Tally(*row), now)
        if tally.number > limit.most:
            return tally.began + WINDOW
        tallies.append((limit.subject, *tally))
    connection.executemany(SAVE, tallies)
    return None


def take_back(connection: Connection, limits: Sequence[Limit]) -> None:
    """Uncount an attempt, because it succeeded."""
    connection.executemany(TAKE_BACK, [(limit.subject,) for limit in limits])
