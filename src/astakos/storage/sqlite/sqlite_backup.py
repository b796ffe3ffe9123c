"""A copy of an SQLite database as it stands at one moment, made while the service goes on."""

import contextlib
import os
import sqlite3
from pathlib import Path

from astakos.storage.errors import DatabaseError
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase

PARTIAL = ".partial"
"""What the name of a copy ends with that is not complete yet."""


def back_up(database: SQLiteDatabase, target: Path) -> None:
    """Copy a database into a new file that its owner alone can read; it has its name when it is complete.

    Raises:
        DatabaseError: there is such a file already, it can not be written, or the copy is not sound.
    """
    partial = target.with_name(target.name + PARTIAL)
    _refuse_to_overwrite(target)
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError as error:
        raise DatabaseError(
            f"there is a file {partial}: another backup is being made, or was broken off; then delete it"
        ) from error
    except OSError as error:
        raise DatabaseError(f"{partial} can not be written: {error.strerror}") from error
    try:
        _copy(database, partial)
        _refuse_to_overwrite(target)
        partial.rename(target)
        _make_durable(target)
    except OSError as error:
        raise DatabaseError(f"{target} can not be written: {error.strerror}") from error
    except sqlite3.Error as error:
        raise DatabaseError(f"{database.name} can not be copied: {error}") from error
    finally:
        partial.unlink(missing_ok=True)


def _refuse_to_overwrite(target: Path) -> None:
    if os.path.lexists(target):
        raise DatabaseError(f"there is a file {target} already; name another one")


def _copy(database: SQLiteDatabase, target: Path) -> None:
    with (
        contextlib.closing(database.connect()) as source,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        # In one step: in several, each commit of the service would have it begin again. It holds nobody up,
        # since in WAL mode readers and the writer do not wait for each other.
        source.backup(copy)
        # Then the copy is one file and nothing beside it; the service turns WAL on again where it opens it.
        copy.execute("PRAGMA journal_mode = DELETE")
        (verdict,) = copy.execute("PRAGMA quick_check").fetchone()
    if verdict != "ok":
        raise DatabaseError(f"the copy of {database.name} is not sound: {verdict}")


def _make_durable(path: Path) -> None:
    for one in (path, path.parent):
        descriptor = os.open(one, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
