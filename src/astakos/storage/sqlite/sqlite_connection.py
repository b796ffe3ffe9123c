"""Connections to an SQLite file: translates SQLite's errors into those of the storage."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from astakos.ledger.ports import NotCarriedOutError, StorageBrokenError

RESTORE = "stop the service and restore a backup (docs/backup.md#a-damaged-or-missing-database-file)"

NOT_NOW = {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_NOMEM,
}
"""Another process is in the way, or the disk fails, is full, or cannot be reached."""
END = object()
"""What no row is equal to."""
NO_TEXT = "Could not decode to UTF-8"
"""How the driver's message begins when a stored text is not UTF-8. Only whole texts are ever stored."""


class NotWritableError(NotCarriedOutError):
    """The file or its folder cannot be written by the user of this process."""

    remedy = (
        "this user must be able to write to the file and its folder, and to -wal and -shm if they are there"
    )


def code_of(error: BaseException | None) -> int:
    """Returns SQLite's primary code of an error; SQLITE_OK if it has none."""
    # The other bytes tell variants of the primary code apart.
    return getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF


def recognized(error: sqlite3.Error) -> Exception:
    """Translates a driver error into a storage error; returns it unchanged if the statement is wrong."""
    code = code_of(error)
    if code == sqlite3.SQLITE_NOTADB:
        return StorageBrokenError("the file is not a database, or its first page is damaged", RESTORE)
    if code == sqlite3.SQLITE_CORRUPT:
        return StorageBrokenError(f"the database file is damaged ({error})", RESTORE)
    if getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) == sqlite3.SQLITE_IOERR_SHORT_READ:
        return StorageBrokenError("the database file is shorter than it must be", RESTORE)
    if str(error).startswith(NO_TEXT):
        # The rest of the message is the text.
        return StorageBrokenError("the database file is damaged (a text is not UTF-8)", RESTORE)
    if code == sqlite3.SQLITE_READONLY:
        return NotWritableError(f"the database cannot be written: {error}")
    if code in NOT_NOW:
        return NotCarriedOutError(f"the database cannot do this now: {error}")
    return error


class SQLiteCursor(sqlite3.Cursor):
    """The result of a statement; SQLite reads it from the file step by step, and each step can fail."""

    def fetchone(self) -> Any:
        """Returns the next row, or None if there is none."""
        try:
            return super().fetchone()
        except sqlite3.Error as error:
            raise recognized(error) from error

    def fetchall(self) -> list[Any]:
        """Returns all remaining rows."""
        try:
            return super().fetchall()
        except sqlite3.Error as error:
            raise recognized(error) from error

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        """Iterates over the remaining rows."""
        try:
            # Calls the driver for each row without a step of Python in between.
            yield from iter(super().__next__, END)
        except sqlite3.Error as error:
            raise recognized(error) from error


class SQLiteConnection(sqlite3.Connection):
    """Implements `astakos.storage.protocol.Connection`."""

    def execute(self, statement: str, parameters: Sequence[Any] = (), /) -> SQLiteCursor:  # type: ignore[override]
        """Executes a statement."""
        cursor = self.cursor(SQLiteCursor)
        try:
            cursor.execute(statement, parameters)
        except sqlite3.Error as error:
            raise recognized(error) from error
        return cursor

    def executemany(self, statement: str, rows: Iterable[Any], /) -> SQLiteCursor:
        """Executes a statement once for each row of parameters."""
        cursor = self.cursor(SQLiteCursor)
        try:
            cursor.executemany(statement, rows)
        except sqlite3.Error as error:
            raise recognized(error) from error
        return cursor
