"""Recognizes whether the files of an open database are still those that were opened.

A process that has an SQLite file open keeps working on it after somebody has deleted or replaced it: what it
commits then is lost with its last connection. The same is true of the write-ahead log beside the file.
"""

from pathlib import Path
from typing import NamedTuple

from astakos.ledger.ports import StorageBrokenError
from astakos.storage.sqlite.sqlite_connection import RESTORE

LOG_SUFFIX = "-wal"


class FileIdentity(NamedTuple):
    """What identifies a file, whatever its name."""

    device: int
    number: int


def identity_of(path: Path) -> FileIdentity | None:
    """Returns the identity of the file that has this name now; None if there is none."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return FileIdentity(found.st_dev, found.st_ino)


def log_of(path: Path) -> Path:
    """Returns the name of the write-ahead log of a database file."""
    return path.with_name(path.name + LOG_SUFFIX)


def require_same(path: Path, opened: FileIdentity | None) -> None:
    """Checks that a name still belongs to the file that was opened under it.

    Raises:
        StorageBrokenError: it does not.
    """
    found = identity_of(path)
    if found != opened:
        event = "replaced" if found is not None and opened is not None else "deleted"
        raise StorageBrokenError(f"the database's file {path.name} was {event} while it was in use", RESTORE)
