"""Storage errors, and the example URLs that their messages show."""

from astakos.ledger.ports import NotCarriedOutError

DEFAULT_URL = "sqlite:///astakos.db"
EXAMPLES = (
    f"{DEFAULT_URL} (relative path), sqlite:////var/lib/astakos/astakos.db (absolute path), "
    "or postgresql://user@host/name (the password in PGPASSFILE or PGPASSWORD)"
)

HOW_TO_FIND_OR_CREATE = (
    "name another one with --database or ASTAKOS_DATABASE, or create one with `astakos serve`, "
    "`astakos load`, or `astakos migrate --create`"
)


class DatabaseError(Exception):
    """The database cannot be opened as requested; the message gives the reason and the remedy."""


class NoInstallationError(DatabaseError):
    """There is no database, or nothing is in it."""


class TransactionLostError(NotCarriedOutError):
    """The transaction conflicted with another one; a retry may succeed."""


class RowsRefusedError(Exception):
    """The database refuses rows because of a constraint or a type; the message shows no values."""
