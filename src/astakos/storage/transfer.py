"""Taking everything out of a database, or putting everything into one; how, is for its kind to say."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol

from astakos.storage.protocol import Connection
from astakos.storage.schema.whole_tables import Row, WholeTable


class Source(Protocol):
    """One state of everything, for as long as it takes to read."""

    @property
    def connection(self) -> Connection:
        """Reads see the one state."""
        ...

    def last_serial(self) -> int:
        """The largest serial ever given to a commission, or a larger number; 0 if there was none."""
        ...


class Target(Protocol):
    """A transaction that may be of very many rows."""

    @property
    def connection(self) -> Connection:
        """It is in the transaction."""
        ...

    def insert(self, table: WholeTable, rows: Sequence[Row]) -> None:
        """Add rows to a table.

        Raises:
            RowsRefusedError: the database does not take them.
        """
        ...

    def continue_behind(self, last_serial: int) -> None:
        """See that new rows get ids, and new commissions serials, that were never used."""
        ...


class Transfer(Protocol):
    """How it is done on one kind of database."""

    def reading(self) -> AbstractContextManager[Source]:
        """Read while others may go on working.

        Raises:
            StorageUnavailableError: it can not be read now.
        """
        ...

    def filling(self) -> AbstractContextManager[Target]:
        """Write all of it or nothing, while nobody else works.

        Raises:
            StorageUnavailableError: it can not be begun, carried out or made durable now.
        """
        ...
