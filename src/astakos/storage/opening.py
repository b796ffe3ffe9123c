"""Creates a database from its URL, and what belongs to a database: the ledger's storage and the transfer.

The PostgreSQL modules are imported on first use, so that other commands do not wait for the driver to load.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from astakos import clock
from astakos.ledger.ports import LedgerStorage, LedgerTransaction
from astakos.storage.errors import EXAMPLES, DatabaseError
from astakos.storage.protocol import Connection, Database
from astakos.storage.sqlite.sqlite_connection import SQLiteConnection
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.sqlite.sqlite_ledger import Known, SQLiteLedger, SQLiteTransaction
from astakos.storage.texts import is_storable

if TYPE_CHECKING:
    from astakos.storage.transfer import Transfer


def database_of(url: str) -> Database:
    """Returns the database that a URL names, without opening it.

    Raises:
        DatabaseError: the URL is malformed or its scheme is not supported.
    """
    if not is_storable(url):
        raise DatabaseError(f"the database URL must be UTF-8 without NUL; it must look like {EXAMPLES}")
    scheme, separator, _ = url.partition("://")
    if separator and scheme == "sqlite":
        return SQLiteDatabase(url)
    if separator and scheme in ("postgresql", "postgres"):
        from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase  # noqa: PLC0415

        return PostgreSQLDatabase(url)
    # Show only the scheme: the rest may contain a password.
    named = f"a URL with the scheme {scheme!r}" if separator else "a text that is not a URL"
    raise DatabaseError(f"the database URL must look like {EXAMPLES}; got {named}")


def ledger_storage(database: Database) -> LedgerStorage:
    """Returns the ledger's storage, which connects on first use, on the thread that uses it."""
    if isinstance(database, SQLiteDatabase):
        return SQLiteLedger(database)
    from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase  # noqa: PLC0415
    from astakos.storage.postgresql.postgresql_ledger import PostgreSQLLedger  # noqa: PLC0415

    if isinstance(database, PostgreSQLDatabase):
        return PostgreSQLLedger(database)
    raise TypeError(f"no ledger storage for {type(database).__name__}")


def joined_transaction(connection: Connection) -> LedgerTransaction:
    """Returns the ledger's part, for one batch, of a transaction that is open on a connection."""
    if isinstance(connection, SQLiteConnection):
        return SQLiteTransaction(connection, Known())
    from astakos.storage.postgresql.joined_transaction import JoinedTransaction  # noqa: PLC0415

    return JoinedTransaction(connection)


def ledger_clock(storage: LedgerStorage) -> Callable[[], int]:
    """Returns the clock that decides for a ledger: the server's, or this machine's for a file."""
    if isinstance(storage, SQLiteLedger):
        return clock.now
    from astakos.storage.postgresql.postgresql_ledger import PostgreSQLLedger  # noqa: PLC0415

    if isinstance(storage, PostgreSQLLedger):
        return storage.now
    raise TypeError(f"no clock for {type(storage).__name__}")


def transfer_of(database: Database) -> "Transfer":
    """Returns the transfer for an opened database."""
    if isinstance(database, SQLiteDatabase):
        from astakos.storage.sqlite.sqlite_transfer import SQLiteTransfer  # noqa: PLC0415

        return SQLiteTransfer(database)
    from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase  # noqa: PLC0415
    from astakos.storage.postgresql.postgresql_transfer import PostgreSQLTransfer  # noqa: PLC0415

    if isinstance(database, PostgreSQLDatabase):
        return PostgreSQLTransfer(database)
    raise TypeError(f"no transfer for {type(database).__name__}")
