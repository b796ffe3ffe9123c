"""How much work a read makes for SQLite, in steps of its virtual machine."""

import contextlib
from collections.abc import Callable

from astakos.storage.protocol import Connection
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase


def steps_of(database: SQLiteDatabase, read: Callable[[Connection], object]) -> int:
    """Reads on a new connection, and counts its steps."""
    steps = 0

    def count() -> None:
        nonlocal steps
        steps += 1

    with contextlib.closing(database.connect()) as connection:
        connection.set_progress_handler(count, 1)
        read(connection)
    return steps
