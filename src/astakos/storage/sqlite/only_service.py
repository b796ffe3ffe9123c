"""Lets one service at a time work on an SQLite file, unless its operator wants more."""

import contextlib
import fcntl
import os
from collections.abc import Iterator

from astakos.storage.errors import DatabaseError
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase


@contextlib.contextmanager
def only_service(database: SQLiteDatabase) -> Iterator[None]:
    """Locks the file against other services while the context lasts; commands are not affected.

    No connection of this process may be open when the context ends: closing a file ends SQLite's own locks.

    Raises:
        DatabaseError: another service works on the file.
    """
    descriptor = os.open(database.path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DatabaseError(
                f"another service works on {database.name}; stop it first, or start this one with "
                "--allow-another-service (both are then slower)"
            ) from error
        yield
    finally:
        os.close(descriptor)
