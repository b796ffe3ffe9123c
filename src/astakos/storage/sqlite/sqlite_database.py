"""A database in an SQLite file: opening it, and running transactions in it."""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.errors import DEFAULT_URL, EXAMPLES, DatabaseError
from astakos.storage.protocol import Connection
from astakos.storage.schema.revisions import find_revision, make_tables, require_revision

BUSY_SECONDS = 5.0
"""How long a writer waits for another process (such as the command line) to finish its transaction."""
PRAGMAS = ("PRAGMA synchronous = FULL", "PRAGMA foreign_keys = ON", "PRAGMA cache_size = -16384")
LIST_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"

T = TypeVar("T")


def path_of(url: str) -> Path:
    """The file that a database URL names.

    Raises:
        DatabaseError: it names none.
    """
    scheme, _, rest = url.partition("://")
    name = rest.removeprefix("/")
    if scheme != "sqlite" or not name:
        raise DatabaseError(f"the database URL names no file; write for example {EXAMPLES}")
    if "\0" in name:
        raise DatabaseError(f"the name of a file can not contain NUL; write for example {DEFAULT_URL}")
    return Path(name)


class SQLiteDatabase:
    """One SQLite file: a connection for each thread that reads, and a new one for each that writes."""

    reads_inline = True

    def __init__(self, url: str, *, durable: bool = True) -> None:
        """Name the file; nothing is opened yet.

        Args:
            url: what names it.
            durable: whether what is written must survive a loss of power; waiting for that is most of the
                cost.
        """
        self.url = url
        self._durable = durable
        self.path = path_of(url)
        self.name = str(self.path)
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []

    def open(self, *, create: bool = True) -> None:
        """See that this code can work with the file; make it with all its tables if it is not there."""
        if not create and not self.path.exists():
            raise DatabaseError(
                f"there is no database {self.path}; `astakos serve` or `astakos load` makes one"
            )
        try:
            _create_for_owner_only(self.path)
            with self.transaction() as connection:
                self._prepare(connection)
            with contextlib.closing(self.connect()) as connection:
                # It stays so in the file; not earlier, since a database of something else is left as it is.
                turn_on_wal(connection)
        except OSError as error:
            raise DatabaseError(f"{self.path} can not be opened: {error.strerror}") from error
        except sqlite3.DatabaseError as error:
            raise DatabaseError(f"{self.path} can not be used as a database: {error}") from error

    def _prepare(self, connection: sqlite3.Connection) -> None:
        tables = self.list_tables(connection)
        if tables:
            require_revision(find_revision(connection, tables), self.name)
        else:
            make_tables(connection, "sqlite")

    def connect(self) -> sqlite3.Connection:
        """A new connection, in which a transaction begins only where one is asked for."""
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
        """The names of all tables."""
        return {name for (name,) in connection.execute(LIST_TABLES)}

    def reader(self) -> sqlite3.Connection:
        """This thread's connection for reading; what it reads is what was last committed by anybody."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self.connect()
            connection.execute("PRAGMA query_only = ON")
            self._readers.append(connection)
        return connection

    def read(self, work: Callable[[Connection], T], *, snapshot: bool = False) -> T:
        """Do some reading; a connection to a file is not lost."""
        if not snapshot:
            return work(self.reader())
        with self.snapshot() as connection:
            return work(connection)

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[sqlite3.Connection]:
        """Several reads that see one and the same state."""
        connection = self.reader()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """A transaction on a connection of its own: for administration, where speed does not matter."""
        with contextlib.closing(self.connect()) as connection, writing(connection):
            yield connection

    def change(self, work: Callable[[Connection], T]) -> T:
        """The same; here it is never lost to another one, since it has the lock from its beginning."""
        with self.transaction() as connection:
            return work(connection)

    def close(self) -> None:
        """Close the connections for reading of all threads, none of which reads any more."""
        self._local = threading.local()
        while self._readers:
            self._readers.pop().close()


@contextlib.contextmanager
def writing(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One transaction that holds the write lock from its beginning; undone if it is left by an exception.

    Raises:
        StorageUnavailableError: it can not be begun, carried out or made durable now.
    """
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
    except sqlite3.OperationalError as error:
        raise StorageUnavailableError(f"the database can not be written now: {error}") from error


def _create_for_owner_only(path: Path) -> None:
    """SQLite gives its journals the permissions of the file, so that they are closed to others, too."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def turn_on_wal(connection: sqlite3.Connection) -> None:
    """Let the file have a log from now on.

    Several processes may open a new file at once; for this pragma SQLite does not wait by itself.
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
