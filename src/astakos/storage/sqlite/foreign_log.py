"""Refuses a write-ahead log that does not belong to the database file beside it.

SQLite applies whatever valid log it finds to the file of that name, and deletes one beside an empty file. A
copy that somebody puts in the place of a database, whose log is left there, would become a mixture of both.
"""

import threading
from pathlib import Path

from astakos.ledger.ports import StorageBrokenError
from astakos.storage.errors import DatabaseError
from astakos.storage.sqlite.file_identity import FileIdentity, identity_of, log_of

READ_VERSION = 19
"""Where a file says whether it has a log: https://www.sqlite.org/fileformat2.html#the_database_header."""
WITHOUT_LOG = b"\x01"
"""What stands there in a copy that `astakos backup` has made, until something opens it."""

_opened: set[FileIdentity] = set()
"""The files that this process may have connections to: as many as it ever works on, which is one or two."""
_opening = threading.Lock()


def require_own_log(path: Path, name: str) -> None:
    """Checks that the log beside a file, if there is one, is that of the database in the file.

    Args:
        path: the database file, which may be missing.
        name: how messages call it.

    Raises:
        DatabaseError: it is of another database, or of one that is no longer there.
    """
    log = log_of(path)
    if _has_content(log) and not _has_content(path):
        raise DatabaseError(
            f"{name} is missing or empty, but {log.name} beside it may hold acknowledged changes; "
            f"put the database back to where it was, or move {log.name} away to begin a new one"
        )
    try:
        refuse_a_foreign_log(path, name)
    except StorageBrokenError as error:
        raise DatabaseError(f"{error}; {error.remedy}") from error


def refuse_a_foreign_log(path: Path, name: str) -> None:
    """Checks, before a process connects to a file for the first time, whose log is beside it.

    Later it looks no more into the file: closing it would end the locks that SQLite holds for this process.

    Args:
        path: the database file.
        name: how messages call it.

    Raises:
        StorageBrokenError: the log is of another database.
    """
    log = log_of(path)
    # The log first: a file says that it has one before anything is in it.
    has_log = _has_content(log)
    with _opening:
        identity = identity_of(path)
        if identity is None or identity in _opened:
            return
        is_foreign = has_log and _says_that_it_has_none(path)
        if not is_foreign:
            _opened.add(identity)
    if is_foreign:
        raise StorageBrokenError(
            f"{name} is a copy, but {log.name} beside it is of the database that was here before, and "
            "together they would be damaged",
            f"move {log.name} away, and try again",
        )


def _has_content(path: Path) -> bool:
    try:
        return path.stat().st_size > 0
    except OSError:
        return False


def _says_that_it_has_none(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            header = file.read(READ_VERSION + 1)
    except OSError:
        # Opening the database says why.
        return False
    return header[READ_VERSION:] == WITHOUT_LOG
