"""A database on a PostgreSQL server, or one that speaks its language: opening it, and its transactions."""

import contextlib
import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.errors import EXAMPLES, DatabaseError, TransactionLostError
from astakos.storage.postgresql.connection import PostgreSQLConnection, connect, first_line
from astakos.storage.protocol import Connection
from astakos.storage.schema.revisions import VERSION_TABLE, find_revision, make_tables, require_revision

ATTEMPTS = 6
"""How often a transaction is begun that others were in the way of."""
FIRST_PAUSE_SECONDS = 0.02

LIST_TABLES = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
"""
ENCODING = "SELECT current_setting('server_encoding')"
BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# Whoever administers reads first, then writes what follows from that: only one at a time may. All databases
# can lock a row, and this row is there since the tables are.
LOCK = f"SELECT version_num FROM {VERSION_TABLE} FOR UPDATE"

log = logging.getLogger("astakos.storage")
T = TypeVar("T")


class PostgreSQLDatabase:
    """One database on a server: a connection for each thread that reads, a new one for each that writes."""

    reads_inline = False

    def __init__(self, url: str) -> None:
        """Name the database by a URL of libpq; nothing is opened yet.

        Raises:
            DatabaseError: it is not well formed.
        """
        self.url = url
        self._parameters = _parameters_of(url)
        self.name = _name_of(self._parameters)
        self._local = threading.local()
        self._readers: list[PostgreSQLConnection] = []
        self._is_missed = False

    def open(self, *, create: bool = True) -> None:
        """See that this code can work with it; make its tables if there are none."""
        try:
            with contextlib.closing(self.connect()) as connection:
                self._prepare(connection, create=create)
        except StorageUnavailableError as error:
            cause = error.__cause__
            reason = first_line(cause) if isinstance(cause, psycopg.Error) else str(error)
            raise StorageUnavailableError(f"{self.name} can not be opened: {reason}") from error
        except psycopg.Error as error:
            raise DatabaseError(f"{self.name} can not be used as a database: {first_line(error)}") from error

    def _prepare(self, connection: PostgreSQLConnection, *, create: bool) -> None:
        (encoding,) = connection.execute(ENCODING).fetchone()
        if encoding.upper() not in ("UTF8", "UTF-8"):
            raise DatabaseError(f"{self.name} has the encoding {encoding}; make one with UTF8")
        for _ in range(ATTEMPTS):
            tables = self.list_tables(connection)
            if tables:
                require_revision(find_revision(connection, tables), self.name)
                return
            if not create:
                raise DatabaseError(
                    f"there is no installation in {self.name}; `astakos serve` or `astakos load` makes one"
                )
            try:
                with writing(connection):
                    make_tables(connection, "postgresql")
            except (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateTable, TransactionLostError):
                # Somebody else was making them at the same time.
                time.sleep(FIRST_PAUSE_SECONDS)
        raise StorageUnavailableError("others were in the way of making its tables")

    def connect(
        self, *, read_only: bool = False, patient: bool = False, quick: bool = False
    ) -> PostgreSQLConnection:
        """A new connection.

        Args:
            read_only: whether it can only read.
            patient: whether a statement, and what comes between two, may take as long as it takes.
            quick: whether statements must not take long, so that a server that is gone is soon noticed.

        Raises:
            StorageUnavailableError: there is none to be had now.
        """
        try:
            connection = connect(self._parameters, read_only=read_only, patient=patient, quick=quick)
        except StorageUnavailableError as error:
            if not self._is_missed:
                self._is_missed = True
                reason = first_line(error.__cause__) if isinstance(error.__cause__, psycopg.Error) else error
                log.warning("%s can not be reached: %s", self.name, reason)
            raise
        self._is_missed = False
        return connection

    def list_tables(self, connection: Connection) -> set[str]:
        """The names of all tables in the schema that tables are made in."""
        return {name for (name,) in connection.execute(LIST_TABLES)}

    def reader(self, *, quick: bool = False) -> PostgreSQLConnection:
        """This thread's connection for reading; what it reads is what was last committed by anybody.

        Args:
            quick: whether it need not be waited for long, if it is a new one.
        """
        connection: PostgreSQLConnection | None = getattr(self._local, "connection", None)
        if connection is None or connection.is_lost:
            if connection is not None:
                self._readers.remove(connection)
                self._local.connection = None
            connection = self._local.connection = self.connect(read_only=True, quick=quick)
            self._readers.append(connection)
        return connection

    def read(self, work: Callable[[Connection], T], *, snapshot: bool = False) -> T:
        """Do some reading; if it turns out that the connection was lost meanwhile, once more on a new one."""
        had = getattr(self._local, "connection", None)
        try:
            return self._read(work, snapshot=snapshot)
        except StorageUnavailableError:
            if had is None or not had.is_lost:
                raise
            return self._read(work, snapshot=snapshot)

    def _read(self, work: Callable[[Connection], T], *, snapshot: bool) -> T:
        if not snapshot:
            return work(self.reader(quick=True))
        with self.snapshot() as connection:
            return work(connection)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[PostgreSQLConnection]:
        """Several reads that see one and the same state."""
        connection = self.reader()
        with reading(connection):
            yield connection

    @contextlib.contextmanager
    def transaction(self) -> Iterator[PostgreSQLConnection]:
        """A transaction on a connection of its own, one at a time of all that are begun with this."""
        with contextlib.closing(self.connect()) as connection, writing(connection):
            connection.execute(LOCK)
            yield connection

    def change(self, work: Callable[[Connection], T]) -> T:
        """The same, with work that is done again if another transaction was in the way."""
        pause = FIRST_PAUSE_SECONDS
        for _ in range(ATTEMPTS - 1):
            try:
                with self.transaction() as connection:
                    return work(connection)
            except TransactionLostError:
                # Those that met must not meet again.
                time.sleep(pause * (0.5 + random.random()))  # noqa: S311 - nothing secret
                pause *= 2
        with self.transaction() as connection:
            return work(connection)

    def close(self) -> None:
        """Close the connections for reading of all threads, none of which reads any more."""
        self._local = threading.local()
        while self._readers:
            self._readers.pop().close()


def reading(
    connection: PostgreSQLConnection,
) -> contextlib.AbstractContextManager[PostgreSQLConnection]:
    """Several reads that see one and the same state."""
    return _transaction(connection, BEGIN_SNAPSHOT)


def writing(
    connection: PostgreSQLConnection,
) -> contextlib.AbstractContextManager[PostgreSQLConnection]:
    """One transaction; undone if it is left by an exception.

    Raises:
        TransactionLostError: another one was in the way; nothing has happened.
        StorageUnavailableError: it can not be begun, carried out or made durable now.
    """
    return _transaction(connection, BEGIN)


@contextlib.contextmanager
def _transaction(connection: PostgreSQLConnection, begin: str) -> Iterator[PostgreSQLConnection]:
    connection.execute(begin)
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        # If that fails as well, the connection is lost, and the transaction with it.
        with contextlib.suppress(StorageUnavailableError, psycopg.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def _parameters_of(url: str) -> dict[str, Any]:
    try:
        return dict(conninfo_to_dict(url))
    except (psycopg.Error, UnicodeError):
        # What the driver says of it may contain the password.
        raise DatabaseError(
            f"the database URL is not well formed (in a password, %40 stands for @); write it like {EXAMPLES}"
        ) from None


def _name_of(parameters: dict[str, Any]) -> str:
    """What people may see: no user, no password, none of the other parameters."""
    host, name = parameters.get("host", ""), parameters.get("dbname", "")
    return f"postgresql://{host}/{name}"
