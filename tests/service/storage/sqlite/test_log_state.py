"""The write-ahead log, while a read takes long and afterwards."""

import contextlib
import sqlite3
import subprocess
import sys
from pathlib import Path

from astakos.storage.sqlite.log_state import log_state
from astakos.storage.sqlite.sqlite_database import LOG_BYTES, SQLiteDatabase

SAVE = "INSERT INTO settings (name, value) VALUES (?, hex(zeroblob(4000000)))"


def test_the_log_grows_behind_a_long_read_is_told_and_shrinks_again(database: SQLiteDatabase) -> None:
    with contextlib.closing(database.connect()) as writer, contextlib.closing(database.connect()) as reader:
        writer.execute("PRAGMA synchronous = OFF")
        writer.execute("PRAGMA wal_checkpoint").fetchall()
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM settings").fetchall()
        for number in range(9):
            writer.execute(SAVE, (f"large {number}",))
        held = log_state(database.path)
        assert held is not None
        assert held.size > LOG_BYTES
        assert held.waiting > LOG_BYTES // 4096
        reader.execute("ROLLBACK")
        writer.execute("PRAGMA wal_checkpoint").fetchall()
        writer.execute("INSERT INTO settings (name, value) VALUES ('small', '1')")
        after = log_state(database.path)
        assert after is not None
        assert after.size <= LOG_BYTES
        assert after.waiting < 10


def test_without_a_connection_there_is_no_log(database: SQLiteDatabase) -> None:
    database.close()
    assert log_state(database.path) is None


WRITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], timeout=0, isolation_level=None)
try:
    connection.execute("BEGIN IMMEDIATE")
except sqlite3.OperationalError as error:
    print(error)
"""


def write_elsewhere(database: SQLiteDatabase) -> str:
    """What keeps another process from writing."""
    command = [sys.executable, "-c", WRITE, str(database.path)]
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=30)
    return done.stdout.strip()


def test_asking_ends_no_lock_of_this_process(database: SQLiteDatabase) -> None:
    with contextlib.closing(database.connect()) as connection:
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(2):
            assert log_state(database.path) is not None
            assert write_elsewhere(database) == "database is locked"
        connection.execute("ROLLBACK")
        assert write_elsewhere(database) == ""


def test_asking_about_a_file_that_was_opened_again_keeps_no_more_files_open(tmp_path: Path) -> None:
    path = tmp_path / "some.db"

    def ask() -> int:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("CREATE TABLE IF NOT EXISTS t (k)")
            connection.commit()
            connection.execute("INSERT INTO t VALUES (1)")
            connection.commit()
            told = log_state(path)
            assert told is not None
            assert told.waiting > 0
        assert log_state(path) is None
        return len(list(Path("/proc/self/fd").iterdir()))

    assert ask() == ask()
