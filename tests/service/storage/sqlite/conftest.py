"""A ledger on an SQLite file."""

from collections.abc import Iterator

import pytest

from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.sqlite.sqlite_ledger import SQLiteLedger


@pytest.fixture
def ledger(database: SQLiteDatabase) -> Iterator[SQLiteLedger]:
    ledger = SQLiteLedger(database)
    ledger.prove_writable()
    yield ledger
    ledger.close()
