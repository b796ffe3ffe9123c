"""Reads with a deadline on one connection to an SQLite file, as a database server has for statements."""

import math
import sqlite3
import time
from collections.abc import Callable
from typing import TypeVar

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.protocol import Connection
from astakos.storage.sqlite.sqlite_connection import code_of, recognized

INSTRUCTIONS_BETWEEN_LOOKS = 10_000
"""After so many instructions of SQLite's virtual machine (below a millisecond) the clock is looked at."""

T = TypeVar("T")


class TimedReads:
    """Runs reads one after another, and interrupts the one whose time is up."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Takes over a plain, read-only connection; the errors of its driver are translated here."""
        self._connection = connection
        self._end = math.inf
        connection.set_progress_handler(self._is_over, INSTRUCTIONS_BETWEEN_LOOKS)

    def _is_over(self) -> bool:
        return time.monotonic() > self._end

    def read(self, work: Callable[[Connection], T], seconds: float) -> T:
        """Returns what `work` reads; its statements may take so many seconds together.

        Raises:
            StorageUnavailableError: they took longer, or the file cannot be read now.
            StorageBrokenError: the file is damaged or gone.
        """
        self._end = time.monotonic() + seconds
        try:
            return work(self._connection)
        except sqlite3.Error as error:
            if code_of(error) == sqlite3.SQLITE_INTERRUPT:
                raise StorageUnavailableError(f"a read took longer than {seconds:g} seconds") from error
            raise recognized(error) from error
        finally:
            self._end = math.inf

    def read_snapshot(self, work: Callable[[Connection], T], seconds: float) -> T:
        """Does the same in a transaction in which all statements see the same state."""

        def work_in_transaction(connection: Connection) -> T:
            connection.execute("BEGIN")
            try:
                return work(connection)
            finally:
                connection.execute("ROLLBACK")

        return self.read(work_in_transaction, seconds)
