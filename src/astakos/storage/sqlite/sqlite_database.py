"""A database in an SQLite file: opens it and runs transactions."""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from astakos.ledger.ports import NotCarriedOutError, OutcomeUnknownError
from astakos.storage.errors import DEFAULT_URL, EXAMPLES, DatabaseError
from astakos.storage.protocol import Connection
from astakos.storage.schema.revisions import find_revision, make_tables, require_revision

NOT_COMMITTED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL)
"""Errors of a COMMIT that did not write the end of the transaction."""
BUSY_SECONDS = 5.0
"""How long a writer waits for another process, for example the command line, to finish its transaction."""
PRAGMAS = ("PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON", "PRAGMA cache_size = -16384")
LIST_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"

T = TypeVar("T")


def path_of(url: str) -> Path:
    """Return the file that a database URL names.

    Raises:
        DatabaseError: the URL names no file.
    """
    scheme, _, rest = url.partition("://")
    name = rest.removeprefix("/")
    if scheme != "sqlite" or not name:
        raise DatabaseError(f"the database URL names no file; it must look like {EXAMPLES}")
    if "\0" in name:
        raise DatabaseError(f"a file name cannot contain NUL; the database URL must look like {DEFAULT_URL}")
    return Path(name)


class SQLiteDatabase:
    """One SQLite file: each reading thread has a connection; each write opens a new one."""

    reads_inline = True

    def __init__(self, url: str, *, durable: bool = True) -> None:
        """Set the file, without opening it.

        Args:
            url: the database URL.
            durable: whether commits must survive a power failure. Waiting for the disk is most of the cost of
                a commit.
        """
        self.url = url
        self._durable = durable
        self.path = path_of(url)
        self.name = str(self.path.absolute())
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []

    def open(self, *, create: bool = True) -> bool:
        """Check that this version can use the file; create it with all tables if it is missing.

        Returns whether it made the tables.
        """
        if not create and not self.path.exists():
            raise DatabaseError(
                f"there is no database {self.name}; create one with `astakos serve` or `astakos load`"
            )
        try:
            _create_for_owner_only(self.path)
            with self.transaction() as connection:
                made = self._prepare(connection)
            with contextlib.closing(self.connect()) as connection:
                # The file keeps this mode. Not earlier: another program's database must stay unchanged.
                turn_on_wal(connection)
        except OSError as error:
            raise DatabaseError(f"{self.name} cannot be opened: {error.strerror}") from error
        except sqlite3.DatabaseError as error:
            raise DatabaseError(f"{self.name} cannot be used as a database: {error}") from error
        return made

    def _prepare(self, connection: sqlite3.Connection) -> bool:
        tables = self.list_tables(connection)
        if tables:
            require_revision(find_revision(connection, tables), self.name)
            return False
        make_tables(connection, "sqlite")
        return True

    def connect(self) -> sqlite3.Connection:
        """Open a new connection in autocommit mode."""
        connection = sqlite3.connect(
            self.path,
            timeout=BUSY_SECONDS,
            isolation_level=None,
            cached_statements=256,
            check_same_thread=False,
        )
        try:
            for pragma in PRAGMAS:
                connection.execute(pragma)
            if not self._durable:
                connection.execute("PRAGMA synchronous = OFF")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def list_tables(self, connection: Connection) -> set[str]:
        """Return the names of all tables."""
        return {name for (name,) in connection.execute(LIST_TABLES)}

    def reader(self) -> sqlite3.Connection:
        """Return this thread's read-only connection; each statement sees the latest committed state."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self.connect()
            connection.execute("PRAGMA query_only = ON")
            self._readers.append(connection)
        return connection

    def read(self, work: Callable[[Connection], T], *, snapshot: bool = False) -> T:
        """Run `work` on this thread's read-only connection; a connection to a file is never lost."""
        if not snapshot:
            return work(self.reader())
        with self.snapshot() as connection:
            return work(connection)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Open a transaction in which all reads see the same state."""
        connection = self.reader()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Open a write transaction on its own connection, for administration."""
        with contextlib.closing(self.connect()) as connection, writing(connection):
            yield connection

    def change(self, work: Callable[[Connection], T]) -> T:
        """Run `work` in such a transaction. It holds the write lock from the start, so it never conflicts."""
        with self.transaction() as connection:
            return work(connection)

    def close(self) -> None:
        """Close the read-only connections of all threads; none of them may be reading."""
        self._local = threading.local()
        while self._readers:
            self._readers.pop().close()


@contextlib.contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Open a transaction that holds the write lock from the start; an exception rolls it back.

    Raises:
        NotCarriedOutError: the transaction cannot begin, run, or commit now.
        OutcomeUnknownError: the disk failed while the transaction was committed.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            _commit(connection)
        except BaseException:
            # If the rollback fails too, closing the connection rolls back. The first error tells the outcome.
            with contextlib.suppress(sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            raise
    except sqlite3.OperationalError as error:
        raise NotCarriedOutError(f"the database cannot be written now: {error}") from error


def _commit(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) in NOT_COMMITTED:
            raise
        # The end of the transaction may be in the write-ahead log, where recovery after a crash finds it.
        raise OutcomeUnknownError(f"the commit failed: {error}") from error


def _create_for_owner_only(path: Path) -> None:
    """Create a file that only its owner can read. SQLite gives its log files the same permissions."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def turn_on_wal(connection: sqlite3.Connection) -> None:
    """Switch the file to WAL mode.

    Several processes may open a new file at once, and SQLite ignores the busy timeout for this pragma.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
