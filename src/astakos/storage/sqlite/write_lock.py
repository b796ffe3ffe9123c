"""Takes the write lock of a file at the beginning of a transaction: the ledger before all others."""

import sqlite3
import time
from typing import Final

from astakos.storage.sqlite.sqlite_connection import code_of

BEGIN: Final = "BEGIN IMMEDIATE"
WAIT_BRIEFLY: Final = "PRAGMA busy_timeout = 1"
"""What a connection is told once for `begin_first`: to tell it before each transaction would cost time."""


def begin_in_turn(connection: sqlite3.Connection) -> None:
    """Begins a transaction. While others hold the lock, SQLite looks for it more and more rarely."""
    connection.execute(BEGIN)


def begin_first(connection: sqlite3.Connection, seconds: float) -> None:
    """Begins a transaction of the ledger, which looks for the lock once a millisecond.

    Between changes that follow one another closely, the lock is free for less than that. Looking for it as
    rarely as they do, commissions would wait for 100 ms, and whoever sends changes all the time could
    slow them down.

    Args:
        connection: one that waits briefly.
        seconds: how long the transaction waits for the lock.

    Raises:
        sqlite3.OperationalError: the lock is not free within that time.
    """
    if _begins(connection, is_last=False):
        return
    end = time.monotonic() + seconds
    while not _begins(connection, is_last=time.monotonic() >= end):
        pass


def _begins(connection: sqlite3.Connection, *, is_last: bool) -> bool:
    try:
        connection.execute(BEGIN)
    except sqlite3.OperationalError as error:
        if code_of(error) != sqlite3.SQLITE_BUSY or is_last:
            raise
        return False
    return True
