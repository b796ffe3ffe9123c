"""The ledger's storage in a database of either kind."""

from astakos.ledger.storage import LedgerStorage
from astakos.storage.database import Database
from astakos.storage.sqlite import SQLiteDatabase
from astakos.storage.sqlite_ledger import SQLiteLedger


def ledger_storage(database: Database) -> LedgerStorage:
    """What the engine writes to; it connects when first used, on the thread that uses it."""
    if isinstance(database, SQLiteDatabase):
        return SQLiteLedger(database)
    # Imported here, so that only what speaks to PostgreSQL has to wait for its driver.
    from astakos.storage.postgresql import PostgreSQLDatabase  # noqa: PLC0415
    from astakos.storage.postgresql_ledger import PostgreSQLLedger  # noqa: PLC0415

    if isinstance(database, PostgreSQLDatabase):
        return PostgreSQLLedger(database)
    raise TypeError(f"no ledger is known for a {type(database).__name__}")
