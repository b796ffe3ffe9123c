"""The database interface that the rest of the program uses, the same for every kind of database."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar, runtime_checkable

T = TypeVar("T")


class Rows(Protocol):
    """The result of a statement."""

    def fetchone(self) -> Any:
        """Returns the next row, or None if there is none."""
        ...

    def fetchall(self) -> list[Any]:
        """Returns all remaining rows."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Iterates over the remaining rows."""
        ...


class Connection(Protocol):
    """A connection in autocommit mode: without an explicit transaction, each statement commits by itself.

    Statements use `?` for parameters, and only SQL that every supported database understands.
    """

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Executes a statement."""
        ...

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> object:
        """Executes a statement once for each row of parameters."""
        ...

    def close(self) -> None:
        """Closes the connection; an open transaction is rolled back."""
        ...


@runtime_checkable
class HasClock(Protocol):
    """A connection to a server, whose clock decides about periods, not that of the client's machine."""

    def read_clock(self) -> int:
        """Returns the instant by the server's clock."""
        ...


class Database(Protocol):
    """One database with the service's tables.

    Attributes:
        url: the URL; it may contain a password.
        name: the name for messages and logs; it contains no password.
        reads_inline: whether reading a few rows is fast enough to block an event loop.
    """

    url: str
    name: str
    reads_inline: bool

    def open(self, *, create: bool = True) -> bool:
        """Checks that this version can use the database; creates the tables if it is new.

        Returns whether it made the tables.

        Args:
            create: whether to create missing tables; if false, they must exist.

        Raises:
            DatabaseError: the database is missing, cannot be created, is not an Astakos database, or has
                another revision of the tables.
            StorageUnavailableError: the database cannot be reached now.
        """
        ...

    def connect(self) -> Connection:
        """Opens a new connection."""
        ...

    def list_tables(self, connection: Connection) -> set[str]:
        """Returns the names of all tables."""
        ...

    def reader(self) -> Connection:
        """Returns this thread's read-only connection; each statement sees the latest committed state."""
        ...

    def read(self, work: Callable[[Connection], T], *, snapshot: bool = False) -> T:
        """Runs `work` on this thread's read-only connection; if the connection was lost, retries once.

        Args:
            work: reads; it must finish reading before it returns.
            snapshot: whether all its reads must see the same state.
        """
        ...

    def snapshot(self) -> AbstractContextManager[Connection]:
        """Opens a transaction in which all reads see the same state."""
        ...

    def transaction(self) -> AbstractContextManager[Connection]:
        """Opens a write transaction on its own connection; only one runs at a time in the whole database.

        Meant for administration, where speed does not matter.

        Raises:
            NotCarriedOutError: the transaction cannot begin, run, or commit now.
            OutcomeUnknownError: the commit had started, and its outcome could not be found out.
        """
        ...

    def change(self, work: Callable[[Connection], T]) -> T:
        """Runs `work` in such a transaction; after a conflict with another transaction, runs it again.

        Raises:
            NotCarriedOutError: the transaction cannot begin, run, or commit now.
            OutcomeUnknownError: the commit had started, and its outcome could not be found out.
        """
        ...

    def close(self) -> None:
        """Closes the read-only connections of all threads; none of them may be reading."""
        ...
