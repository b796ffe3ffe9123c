"""A database on a PostgreSQL-compatible server: opens it and runs transactions."""

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
from astakos.storage.errors import EXAMPLES, HOW_TO_FIND_OR_CREATE, DatabaseError, TransactionLostError
from astakos.storage.postgresql.connection import PostgreSQLConnection, connect
from astakos.storage.postgresql.refusals import reason_of, with_remedy
from astakos.storage.protocol import Connection
from astakos.storage.schema.revisions import VERSION_TABLE, find_revision, make_tables, require_revision

ATTEMPTS = 6
"""How many times a transaction that conflicts with others is attempted."""
FIRST_PAUSE_SECONDS = 0.02

LIST_TABLES = """
SELECT table_name FROM information_schema.tables
WHERE table_schema = current_schema() AND table_type = 'BASE TABLE'
"""
ENCODING = "SELECT current_setting('server_encoding')"
BEGIN = "BEGIN ISOLATION LEVEL READ COMMITTED"
BEGIN_SNAPSHOT = "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY"
# Administration reads first, then writes what follows from that, so only one transaction at a time may do so.
# Every database can lock a row, and this row exists in every installation.
LOCK = f"SELECT version_num FROM {VERSION_TABLE} FOR UPDATE"

log = logging.getLogger("astakos.storage")
T = TypeVar("T")


