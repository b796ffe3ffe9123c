"""The ledger's storage in a database of either kind."""

from astakos.ledger.storage import LedgerStorage
from astakos.storage.database import Database
from astakos.storage.sqlite_ledger import SqliteLedger


def ledger_storage(database: Database) -> LedgerStorage:
    """What the engine writes to; it connects when first used, on the thread that uses it."""
    return SqliteLedger(database)
