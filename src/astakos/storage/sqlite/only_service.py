"""Lets one service at a time work on an SQLite file, unless its operator wants more."""

import fcntl
import os

from astakos.storage.errors import DatabaseError
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase


def become_only_service(database: SQLiteDatabase) -> None:
    """Locks the file against other services until this process has ended; commands are not affected.

    The system unlocks the file. A process that ends may leave threads behind that still write, and closing
    the file would end the locks that SQLite holds for them.

    Raises:
        DatabaseError: another service works on the file.
    """
    descriptor = os.open(database.path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(descriptor)
        raise DatabaseError(
            f"another service works on {database.name}; stop it first, or start this one with "
            "--allow-another-service (both are then slower)"
        ) from error