class PostgreSQLDatabase:
    """A database on a server: each reading thread has a connection; each write opens a new one."""

    reads_inline = False

    def __init__(self, url: str) -> None:
        """Parses a libpq URL, without connecting.

        Raises:
            DatabaseError: the URL is malformed.
        """
        self.url = url
        self._parameters = _parameters_of(url)
        self.name = _name_of(self._parameters)
        self._local = threading.local()
        self._readers: list[PostgreSQLConnection] = []
        self._is_missed = False
        self._is_pooled = False

    def open(self, *, create: bool = True) -> bool:
        """Checks that this version can use the database; creates the tables if it has none.

        Returns whether it made the tables.
        """
        try:
            # Not with `self.connect`, which logs what is raised here.
            with contextlib.closing(connect(self._parameters)) as connection:
                return self._prepare(connection, create=create)
        except StorageUnavailableError as error:
            raise StorageUnavailableError(f"{self.name} cannot be opened: {with_remedy(error)}") from error
        except psycopg.Error as error:
            raise DatabaseError(f"{self.name} cannot be used as a database: {with_remedy(error)}") from error

    def _prepare(self, connection: PostgreSQLConnection, *, create: bool) -> bool:
        (encoding,) = connection.execute(ENCODING).fetchone()
        if encoding.upper() not in ("UTF8", "UTF-8"):
            raise DatabaseError(f"{self.name} has the encoding {encoding}; create the database with UTF8")
        for _ in range(ATTEMPTS):
            tables = self.list_tables(connection)
            if tables:
                require_revision(find_revision(connection, tables), self.name)
                return False
            if not create:
                raise DatabaseError(f"there is no installation in {self.name}; {HOW_TO_FIND_OR_CREATE}")
            try:
                with writing(connection):
                    make_tables(connection, "postgresql")
                return True  # noqa: TRY300 - the transaction has been committed
            except (psycopg.errors.UniqueViolation, psycopg.errors.DuplicateTable, TransactionLostError):
                # Another process was creating them at the same time.
                time.sleep(FIRST_PAUSE_SECONDS)
        raise StorageUnavailableError("other processes are creating the tables at the same time")

    def connect(
        self, *, read_only: bool = False, patient: bool = False, quick: bool = False
    ) -> PostgreSQLConnection:
        """Opens a new connection.

        Args:
            read_only: whether the connection can only read.
            patient: whether statements, and pauses between them, may take any time.
            quick: whether to use short timeouts, so that a server that is gone is noticed soon.

        Raises:
            StorageUnavailableError: the server cannot be reached now.
        """
        try:
            connection = connect(self._parameters, read_only=read_only, patient=patient, quick=quick)
        except StorageUnavailableError as error:
            if not self._is_missed:
                self._is_missed = True
                log.warning("database cannot be reached: %s: %s", self.name, reason_of(error))
            raise
        self._is_missed = False
        if connection.pooled_settings is not None and not self._is_pooled:
            self._is_pooled = True
            log.info("%s is reached through a pooler: statements are not prepared", self.name)
        return connection

    def list_tables(self, connection: Connection) -> set[str]:
        """Returns the names of all tables in the schema where new tables are created."""
        return {name for (name,) in connection.execute(LIST_TABLES)}

    def reader(self, *, quick: bool = False) -> PostgreSQLConnection:
        """Returns this thread's read-only connection; each statement sees the latest committed state.

        Args:
            quick: whether a new connection uses short timeouts.
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
        """Runs `work` on this thread's read-only connection; if the connection was lost, retries once."""
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
        """Opens a transaction in which all reads see the same state."""
        connection = self.reader()
        with reading(connection):
            yield connection

    @contextlib.contextmanager
    def transaction(self) -> Iterator[PostgreSQLConnection]:
        """Opens a write transaction on its own connection; only one runs at a time in the whole database."""
        with contextlib.closing(self.connect()) as connection, writing(connection):
            connection.execute(LOCK)
            yield connection

    def change(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in such a transaction; after a conflict with another transaction, runs it again."""
        pause = FIRST_PAUSE_SECONDS
        for _ in range(ATTEMPTS - 1):
            try:
                with self.transaction() as connection:
                    return work(connection)
            except TransactionLostError:
                # The jitter keeps conflicting transactions from retrying at the same moment.
                time.sleep(pause * (0.5 + random.random()))  # noqa: S311 - nothing secret
                pause *= 2
        with self.transaction() as connection:
            return work(connection)

    def close(self) -> None:
        """Closes the read-only connections of all threads; none of them may be reading."""
        self._local = threading.local()
        while self._readers:
            self._readers.pop().close()


def reading(
    connection: PostgreSQLConnection,
) -> contextlib.AbstractContextManager[PostgreSQLConnection]:
    """Opens a transaction in which all reads see the same state."""
    return _transaction(connection, BEGIN_SNAPSHOT, lambda: connection.execute("COMMIT"))


def writing(
    connection: PostgreSQLConnection,
) -> contextlib.AbstractContextManager[PostgreSQLConnection]:
    """Opens a write transaction; an exception rolls it back.

    Raises:
        TransactionLostError: the transaction conflicted with another one and had no effect.
        NotCarriedOutError: the transaction cannot begin, run, or commit now.
        OutcomeUnknownError: the server has not said whether it committed.
    """
    return _transaction(connection, BEGIN, connection.commit)


@contextlib.contextmanager
def _transaction(
    connection: PostgreSQLConnection, begin: str, end: Callable[[], object]
) -> Iterator[PostgreSQLConnection]:
    connection.execute(begin)
    try:
        connection.set_in_transaction()
        yield connection
        end()
    except BaseException:
        # If the rollback fails too, the connection is lost and the server rolls back.
        with contextlib.suppress(StorageUnavailableError, psycopg.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def _parameters_of(url: str) -> dict[str, Any]:
    try:
        parameters = dict(conninfo_to_dict(url))
    except (psycopg.Error, UnicodeError):
        # The driver's message may contain the password.
        parameters = None
    if parameters is None or _has_torn_password(url, parameters):
        raise DatabaseError(
            "the database URL is malformed (in a password, write %40 for @, %2F for /, %3A for :, %3F for ?, "
            f"and %25 for %); it must look like {EXAMPLES}"
        )
    return parameters


def _has_torn_password(url: str, parameters: dict[str, Any]) -> bool:
    """Returns whether a part of a password seems to be in the host, the port, or the name of the database.

    A `/` ends the server in a URL, and the first `@` begins it. These parts are shown in messages.
    """
    hosts = str(parameters.get("host", "")).split(",")
    ports = str(parameters.get("port", "")).split(",")
    path = url.partition("://")[2].partition("/")[2].partition("?")[0]
    return (
        # The name of an abstract socket begins with it.
        any("@" in host[1:] for host in hosts)
        or any(port and not port.isdecimal() for port in ports)
        or "@" in path
    )


def _name_of(parameters: dict[str, Any]) -> str:
    """Returns the name for messages and logs: no user, no password, no other parameters."""
    hosts = str(parameters.get("host", "")).split(",")
    ports = str(parameters.get("port", "")).split(",")
    if len(ports) == 1:
        ports *= len(hosts)
    servers = (f"{host}:{port}" if port else host for host, port in zip(hosts, ports, strict=False))
    return f"postgresql://{','.join(servers)}/{parameters.get('dbname', '')}"
