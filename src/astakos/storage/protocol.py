"""A database as the rest of the program knows it, whichever kind it is."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Rows(Protocol):
    """What a statement has found."""

    def fetchone(self) -> Any:
        """The next row, None if there is none."""
        ...

    def fetchall(self) -> list[Any]:
        """All rows that have not been fetched yet."""
        ...

    def __iter__(self) -> Iterator[Any]:
        """Go through the rows."""
        ...


class Connection(Protocol):
    """A connection on which each statement stands for itself unless a transaction is begun.

    Statements have `?` where a parameter goes, and are written so that every database understands them.
    """

    def execute(self, statement: str, parameters: Sequence[Any] = ..., /) -> Rows:
        """Carry out a statement."""
        ...

    def executemany(self, statement: str, rows: Iterable[Sequence[Any]], /) -> object:
        """Carry out a statement for each row of parameters."""
        ...

    def close(self) -> None:
        """Let go of it; a transaction that is under way is undone."""
        ...


class Database(Protocol):
    """One database with the service's tables.

    Attributes:
        url: what it was named by; there may be a password in it.
        name: what people may see of that.
        reads_inline: whether a read of a few rows is so quick that an event loop can wait for it.
    """

    url: str
    name: str
    reads_inline: bool

    def open(self, *, create: bool = True) -> None:
        """See that this code can work with it; make its tables if it is new.

        Args:
            create: whether they may be made, or must be there.

        Raises:
            DatabaseError: it is not there or can not be made, is something else, or holds another revision.
            StorageUnavailableError: it can not be reached now.
        """
        ...

    def connect(self) -> Connection:
        """A new connection."""
        ...

    def list_tables(self, connection: Connection) -> set[str]:
        """The names of all tables that are there."""
        ...

    def reader(self) -> Connection:
        """This thread's connection for reading; what it reads is what was last committed by anybody."""
        ...

    def read(self, work: Callable[[Connection], T], *, snapshot: bool = False) -> T:
        """Do some reading; if it turns out that the connection was lost meanwhile, once more on a new one.

        Args:
            work: does it, all of it before it answers.
            snapshot: whether its reads must see one and the same state.
        """
        ...

    def snapshot(self) -> AbstractContextManager[Connection]:
        """Several reads that see one and the same state."""
        ...

    def transaction(self) -> AbstractContextManager[Connection]:
        """A transaction on a connection of its own, one at a time of all that are begun with this.

        It is for administration, where speed does not matter.

        Raises:
            StorageUnavailableError: it can not be begun, carried out or made durable now.
        """
        ...

    def change(self, work: Callable[[Connection], T]) -> T:
        """The same, with work that can be done again if another transaction was in the way.

        Raises:
            StorageUnavailableError: it can not be begun, carried out or made durable now.
        """
        ...

    def close(self) -> None:
        """Close the connections for reading of all threads, none of which reads any more."""
        ...
