"""Backs up an SQLite database at one point in time, while the service keeps running."""

import contextlib
import errno
import os
import sqlite3
from pathlib import Path

from astakos.ledger.ports import StorageBrokenError
from astakos.storage.errors import DatabaseError
from astakos.storage.sqlite.sqlite_connection import RESTORE, code_of, recognized
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase

PARTIAL = ".partial"
"""The suffix of an unfinished backup."""


def back_up(database: SQLiteDatabase, target: Path) -> None:
    """Copies a database to a new file that only its owner can read. The file appears once it is complete.

    Raises:
        DatabaseError: the file exists or cannot be written.
        StorageBrokenError: the database is damaged; no file is left.
    """
    partial = target.with_name(target.name + PARTIAL)
    _refuse_to_overwrite(target)
    try:
        os.close(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError as error:
        raise DatabaseError(
            f"{partial} exists: a backup is running or was interrupted; if none is running, delete the file"
        ) from error
    except OSError as error:
        raise _cannot_write(target, error) from error
    try:
        _copy(database, partial)
        _refuse_to_overwrite(target)
        partial.rename(target)
        _make_durable(target)
    except OSError as error:
        raise _cannot_write(target, error) from error
    except sqlite3.Error as error:
        if code_of(error) == sqlite3.SQLITE_FULL:
            # The database is only read.
            raise _cannot_write(target, OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))) from error
        raise recognized(error) from error
    finally:
        partial.unlink(missing_ok=True)


def _cannot_write(target: Path, error: OSError) -> DatabaseError:
    """Says what failed: often a file beside the target, or its folder."""
    failed = "" if error.filename is None else f" ({os.fsdecode(error.filename)})"
    return DatabaseError(
        f"{target} cannot be written: {error.strerror}{failed}; name a file in a folder that can be written"
    )


def _refuse_to_overwrite(target: Path) -> None:
    if os.path.lexists(target):
        raise DatabaseError(f"{target} already exists; name another file")


def _copy(database: SQLiteDatabase, target: Path) -> None:
    with (
        contextlib.closing(database.connect()) as source,
        contextlib.closing(sqlite3.connect(target)) as copy,
    ):
        # In one step: with several, SQLite starts over after each commit of the service. This blocks nobody,
        # because in WAL mode readers and the writer do not wait for each other.
        source.backup(copy)
        # Leaves a single file without a log beside it. The service turns WAL on again when it opens the file.
        copy.execute("PRAGMA journal_mode = DELETE")
        (verdict,) = copy.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise StorageBrokenError(
            f"{database.name} is damaged, so no backup was made ({_short(verdict)})", RESTORE
        )


def _short(verdict: str) -> str:
    """Returns the first finding of an integrity check, which can have many lines."""
    return verdict.removeprefix("*** in database main ***\n").partition("\n")[0]


def _make_durable(path: Path) -> None:
    for one in (path, path.parent):
        descriptor = os.open(one, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
