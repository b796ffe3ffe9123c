"""Takes the write lock of a file at the beginning of a transaction: the ledger before all others."""

import sqlite3
import time

from astakos.storage.sqlite.sqlite_connection import code_of


def begin_in_turn(connection: sqlite3.Connection) -> None:
    """Begins a transaction. While others hold the lock, SQLite looks for it more and more rarely."""
    connection.execute("BEGIN IMMEDIATE")


def begin_first(connection: sqlite3.Connection) -> None:
    """Begins a transaction of the ledger, which looks for the lock once a millisecond.

    Between changes that follow one another closely, the lock is free for less than that. Looking for it as
    rarely as they do, commissions would wait for 100 ms, and whoever sends changes all the time could
    slow them down.

    Raises:
        sqlite3.OperationalError: the lock is not free within the timeout of the connection.
    """
    (milliseconds,) = connection.execute("PRAGMA busy_timeout").fetchone()
    end = time.monotonic() + milliseconds / 1000
    connection.execute("PRAGMA busy_timeout = 1")
    try:
        while not _begins(connection, is_last=time.monotonic() >= end):
            pass
    finally:
        connection.execute(f"PRAGMA busy_timeout = {milliseconds}")


def _begins(connection: sqlite3.Connection, *, is_last: bool) -> bool:
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if code_of(error) != sqlite3.SQLITE_BUSY or is_last:
            raise
        return False
    return True
