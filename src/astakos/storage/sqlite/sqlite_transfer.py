"""Everything out of an SQLite file, or into a new one."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.errors import RowsRefusedError
from astakos.storage.schema.whole_tables import Row, WholeTable
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase, turn_on_wal, writing
from astakos.storage.sqlite.sqlite_ledger import LAST_SERIAL, SET_LAST_SERIAL

# In KiB. Entries come to the index of holders in no order; with less, its pages are written over and over.
CACHE = "PRAGMA cache_size = -262144"
# What a new page holds needs no log to be undone; with one, 20 million holdings took three times as
# long.
NO_LOG = "PRAGMA journal_mode = DELETE"


class SQLiteSource:
    """One state of a file."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Read in the transaction that the connection is in."""
        self.connection = connection

    def last_serial(self) -> int:
        """The last serial that was given to a commission; 0 if there was none."""
        row = self.connection.execute(LAST_SERIAL).fetchone()
        return int(row[0]) if row else 0


class SQLiteTarget:
    """A file that is being filled. New rows get ids behind the largest by themselves."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Write in the transaction that the connection is in."""
        self.connection = connection

    def insert(self, table: WholeTable, rows: Sequence[Row]) -> None:
        """Add rows to a table."""
        try:
            self.connection.executemany(table.inserting, rows)
        except sqlite3.IntegrityError as error:
            raise RowsRefusedError(f"rows of {table.name} can not be stored: {error}") from error

    def continue_behind(self, last_serial: int) -> None:
        """See that new commissions get serials that were never used."""
        if last_serial:
            self.connection.execute(SET_LAST_SERIAL, (str(last_serial),))


class SQLiteTransfer:
    """How it is done on an SQLite file."""

    def __init__(self, database: SQLiteDatabase) -> None:
        """Work on a database that is opened."""
        self._database = database

    @contextlib.contextmanager
    def reading(self) -> Iterator[SQLiteSource]:
        """Read while others may go on working; what they write stays in the log until this ends."""
        with contextlib.closing(self._database.connect()) as connection:
            connection.execute("BEGIN")
            yield SQLiteSource(connection)

    @contextlib.contextmanager
    def filling(self) -> Iterator[SQLiteTarget]:
        """Write all of it or nothing, while nobody else has the file open."""
        with contextlib.closing(self._database.connect()) as connection:
            connection.execute(CACHE)
            with _without_log(connection), writing(connection):
                yield SQLiteTarget(connection)


@contextlib.contextmanager
def _without_log(connection: sqlite3.Connection) -> Iterator[None]:
    try:
        connection.execute(NO_LOG)
    except sqlite3.OperationalError as error:
        raise StorageUnavailableError(
            f"the database can not be filled now, since others are using it: {error}"
        ) from error
    try:
        yield
    finally:
        # If it can not be done now, it is done when the file is opened the next time.
        with contextlib.suppress(sqlite3.OperationalError):
            turn_on_wal(connection)
