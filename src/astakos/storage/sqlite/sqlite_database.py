"""A database in an SQLite file: opens it and runs transactions."""

import contextlib
import errno
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from astakos.ledger.ports import (
    NotCarriedOutError,
    OutcomeUnknownError,
    StorageBrokenError,
    StorageUnavailableError,
)
from astakos.storage.errors import DEFAULT_URL, EXAMPLES, HOW_TO_FIND_OR_CREATE, DatabaseError
from astakos.storage.protocol import Connection
from astakos.storage.schema.revisions import find_revision, make_tables, require_revision
from astakos.storage.sqlite.file_identity import FileIdentity, identity_of, require_same
from astakos.storage.sqlite.foreign_log import refuse_a_foreign_log, require_own_log
from astakos.storage.sqlite.long_log import let_it_begin_anew
from astakos.storage.sqlite.sqlite_connection import NotWritableError, SQLiteConnection, code_of, recognized
from astakos.storage.sqlite.timed_reads import TimedReads
from astakos.storage.sqlite.write_lock import begin_in_turn

NOT_COMMITTED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_FULL)
"""Errors of a COMMIT that did not write the end of the transaction."""
NOT_WRITABLE = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY)
"""Errors that stay until an operator changes permissions or the file system."""
NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)
"""The same, as the system says it."""
BUSY_SECONDS = 5.0
"""How long a writer waits for another process, for example the command line, to finish its transaction."""
QUICK_READ_SECONDS = 4.0
"""How long reads of a few rows may take together. They stop the event loop."""
LONG_READ_SECONDS = 15.0
"""How long reads in a snapshot may take together: as long as a statement on a database server."""
LOG_BYTES = 64 * 2**20
"""To what size the write-ahead log shrinks after a long read or a large change has let it grow."""
PRAGMAS = (
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -16384",
    f"PRAGMA journal_size_limit = {LOG_BYTES}",
    # Only the ledger's connection copies the log into the file. SQLite before 3.51.3 can damage it if two
    # connections do that while a third one commits: https://www.sqlite.org/wal.html#walresetbug
    "PRAGMA wal_autocheckpoint = 0",
)
READERS_CACHE = "PRAGMA cache_size = -4096"
"""Each thread has one. It forgets its cache at each commit, and the system keeps the pages as well."""
LIST_TABLES = "SELECT name FROM sqlite_master WHERE type = 'table' AND substr(name, 1, 7) <> 'sqlite_'"

T = TypeVar("T")
C = TypeVar("C", bound=sqlite3.Connection)

KINDS = (
    (stat.S_ISDIR, "a folder"),
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
)
"""What else a path can name besides an ordinary file and a device."""


def path_of(url: str) -> Path:
    """Returns the file that a database URL names.

    Raises:
        DatabaseError: the URL names no file.
    """
    scheme, _, rest = url.partition("://")
    name = rest.removeprefix("/")
    if scheme != "sqlite" or not name or name == ":memory:":
        raise DatabaseError(f"the database URL names no file; it must look like {EXAMPLES}")
    if name == rest:
        # What stands between the second and the third slash of a URL is a host.
        raise DatabaseError(
            f"the database URL has two slashes, but a file's has at least three; it must look like {EXAMPLES}"
        )
    if "\0" in name:
        raise DatabaseError(f"a file name cannot contain NUL; the database URL must look like {DEFAULT_URL}")
    return Path(name)


