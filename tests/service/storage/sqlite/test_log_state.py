"""The write-ahead log, while a read takes long and afterwards."""

import contextlib

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
