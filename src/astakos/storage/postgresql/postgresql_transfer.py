"""Everything out of a database on a PostgreSQL server, or into a new one.

Rows go in by `COPY`, which CockroachDB and YugabyteDB have as well: it takes a third of the time of the same
rows as parameters of `INSERT`.
"""

import contextlib
from collections.abc import Iterator, Sequence

import psycopg

from astakos.storage.errors import RowsRefusedError
from astakos.storage.postgresql.connection import PostgreSQLConnection, first_line, recognized
from astakos.storage.postgresql.postgresql_database import LOCK, PostgreSQLDatabase, reading, writing
from astakos.storage.schema.definition import metadata
from astakos.storage.schema.whole_tables import LEFT_OUT, Row, WholeTable

# It may be more than what was read shows, for others may be given some meanwhile; it is never less.
LAST_SERIAL = "SELECT last_value, is_called FROM commission_serials"
CONTINUE_SERIALS = "SELECT setval('commission_serials', CAST(? AS BIGINT))"


class PostgreSQLSource:
    """One state of a database."""

    def __init__(self, connection: PostgreSQLConnection) -> None:
        """Read in the transaction that the connection is in."""
        self.connection = connection

    def last_serial(self) -> int:
        """The last serial that was given to any engine; 0 if there was none."""
        value, is_called = self.connection.execute(LAST_SERIAL).fetchone()
        return int(value) if is_called else 0


class PostgreSQLTarget:
    """A database that is being filled."""

    def __init__(self, connection: PostgreSQLConnection) -> None:
        """Write in the transaction that the connection is in."""
        self.connection = connection

    def insert(self, table: WholeTable, rows: Sequence[Row]) -> None:
        """Add rows to a table."""
        columns = ", ".join(f'"{column}"' for column in table.columns)
        try:
            with (
                self.connection.raw.cursor() as cursor,
                cursor.copy(f"COPY {table.name} ({columns}) FROM STDIN".encode()) as copy,
            ):
                for row in rows:
                    copy.write_row(row)
        except (psycopg.IntegrityError, psycopg.DataError) as error:
            raise RowsRefusedError(f"rows of {table.name} can not be stored: {first_line(error)}") from error
        except psycopg.Error as error:
            raise recognized(error) from error

    def continue_behind(self, last_serial: int) -> None:
        """See that new rows get ids, and new commissions serials, that were never used."""
        for statement in continuations():
            self.connection.execute(statement)
        if last_serial:
            self.connection.execute(CONTINUE_SERIALS, (last_serial,))


class PostgreSQLTransfer:
    """How it is done on a server."""

    def __init__(self, database: PostgreSQLDatabase) -> None:
        """Work on a database that is opened."""
        self._database = database

    @contextlib.contextmanager
    def reading(self) -> Iterator[PostgreSQLSource]:
        """Read while others may go on working."""
        connection = self._database.connect(read_only=True, patient=True)
        with contextlib.closing(connection), reading(connection):
            yield PostgreSQLSource(connection)

    @contextlib.contextmanager
    def filling(self) -> Iterator[PostgreSQLTarget]:
        """Write all of it or nothing, while nobody else administers."""
        connection = self._database.connect(patient=True)
        with contextlib.closing(connection), writing(connection):
            connection.execute(LOCK)
            yield PostgreSQLTarget(connection)


def continuations() -> list[str]:
    """The statements that let ids continue behind the largest of each table that has any."""
    return [
        f"SELECT setval(pg_get_serial_sequence('{table.name}', '{column.name}'), max(\"{column.name}\")) "
        f'FROM {table.name} HAVING max("{column.name}") IS NOT NULL'
        for table in metadata.sorted_tables
        if table.name not in LEFT_OUT
        for column in table.columns
        if column.identity is not None
    ]
