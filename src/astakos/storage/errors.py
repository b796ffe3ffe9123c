"""What can go wrong with a database, and how one is named in the texts that say so."""

from astakos.ledger.ports import StorageUnavailableError

DEFAULT_URL = "sqlite:///astakos.db"
EXAMPLES = (
    f"{DEFAULT_URL} (in this folder), sqlite:////var/lib/astakos/astakos.db (anywhere) "
    "or postgresql://user:password@host/name"
)


class DatabaseError(Exception):
    """The database can not be opened as asked; the text says why and what would be right."""


class TransactionLostError(StorageUnavailableError):
    """Another transaction was in the way; nothing has happened, and the same begun anew may succeed."""


class RowsRefusedError(Exception):
    """Rows contradict each other or their table; the text says in what, and shows none of their values."""
