"""Long reads that overlap all the time let the write-ahead log begin anew."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from astakos.storage.protocol import Connection
from astakos.storage.sqlite import long_log
from astakos.storage.sqlite.log_state import log_state
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.sqlite.sqlite_ledger import SQLiteLedger

PATIENCE = 60.0
SAVE = "INSERT OR REPLACE INTO settings (name, value) VALUES ('large', hex(zeroblob(3000000)))"


class LongRead:
    """A long read on a thread of its own, which lasts until it is told to end."""

    def __init__(self, database: SQLiteDatabase, threads: ThreadPoolExecutor) -> None:
        self.began, self.is_over = threading.Event(), threading.Event()
        self.done: Future[None] = threads.submit(database.read, self._read, snapshot=True)

    def _read(self, connection: Connection) -> None:
        connection.execute("SELECT count(*) FROM settings").fetchall()
        self.began.set()
        assert self.is_over.wait(PATIENCE)

    def end(self) -> None:
        self.is_over.set()
        self.done.result(PATIENCE)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(4) as pool:
        yield pool


def length(database: SQLiteDatabase) -> int:
    state = log_state(database.path)
    assert state is not None
    return state.length


def save(connection: Connection) -> None:
    connection.execute(SAVE)


def test_a_long_read_waits_until_a_long_log_has_begun_anew(
    database: SQLiteDatabase,
    ledger: SQLiteLedger,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(long_log, "LONGEST_LOG_PAGES", 2000)
    monkeypatch.setattr(long_log, "PATIENCE_SECONDS", PATIENCE)
    first = LongRead(database, threads)
    assert first.began.wait(PATIENCE)
    database.change(save)
    overlapping = LongRead(database, threads)
    assert overlapping.began.wait(PATIENCE), "the log is not long yet"
    database.change(save)
    assert length(database) > 2000
    later = LongRead(database, threads)
    first.end()
    ledger.prove_writable()
    assert not later.began.wait(0.1)
    overlapping.end()
    for _ in range(2):
        ledger.prove_writable()
    assert later.began.wait(PATIENCE)
    assert length(database) < 2000
    later.end()


def test_it_waits_for_a_bounded_time_and_not_without_reason(
    database: SQLiteDatabase,
    ledger: SQLiteLedger,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(long_log, "LONGEST_LOG_PAGES", 1000)
    monkeypatch.setattr(long_log, "PATIENCE_SECONDS", 0.1)
    monkeypatch.setattr(long_log, "RESTING_SECONDS", 0.0)
    first = LongRead(database, threads)
    assert first.began.wait(PATIENCE)
    database.change(save)
    later = LongRead(database, threads)
    assert later.began.wait(PATIENCE), "the patience is over"
    for one in (first, later):
        one.end()
    monkeypatch.setattr(long_log, "PATIENCE_SECONDS", PATIENCE)
    ledger.tidy(0)
    assert length(database) > 1000
    copied = LongRead(database, threads)
    assert copied.began.wait(PATIENCE / 2), "all of the log is in the file"
    copied.end()


def test_after_one_has_waited_in_vain_the_next_ones_begin_at_once(
    database: SQLiteDatabase,
    ledger: SQLiteLedger,
    threads: ThreadPoolExecutor,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(long_log, "LONGEST_LOG_PAGES", 1000)
    monkeypatch.setattr(long_log, "PATIENCE_SECONDS", 0.1)
    backup = LongRead(database, threads)
    assert backup.began.wait(PATIENCE)
    database.change(save)
    ledger.prove_writable()
    in_vain = LongRead(database, threads)
    assert in_vain.began.wait(PATIENCE)
    in_vain.end()
    monkeypatch.setattr(long_log, "PATIENCE_SECONDS", PATIENCE)
    at_once = LongRead(database, threads)
    assert at_once.began.wait(PATIENCE / 2)
    for one in (at_once, backup):
        one.end()
