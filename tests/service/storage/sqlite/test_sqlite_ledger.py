"""Who copies the write-ahead log into the file: the ledger alone."""

import contextlib

from astakos.storage.protocol import Connection
from astakos.storage.sqlite.log_state import log_state
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.sqlite.sqlite_ledger import COPIED_PAGES, SQLiteLedger

SAVE = "INSERT OR REPLACE INTO settings (name, value) VALUES ('large', hex(zeroblob(3000000)))"


def waiting(database: SQLiteDatabase) -> int:
    state = log_state(database.path)
    assert state is not None
    return state.waiting


def save(connection: Connection) -> None:
    connection.execute(SAVE)


def test_what_administration_writes_waits_for_the_next_commit_of_the_ledger(
    database: SQLiteDatabase, ledger: SQLiteLedger
) -> None:
    for _ in range(2):
        database.change(save)
        assert waiting(database) > COPIED_PAGES
    ledger.prove_writable()
    assert waiting(database) == 0


def test_without_commits_of_the_ledger_it_is_copied_now_and_then(
    database: SQLiteDatabase, ledger: SQLiteLedger
) -> None:
    database.change(lambda connection: connection.execute("DELETE FROM settings WHERE name = 'nothing'"))
    database.change(save)
    ledger.tidy(0)
    assert waiting(database) == 0
    ledger.tidy(0)
    assert waiting(database) == 0


def test_a_read_that_holds_it_back_is_waited_for(database: SQLiteDatabase, ledger: SQLiteLedger) -> None:
    with contextlib.closing(database.connect()) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM settings").fetchall()
        database.change(save)
        ledger.tidy(0)
        assert waiting(database) > COPIED_PAGES
        reader.execute("ROLLBACK")
    ledger.tidy(0)
    assert waiting(database) == 0