class SQLiteDatabase:
    """One SQLite file: each reading thread has a connection; each write opens a new one."""

    reads_inline = True

    def __init__(self, url: str, *, durable: bool = True) -> None:
        """Sets the file, without opening it.

        Args:
            url: the database URL.
            durable: whether commits must survive a power failure. Waiting for the disk is most of the cost of
                a commit.
        """
        self.url = url
        self._durable = durable
        self.path = path_of(url)
        self.name = str(self.path.absolute())
        self._identity: FileIdentity | None = None
        self._local = threading.local()
        self._readers: list[sqlite3.Connection] = []

    def open(self, *, create: bool = True, any_revision: bool = False) -> bool:
        """Checks that this version can use the file; creates it with all tables if it is missing.

        Args:
            create: whether to create it.
            any_revision: whether the tables may be those of another version.

        Returns whether it made the tables.
        """
        self._require_folder()
        self._require_ordinary_file()
        require_own_log(self.path, self.name)
        if not create and not self.path.exists():
            raise DatabaseError(f"there is no database {self.name}; {HOW_TO_FIND_OR_CREATE}")
        try:
            if create:
                _create_for_owner_only(self.path)
            with self.transaction() as connection:
                made = self._prepare(connection, any_revision=any_revision)
            with contextlib.closing(self.connect()) as connection:
                # The file keeps this mode. Not earlier: another program's database must stay unchanged.
                turn_on_wal(connection)
        except OSError as error:
            remedy = f"; {NotWritableError.remedy}" if error.errno in NOT_ALLOWED else ""
            raise DatabaseError(f"{self.name} cannot be opened: {error.strerror}{remedy}") from error
        except (StorageUnavailableError, sqlite3.DatabaseError) as error:
            raise unusable(self.name, error) from error
        return made

    def _require_folder(self) -> None:
        folder = self.path.parent
        try:
            is_there = folder.is_dir()
        except OSError:
            # Opening the file says why.
            return
        if not is_there:
            raise DatabaseError(
                f"{self.name} cannot be opened: there is no folder {folder}; create it, "
                "or name another database"
            )

    def _require_ordinary_file(self) -> None:
        try:
            mode = self.path.stat().st_mode
        except OSError:
            # There is none yet, or opening it says why it cannot be used.
            return
        if not stat.S_ISREG(mode):
            kind = next((words for is_kind, words in KINDS if is_kind(mode)), "a device")
            raise DatabaseError(
                f"{self.name} cannot be used as a database: it is {kind}, not an ordinary file; "
                "name a file, or one that does not exist yet"
            )

    def _prepare(self, connection: SQLiteConnection, *, any_revision: bool) -> bool:
        tables = self.list_tables(connection)
        if tables:
            found = find_revision(connection, tables)
            if found is None or not any_revision:
                require_revision(found, self.name)
            return False
        make_tables(connection, "sqlite")
        return True

    def connect(self) -> SQLiteConnection:
        """Opens a new connection in autocommit mode. It never creates the file.

        Raises:
            StorageBrokenError: the file is no longer the one that the first connection opened, or the
                write-ahead log beside it is of another one.
            StorageUnavailableError: the file cannot be opened now.
        """
        return self._connected(SQLiteConnection)

    def connect_plainly(self) -> sqlite3.Connection:
        """Opens a connection whose statements raise the driver's errors, which costs less for each of them.

        Raises:
            StorageBrokenError, StorageUnavailableError: as `connect`.
        """
        return self._connected(sqlite3.Connection)

    def _connected(self, kind: type[C]) -> C:
        connection = self._opened(kind)
        try:
            self.require_same_file()
            for pragma in PRAGMAS:
                connection.execute(pragma)
            if not self._durable:
                connection.execute("PRAGMA synchronous = OFF")
        except sqlite3.Error as error:
            connection.close()
            raise recognized(error) from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _opened(self, kind: type[C]) -> C:
        if self._identity is not None:
            # SQLite's own message about a missing file does not say that it was there before.
            self.require_same_file()
        else:
            refuse_a_foreign_log(self.path, self.name)
        try:
            connection = sqlite3.connect(
                _existing(self.path),
                uri=True,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                cached_statements=256,
                check_same_thread=False,
                factory=kind,
            )
        except sqlite3.Error as error:
            raise recognized(error) from error
        # SQLite's own knows the letters of ASCII alone.
        connection.create_function("lower", 1, _lower, deterministic=True)
        return connection

    def require_same_file(self) -> None:
        """Checks that the file is the one that the first connection opened.

        Raises:
            StorageBrokenError: the file has been deleted or replaced.
        """
        if self._identity is None:
            self._identity = identity_of(self.path)
        require_same(self.path, self._identity)

    def list_tables(self, connection: Connection) -> set[str]:
        """Returns the names of all tables."""
        return {name for (name,) in connection.execute(LIST_TABLES)}

    def reader(self) -> SQLiteConnection:
        """Returns this thread's read-only connection; each statement sees the latest committed state."""
        connection: SQLiteConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = self._only_reading(self.connect())
        return connection

    def read(self, work: Callable[[Connection], T], *, snapshot: bool = False) -> T:
        """Runs `work` on a read-only connection of this thread; a connection to a file is never lost.

        Raises:
            StorageUnavailableError: it took too long, or the file cannot be read now.
            StorageBrokenError: the file is damaged or gone.
        """
        reading: TimedReads | None = getattr(self._local, "reading", None)
        if reading is None:
            reading = self._local.reading = TimedReads(self._only_reading(self.connect_plainly()))
        if snapshot:
            let_it_begin_anew(self.path)
            return reading.read_snapshot(work, LONG_READ_SECONDS)
        return reading.read(work, QUICK_READ_SECONDS)

    def _only_reading(self, connection: C) -> C:
        try:
            connection.execute("PRAGMA query_only = ON")
            connection.execute(READERS_CACHE)
        except BaseException as error:
            # Whoever reads next opens another one.
            connection.close()
            if isinstance(error, sqlite3.Error):
                raise recognized(error) from error
            raise
        self._readers.append(connection)
        return connection

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[SQLiteConnection]:
        """Opens a transaction in which all reads see the same state."""
        connection = self.reader()
        connection.execute("BEGIN")
        try:
            yield connection
        finally:
            connection.execute("ROLLBACK")

    @contextlib.contextmanager
    def transaction(self) -> Iterator[SQLiteConnection]:
        """Opens a write transaction on its own connection, for administration."""
        with contextlib.closing(self.connect()) as connection, writing(connection):
            yield connection

    def change(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in such a transaction, which never conflicts: it locks the file from the start."""
        with self.transaction() as connection:
            return work(connection)

    def close(self) -> None:
        """Closes the read-only connections of all threads; none of them may be reading."""
        self._local = threading.local()
        while self._readers:
            self._readers.pop().close()


def unusable(name: str, error: Exception) -> Exception:
    """Returns what to raise if a file cannot be opened: a lock ends, anything else is for the operator."""
    if isinstance(error, StorageBrokenError):
        return DatabaseError(f"{name} cannot be used as a database: {error}; {error.remedy}")
    if code_of(error.__cause__) in NOT_WRITABLE:
        return DatabaseError(
            f"{name} cannot be used as a database: {error.__cause__}; {NotWritableError.remedy}"
        )
    if isinstance(error, StorageUnavailableError):
        return error
    return DatabaseError(f"{name} cannot be used as a database: {error.__cause__ or error}")


def _lower(text: str | None) -> str | None:
    return None if text is None else text.lower()


def _existing(path: Path) -> str:
    """Returns the URI of a file, with which SQLite opens but does not create it."""
    authority = "//" if path.is_absolute() else ""
    return f"file:{authority}{quote(os.fsencode(path))}?mode=rw"


@contextlib.contextmanager
def writing(connection: C, begin: Callable[[sqlite3.Connection], None] = begin_in_turn) -> Iterator[C]:
    """Opens a transaction that holds the write lock from the start; an exception rolls it back.

    The connection may be a plain one: errors of the driver are translated here.

    Args:
        connection: the connection.
        begin: begins the transaction.

    Raises:
        NotCarriedOutError: the transaction cannot begin, run, or commit now.
        OutcomeUnknownError: the disk failed while the transaction was committed.
        StorageBrokenError: the file is damaged or gone.
    """
    try:
        begin(connection)
        try:
            yield connection
            _commit(connection)
        except BaseException:
            # If the rollback fails too, closing the connection rolls back. The first error tells the outcome.
            with contextlib.suppress(StorageUnavailableError, sqlite3.Error):
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
            raise
    except sqlite3.Error as error:
        meaning = recognized(error)
        if isinstance(meaning, sqlite3.OperationalError):
            raise NotCarriedOutError(f"the database cannot be written now: {error}") from error
        if meaning is error:
            raise
        raise meaning from error


def _commit(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("COMMIT")
    except (StorageUnavailableError, sqlite3.Error) as error:
        cause = error if isinstance(error, sqlite3.Error) else error.__cause__
        if code_of(cause) in NOT_COMMITTED:
            raise
        # The end of the transaction may be in the write-ahead log, where recovery after a crash finds it.
        meaning = recognized(error) if isinstance(error, sqlite3.Error) else error
        raise OutcomeUnknownError(f"the commit failed: {meaning}") from error


def _create_for_owner_only(path: Path) -> None:
    """Creates a file that only its owner can read. SQLite gives its log files the same permissions."""
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))


def turn_on_wal(connection: SQLiteConnection) -> None:
    """Switches the file to WAL mode.

    Several processes may open a new file at once, and SQLite ignores the busy timeout for this pragma.
    """
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except StorageBrokenError:
            raise
        except StorageUnavailableError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return
