"""Looks at the database as such: its tables and indexes, its file, who can read that, and its disk."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from astakos.counted_nouns import counted
from astakos.doctor.findings import Examined, Finding, NotExaminedError, fault, warning
from astakos.storage.schema.structure import missing_parts
from astakos.storage.sqlite.file_checks import broken_references, damages
from astakos.storage.sqlite.sqlite_database import LOG_BYTES, SQLiteDatabase

SUFFIXES = ("", "-wal", "-shm")
"""The files of a database."""
OTHERS = stat.S_IRWXG | stat.S_IRWXO
LEAST_FREE = 2 * LOG_BYTES
MEBIBYTE = 2**20
SERVER = "The database is on a server; this is for the server's own tools."
RESTORE = "Stop the service and restore a backup (docs/backup.md#a-damaged-or-missing-database-file)."


def look_at_tables(examined: Examined) -> Iterator[Finding]:
    """Compares tables, columns and indexes with the schema."""
    for part in missing_parts(examined.connection):
        if part.is_needed:
            yield fault(part.what, "Restore a backup, or load an archive of this one into a new database.")
        else:
            yield warning(
                part.what,
                f"Run on the database: {part.remedy}; or load an archive of it into a new one.",
            )


def look_at_file(examined: Examined) -> Iterator[Finding]:
    """Lets SQLite check its pages, and references between rows."""
    if not isinstance(examined.database, SQLiteDatabase):
        raise NotExaminedError(SERVER)
    for damage in damages(examined.connection):
        yield fault(f"The file is damaged: {damage}.", RESTORE)
    for table, missing, number in broken_references(examined.connection):
        rows = counted(number, f"row of {table} refers", f"rows of {table} refer")
        yield fault(f"{rows} to rows of {missing} that do not exist.", RESTORE)


def look_at_permissions(examined: Examined) -> Iterator[Finding]:
    """Checks who can read and write the files of a database."""
    database = examined.database
    if not isinstance(database, SQLiteDatabase):
        raise NotExaminedError(SERVER)
    owner = database.path.stat().st_uid
    for suffix in SUFFIXES:
        path = database.path.with_name(database.path.name + suffix)
        try:
            found = path.stat()
        except FileNotFoundError:
            continue
        if found.st_mode & OTHERS:
            yield warning(
                f"{path} can be used by other users of this machine (its mode is "
                f"{stat.S_IMODE(found.st_mode):04o}), and contains hashes of tokens and passwords.",
                f"Run `chmod 600 {path}`.",
            )
        if found.st_uid != owner:
            yield fault(
                f"{path} belongs to user {found.st_uid}, but the database to user {owner}: the service "
                "cannot write.",
                f"Run `chown --reference={database.path} {path}`, and use the command as the service's user.",
            )
        if not found.st_mode & stat.S_IWUSR:
            yield fault(
                f"{path} cannot be written by its owner (its mode is {stat.S_IMODE(found.st_mode):04o}): the "
                "service cannot write.",
                f"Run `chmod 600 {path}`.",
            )
        elif not os.access(path, os.W_OK):
            yield _not_for_this_user(path)
    folder = database.path.absolute().parent
    if not os.access(folder, os.W_OK):
        yield _not_for_this_user(folder)


def _not_for_this_user(path: Path) -> Finding:
    return warning(
        f"{path} cannot be written by the user who runs this command.",
        "Run the command as the service's user, or let that user write the file and its folder.",
    )


def look_at_disk(examined: Examined) -> Iterator[Finding]:
    """Checks whether there is room for the database to grow, and for a copy of it."""
    database = examined.database
    if not isinstance(database, SQLiteDatabase):
        raise NotExaminedError(SERVER)
    folder = database.path.absolute().parent
    yield from judge_room(folder, _free_bytes(folder), database.path.stat().st_size)


def judge_room(folder: Path, free: int, size: int) -> Iterator[Finding]:
    """Judges the free bytes of a folder with a database of a size."""
    told = f"{folder} has {free // MEBIBYTE} MiB free"
    if free < LEAST_FREE:
        yield fault(
            f"{told}: when the disk is full, nothing can be charged any more.",
            "Make room, or move the database to a larger disk.",
        )
    elif free < size:
        yield warning(
            f"{told}, and the database has {size // MEBIBYTE} MiB: there is no room for a backup there, nor "
            "for a migration that writes a table anew.",
            "Make room, or move the database to a larger disk.",
        )


def _free_bytes(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
