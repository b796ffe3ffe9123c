"""Removes the file of a new database again, if what it was created for has failed."""

import contextlib

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.schema.whole_tables import whole_tables
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.sqlite.sqlite_transfer import NO_LOG


def remove_if_unused(database: SQLiteDatabase) -> bool:
    """Removes the file, unless it contains something or another process has it open; returns whether.

    No other connection of this process may be open.
    """
    # Another process makes the first statement fail.
    with contextlib.suppress(StorageUnavailableError), contextlib.closing(database.connect()) as connection:
        connection.execute(NO_LOG)
        connection.execute("BEGIN EXCLUSIVE")
        if all(table.is_empty(connection) for table in whole_tables()):
            database.path.unlink()
            return True
    return False
