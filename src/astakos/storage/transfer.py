"""The interface for reading a whole database or filling a new one; each kind of database implements it."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from astakos.storage.protocol import Connection
from astakos.storage.schema.whole_tables import Row, WholeTable


class Source(Protocol):
    """A consistent snapshot of the whole database."""

    @property
    def connection(self) -> Connection:
        """The connection; all its reads see the same state."""
        ...

    def last_serial(self) -> int:
        """Returns the largest serial ever given to a commission, or a larger number; 0 if there was none."""
        ...


class Target(Protocol):
    """A transaction that can hold a very large number of rows."""

    @property
    def connection(self) -> Connection:
        """The connection that the transaction runs on."""
        ...

    def insert(self, table: WholeTable, rows: Sequence[Row]) -> None:
        """Inserts rows into a table.

        Raises:
            RowsRefusedError: the database refuses the rows.
        """
        ...

    def continue_behind(self, last_serial: int) -> None:
        """Advances the counters, so that new rows and commissions get unused ids and serials."""
        ...


class Transfer(Protocol):
    """Reads or fills one kind of database."""

    def reading(self) -> AbstractContextManager[Source]:
        """Opens a snapshot for reading; others can keep writing.

        Raises:
            StorageUnavailableError: the database cannot be read now.
        """
        ...

    def filling(self) -> AbstractContextManager[Target]:
        """Opens a transaction for filling the database, in which no other process may be working.

        Raises:
            StorageUnavailableError: the transaction cannot begin, run, or commit now.
        """
        ...
