"""Opening a database and running transactions in it; the only module that knows SQLite's particulars."""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from astakos.ledger.storage import StorageUnavailableError

REVISION = "2"
"""Which form of the tables this code reads and writes; `settings` says which one a database holds."""

DEFAULT_URL = "sqlite:///astakos.db"
BUSY_SECONDS = 5.0
"""How long a writer waits for another process (such as the command line) to finish its transaction."""
PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -16384",
    "PRAGMA wal_autocheckpoint = 4000",  # pages, so 16 MiB: busy pages are copied back less often
)

Connection = sqlite3.Connection


class DatabaseError(Exception):
    """The database can not be opened as asked; the text says why and what would be right."""


def path_of(url: str) -> Path:
    """The file that a database URL names.

    Raises:
        DatabaseError: it is no URL of a kind that is supported.
    """
    scheme, separator, rest = url.partition("://")
    if scheme != "sqlite" or not separator:
        raise DatabaseError(
            f"the database must be named like {DEFAULT_URL} (in this folder) "
            f"or sqlite:////var/lib/astakos/astakos.db (anywhere), not by a URL of the scheme {scheme!r}"
        )
    name = rest.removeprefix("/")
    if not name:
        raise DatabaseError(f"the database URL names no file; write for example {DEFAULT_URL}")
    return Path(name)


class Database:
    """One SQLite file: a connection for each thread that reads, and a new one for each that writes."""

    def __init__(self, url: str) -> None:
        """Name the file; nothing is opened yet."""
        self.path = path_of(url)
        self._local = threading.local()
        self._readers: list[Connection] = []

    def open(self, *, create: bool = True) -> None:
        """See that this code can work with the file; make it with all its tables if it is not there.

        Args:
            create: whether it may be made, or must be there.

        Raises:
            DatabaseError: it is not there or can not be made, is something else, or holds another revision.
        """
        if not create and not self.path.exists():
            raise DatabaseError(
                f"there is no database {self.path}; `astakos serve` or `astakos load` makes one"
            )
        try:
            _create_for_owner_only(self.path)
            with self.transaction() as connection:
                _prepare(connection, self.path)
            with contextlib.closing(self.connect()) as connection:
                # It stays so in the file; not earlier, since a database of something else is left as it is.
                _turn_on_wal(connection)
        except OSError as error:
            raise DatabaseError(f"{self.path} can not be opened: {error.strerror}") from error
        except sqlite3.DatabaseError as error:
            raise DatabaseError(f"{self.path} can not be used as a database: {error}") from error

    def connect(self) -> Connection:
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
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def reader(self) -> Connection:
        """This thread's connection for reading; what it reads is what was last committed by anybody."""
        connection: Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self.connect()
            connection.execute("PRAGMA query_only = ON")
            self._readers.append(connection)
        return connection

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Several reads that see one and the same state."""
        connection = self.reader()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction on a connection of its own: for administration, where speed does not matter.

        Raises:
            StorageUnavailableError: another process keeps the database locked, or the disk is full.
        """
        with contextlib.closing(self.connect()) as connection, writing(connection):
            yield connection

    def close(self) -> None:
        """Close the connections for reading of all threads, none of which reads any more."""
        self._local = threading.local()
        while self._readers:
            self._readers.pop().close()


@contextlib.contextmanager
def writing(connection: Connection) -> Iterator[Connection]:
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


def _turn_on_wal(connection: Connection) -> None:
    """Several processes may open a new file at once; for this pragma SQLite does not wait by itself."""
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


def _prepare(connection: Connection, path: Path) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if not tables:
        # Imported here since only the making of a database needs it, and it takes longer than most commands.
        from astakos.storage.schema import creation_statements  # noqa: PLC0415

        for statement in creation_statements():
            connection.execute(statement)
        connection.execute("INSERT INTO settings (name, value) VALUES ('revision', ?)", (REVISION,))
        return
    if "settings" not in tables:
        raise DatabaseError(f"{path} is a database of something else; name another file")
    row = connection.execute("SELECT value FROM settings WHERE name = 'revision'").fetchone()
    revision = row[0] if row else "none"
    if revision != REVISION:
        raise DatabaseError(
            f"{path} holds revision {revision} of the tables, but this version works with "
            f"revision {REVISION}; use the version that made it"
        )
