"""Reads a whole database on a PostgreSQL server, or fills a new one.

Rows are written with `COPY`, which CockroachDB and YugabyteDB also support. It takes a third of the time that
`INSERT` takes for the same rows.
"""

import contextlib
from collections.abc import Collection, Iterator, Sequence

import psycopg

from astakos.storage.errors import RowsRefusedError
from astakos.storage.postgresql.connection import PostgreSQLConnection, first_line, recognized
from astakos.storage.postgresql.postgresql_database import LOCK, PostgreSQLDatabase, reading, writing
from astakos.storage.schema.definition.all_tables import metadata
from astakos.storage.schema.whole_tables import Row, WholeTable

# Sequences ignore snapshots: this may be larger than the last serial in the snapshot, but never smaller.
LAST_SERIAL = "SELECT last_value, is_called FROM commission_serials"
CONTINUE_SERIALS = "SELECT setval('commission_serials', CAST(? AS BIGINT))"


class PostgreSQLSource:
    """A snapshot of a database."""

    def __init__(self, connection: PostgreSQLConnection) -> None:
        """Uses the open transaction of a connection."""
        self.connection = connection

    def last_serial(self) -> int:
        """Returns the last serial given to any engine; 0 if there was none."""
        value, is_called = self.connection.execute(LAST_SERIAL).fetchone()
        return int(value) if is_called else 0


class PostgreSQLTarget:
    """A database that is being filled."""

    def __init__(self, connection: PostgreSQLConnection) -> None:
        """Uses the open transaction of a connection."""
        self.connection = connection
        self._filled: set[str] = set()

    def insert(self, table: WholeTable, rows: Sequence[Row]) -> None:
        """Inserts rows into a table."""
        self._filled.add(table.name)
        columns = ", ".join(f'"{column}"' for column in table.columns)
        try:
            with (
                self.connection.raw.cursor() as cursor,
                cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN".encode()) as copy,
            ):
                for row in rows:
                    copy.write_row(row)
        except (psycopg.IntegrityError, psycopg.DataError) as error:
            raise RowsRefusedError(f"rows of {table.name} cannot be stored: {first_line(error)}") from error
        except psycopg.Error as error:
            raise recognized(error) from error

    def continue_behind(self, last_serial: int) -> None:
        """Advances the counters, so that new rows and commissions get unused ids and serials."""
        for statement in continuations(self._filled):
            self.connection.execute(statement)
        if last_serial:
            self.connection.execute(CONTINUE_SERIALS, (last_serial,))


class PostgreSQLTransfer:
    """Reads or fills a database on a server."""

    def __init__(self, database: PostgreSQLDatabase) -> None:
        """Sets the database, which must be open."""
        self._database = database

    @contextlib.contextmanager
    def reading(self) -> Iterator[PostgreSQLSource]:
        """Opens a snapshot for reading; others can keep writing."""
        connection = self._database.connect(read_only=True, patient=True)
        with contextlib.closing(connection), reading(connection):
            yield PostgreSQLSource(connection)

    @contextlib.contextmanager
    def filling(self) -> Iterator[PostgreSQLTarget]:
        """Opens a transaction for filling the database; it blocks all administration."""
        connection = self._database.connect(patient=True)
        with contextlib.closing(connection), writing(connection):
            connection.execute(LOCK)
            yield PostgreSQLTarget(connection)


def continuations(names: Collection[str]) -> list[str]:
    """Returns the statements that make ids continue after the largest one in each of these tables."""
    return [
        f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), max(\"{column.name}\")) "
        f'FROM {table.name} HAVING max("{column.name}") IS NOT NULL'
        for table in metadata.sorted_tables
        if table.name in names
        for column in table.columns
        if column.identity is not None
    ]
