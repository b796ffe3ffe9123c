"""A copy in the place of a database whose write-ahead log was left there."""

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from astakos.storage.sqlite.file_identity import log_of
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.command import astakos, ended, only_line
from service.installation import rows

READ_AND_CLOSE = "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT * FROM kept').fetchall()"


@pytest.fixture
def restored_in_haste(database: SQLiteDatabase, tmp_path: Path) -> SQLiteDatabase:
    """A database over which somebody has copied a backup, without removing its log."""
    copy = tmp_path / "copy.db"
    assert astakos(database, "backup", str(copy)).status == 0
    with contextlib.closing(database.connect()) as connection:
        connection.execute("CREATE TABLE later (x)")
        log = log_of(database.path).read_bytes()
    database.close()
    shutil.copyfile(copy, database.path)
    log_of(database.path).write_bytes(log)
    return database


@pytest.mark.parametrize(
    "command",
    [["serve", "--port", "0"], ["user", "list"], ["migrate"], ["migrate", "--check"], ["backup", "again.db"]],
    ids=" ".join,
)
def test_nothing_makes_a_mixture_of_both(restored_in_haste: SQLiteDatabase, command: list[str]) -> None:
    path, log = restored_in_haste.path, log_of(restored_in_haste.path)
    before = path.read_bytes(), log.read_bytes()
    done = ended(restored_in_haste, *command)
    assert (done.status, done.output) == (1, "")
    assert f"{path} is a copy, but astakos.db-wal beside it is of the database" in only_line(done.errors)
    assert (path.read_bytes(), log.read_bytes()) == before


def test_the_doctor_says_it(restored_in_haste: SQLiteDatabase) -> None:
    done = ended(restored_in_haste, "doctor")
    assert done.status == 2
    assert "is a copy, but astakos.db-wal beside it" in done.output
    assert "Move astakos.db-wal away, and try again." in done.output


def test_what_the_message_says_helps(restored_in_haste: SQLiteDatabase) -> None:
    log_of(restored_in_haste.path).unlink()
    assert ended(restored_in_haste, "user", "list").status == 0
    assert ended(restored_in_haste, "doctor").status < 2
    assert not rows(restored_in_haste, "SELECT name FROM sqlite_master WHERE name = 'later'")


def test_a_database_that_was_killed_is_opened_with_its_log(database: SQLiteDatabase) -> None:
    with contextlib.closing(database.connect()) as connection:
        connection.execute("CREATE TABLE kept (x)")
        log = log_of(database.path).read_bytes()
    log_of(database.path).write_bytes(log)
    assert ended(database, "user", "list").status == 0


def test_looking_does_not_end_the_locks_of_connections_that_are_open(database: SQLiteDatabase) -> None:
    with contextlib.closing(database.connect()) as connection:
        connection.execute("CREATE TABLE kept (x)")
        SQLiteDatabase(database.url).open()
        # Whoever closes a file that nobody else has locked deletes the log.
        subprocess.run([sys.executable, "-c", READ_AND_CLOSE, str(database.path)], check=True, timeout=60)
        assert log_of(database.path).exists()
