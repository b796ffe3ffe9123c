"""Databases for the simulations: made quickly, and dropped as a crash drops them."""

import functools
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from astakos.ledger.rules import Key
from astakos.storage.protocol import Connection
from astakos.storage.sqlite.sqlite_connection import SQLiteConnection
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.installation import set_limits

COMPONENTS = (1, 2)
START = 1_700_000_000_000_000
SECOND = 1_000_000

USER_1 = Key("user:u1", "project:p", "vm")
USER_2 = Key("user:u2", "project:p", "vm")
PROJECT = Key("project:p", None, "vm")
DISK = Key("user:u1", "project:p", "disk")
PROJECT_DISK = Key("project:p", None, "disk")
STRANGE = Key("ünï\x00;'--", "%", "vm")
KEYS = (USER_1, USER_2, PROJECT, DISK, PROJECT_DISK, STRANGE)
EMPTY_SOURCE = Key("project:p", "", "vm")
"""It can not exist; it must not be taken for the one whose source is null."""


class QuickDatabase(SQLiteDatabase):
    """A database that survives the end of the process only; durability is tested with real crashes."""

    def connect(self) -> SQLiteConnection:
        connection = super().connect()
        connection.execute("PRAGMA synchronous = OFF")
        return connection


def database_at(path: Path) -> QuickDatabase:
    return QuickDatabase(f"sqlite:///{path}")


@functools.cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "empty.db")
        database = database_at(path)
        database.open()
        with database.transaction() as connection:
            connection.executemany(
                "INSERT INTO components (id, name, menu) VALUES (?, ?, '{}')",
                [(number, f"component {number}") for number in COMPONENTS],
            )
        return path.read_bytes()


def make_database(path: Path) -> None:
    """A database with all tables and two components in it."""
    path.write_bytes(_empty())


def copy_as_crashed(path: Path, target: Path) -> None:
    """What a process that is killed now would leave behind: the file and its log, without closing them."""
    shutil.copyfile(path, target)
    log = Path(f"{path}-wal")
    if log.exists():
        shutil.copyfile(log, f"{target}-wal")


def write_limits(connection: Connection, limits: Mapping[Key, int]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    set_limits(connection, limits.items())
    connection.execute("COMMIT")
