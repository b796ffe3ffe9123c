"""A deadline for reads on an SQLite connection, as a database server has for statements."""

import contextlib
import math
import sqlite3
import time
from collections.abc import Iterator

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.sqlite.sqlite_connection import code_of

INSTRUCTIONS_BETWEEN_LOOKS = 10_000
"""After so many instructions of SQLite's virtual machine (below a millisecond) the clock is looked at."""


class ReadDeadline:
    """Interrupts the statements of one connection when their time is up."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Watch a connection, without a deadline yet."""
        self._end = math.inf
        connection.set_progress_handler(self._is_over, INSTRUCTIONS_BETWEEN_LOOKS)

    def _is_over(self) -> bool:
        return time.monotonic() > self._end

    @contextlib.contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Let the statements of a context run for so many seconds together.

        Raises:
            StorageUnavailableError: they took longer.
        """
        self._end = time.monotonic() + seconds
        try:
            yield
        except sqlite3.OperationalError as error:
            if code_of(error) != sqlite3.SQLITE_INTERRUPT:
                raise
            raise StorageUnavailableError(f"a read took longer than {seconds:g} seconds") from error
        finally:
            self._end = math.inf
