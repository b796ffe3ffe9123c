"""Reads a whole SQLite file, or fills a new one."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence

from astakos.ledger.ports import StorageBrokenError, StorageUnavailableError
from astakos.storage.errors import RowsRefusedError
from astakos.storage.schema.whole_tables import Row, WholeTable
from astakos.storage.sqlite.sqlite_connection import SQLiteConnection
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase, turn_on_wal, writing
from astakos.storage.sqlite.sqlite_ledger import LAST_SERIAL, SET_LAST_SERIAL

# In KiB. The index of holders is filled in random order; with a smaller cache its pages are rewritten again
# and again.
CACHE = "PRAGMA cache_size = -262144"
# Rolling back new pages needs no log. In WAL mode, 20 million holdings took three times as long.
NO_LOG = "PRAGMA journal_mode = DELETE"


class SQLiteSource:
    """A snapshot of a file."""

    def __init__(self, connection: SQLiteConnection) -> None:
        """Uses the open transaction of a connection."""
        self.connection = connection

    def last_serial(self) -> int:
        """Returns the last serial given to a commission; 0 if there was none."""
        row = self.connection.execute(LAST_SERIAL).fetchone()
        return int(row[0]) if row else 0


class SQLiteTarget:
    """A file that is being filled. SQLite itself gives new rows ids above the largest."""

    def __init__(self, connection: SQLiteConnection) -> None:
        """Uses the open transaction of a connection."""
        self.connection = connection

    def insert(self, table: WholeTable, rows: Sequence[Row]) -> None:
        """Inserts rows into a table."""
        try:
            self.connection.executemany(table.inserting, rows)
        except sqlite3.IntegrityError as error:
            raise RowsRefusedError(f"rows of {table.name} cannot be stored: {error}") from error

    def continue_behind(self, last_serial: int) -> None:
        """Advances the counter, so that new commissions get serials that were never used."""
        if last_serial:
            self.connection.execute(SET_LAST_SERIAL, (str(last_serial),))


class SQLiteTransfer:
    """Reads or fills an SQLite file."""

    def __init__(self, database: SQLiteDatabase) -> None:
        """Sets the database, which must be open."""
        self._database = database

    @contextlib.contextmanager
    def reading(self) -> Iterator[SQLiteSource]:
        """Opens a snapshot for reading. Others can keep writing; the log grows until the snapshot ends."""
        with contextlib.closing(self._database.connect()) as connection:
            connection.execute("BEGIN")
            yield SQLiteSource(connection)

    @contextlib.contextmanager
    def filling(self) -> Iterator[SQLiteTarget]:
        """Opens a transaction for filling the file, which no other process may have open."""
        with contextlib.closing(self._database.connect()) as connection:
            connection.execute(CACHE)
            with _without_log(connection), writing(connection):
                yield SQLiteTarget(connection)


@contextlib.contextmanager
def _without_log(connection: SQLiteConnection) -> Iterator[None]:
    try:
        connection.execute(NO_LOG)
    except StorageBrokenError:
        raise
    except StorageUnavailableError as error:
        raise StorageUnavailableError(
            f"the database cannot be filled now because other processes are using it: {error}"
        ) from error
    try:
        yield
    finally:
        # If this fails, the next opening of the file turns WAL on.
        with contextlib.suppress(StorageUnavailableError):
            turn_on_wal(connection)
