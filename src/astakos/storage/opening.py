"""From a URL to the database that it names, and to the ledger's storage in there: the only factory.

What speaks to PostgreSQL is imported when it is named, so that nothing else has to wait for its driver.
"""

from typing import TYPE_CHECKING

from astakos.ledger.ports import LedgerStorage
from astakos.storage.errors import EXAMPLES, DatabaseError
from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.sqlite.sqlite_ledger import SQLiteLedger

if TYPE_CHECKING:
    from astakos.storage.transfer import Transfer


def database_of(url: str) -> Database:
    """The database that a URL names; nothing is opened yet.

    Raises:
        DatabaseError: it is no URL of a kind that is supported.
    """
    scheme, separator, _ = url.partition("://")
    if separator and scheme == "sqlite":
        return SQLiteDatabase(url)
    if separator and scheme in ("postgresql", "postgres"):
        from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase  # noqa: PLC0415

        return PostgreSQLDatabase(url)
    # What stands before the colon is shown, never the rest: there may be a password in it.
    named = f"a URL of the scheme {scheme!r}" if separator else "something that is no URL"
    raise DatabaseError(f"the database must be named like {EXAMPLES}, not by {named}")


def ledger_storage(database: Database) -> LedgerStorage:
    """What the engine writes to; it connects when first used, on the thread that uses it."""
    if isinstance(database, SQLiteDatabase):
        return SQLiteLedger(database)
    from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase  # noqa: PLC0415
    from astakos.storage.postgresql.postgresql_ledger import PostgreSQLLedger  # noqa: PLC0415

    if isinstance(database, PostgreSQLDatabase):
        return PostgreSQLLedger(database)
    raise TypeError(f"no ledger is known for a {type(database).__name__}")


def transfer_of(database: Database) -> "Transfer":
    """How it is done on a database, which is opened."""
    if isinstance(database, SQLiteDatabase):
        from astakos.storage.sqlite.sqlite_transfer import SQLiteTransfer  # noqa: PLC0415

        return SQLiteTransfer(database)
    from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase  # noqa: PLC0415
    from astakos.storage.postgresql.postgresql_transfer import PostgreSQLTransfer  # noqa: PLC0415

    if isinstance(database, PostgreSQLDatabase):
        return PostgreSQLTransfer(database)
    raise TypeError(f"no transfer is known for a {type(database).__name__}")
