"""Makes commits to an SQLite file durable apart from making them visible.

In WAL mode, a commit appends to the log. With `synchronous = NORMAL`, SQLite syncs the log only before it
copies pages from it, which keeps the file consistent. Syncing the log makes durable what it contains.
"""

import os
from collections.abc import Callable
from pathlib import Path

from astakos.ledger.ports import StorageBrokenError
from astakos.storage.sqlite.file_identity import log_of
from astakos.storage.sqlite.sqlite_connection import SQLiteConnection

synced = getattr(os, "fdatasync", os.fsync)
"""macOS has no fdatasync."""


class WriteAheadLog:
    """The log of one file, for one thread at a time."""

    def __init__(self, path: Path, connect: Callable[[], SQLiteConnection]) -> None:
        """Set the file, and what opens a connection to it; the first `sync` opens both."""
        self._path = log_of(path)
        self._connect = connect
        self._connection: SQLiteConnection | None = None
        self._descriptor = -1

    def sync(self) -> None:
        """Make durable all that was committed before the call.

        Raises:
            StorageBrokenError: it failed. The system may have dropped what it could not write.
        """
        try:
            if self._connection is None:
                self._open()
            synced(self._descriptor)
        except OSError as error:
            raise StorageBrokenError(
                f"the database's log cannot be written to disk: {error.strerror}",
                "check the disk, then restart the service: what was acknowledged is in the file",
            ) from error

    def _open(self) -> None:
        # SQLite removes the log with the last connection that has read the file. This one keeps it.
        connection = self._connect()
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            self._descriptor = os.open(self._path, os.O_RDWR)
        except BaseException:
            connection.close()
            raise
        self._connection = connection

    def close(self) -> None:
        """Close the log and the connection, if they are open."""
        if self._connection is not None:
            connection, self._connection = self._connection, None
            os.close(self._descriptor)
            connection.close()
