"""Commits to an SQLite file can be made durable apart from making them."""

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue
from astakos.ledger.ports import DeferredSync, StorageBrokenError
from astakos.storage.sqlite import sqlite_log
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.sqlite.sqlite_ledger import SQLiteLedger

NOW = 1_000_000


@pytest.fixture
def database(tmp_path: Path) -> SQLiteDatabase:
    made = SQLiteDatabase(f"sqlite:///{tmp_path / 'astakos.db'}")
    made.open()
    with made.transaction() as connection:
        connection.execute("INSERT INTO components (id, name, menu) VALUES (1, 'compute', '{}')")
    return made


@pytest.fixture
def ledger(database: SQLiteDatabase) -> Iterator[SQLiteLedger]:
    with contextlib.closing(SQLiteLedger(database)) as made:
        yield made


@pytest.fixture
def log(ledger: SQLiteLedger) -> Iterator[DeferredSync]:
    made = ledger.defer_sync()
    assert made is not None
    with contextlib.closing(made):
        yield made


def test_the_ledger_leaves_syncing_to_the_log_and_other_writers_do_not(
    ledger: SQLiteLedger, log: DeferredSync, database: SQLiteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(sqlite_log, "synced", lambda descriptor: synced.append(os.fstat(descriptor).st_ino))
    perform(ledger, [Issue(1, (), "first")], NOW)
    assert not synced
    log.sync()
    log.sync()
    assert synced == [Path(f"{database.path}-wal").stat().st_ino] * 2
    with contextlib.closing(database.connect()) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)


def test_the_log_stays_when_the_ledger_connects_anew(
    ledger: SQLiteLedger, log: DeferredSync, database: SQLiteDatabase
) -> None:
    perform(ledger, [Issue(1, (), "first")], NOW)
    log.sync()
    before = Path(f"{database.path}-wal").stat().st_ino
    ledger.close()
    log.sync()
    perform(ledger, [Issue(1, (), "second")], NOW)
    log.sync()
    assert Path(f"{database.path}-wal").stat().st_ino == before


def test_a_sync_that_fails_means_that_the_storage_is_broken(
    ledger: SQLiteLedger, log: DeferredSync, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(sqlite_log, "synced", fail)
    perform(ledger, [Issue(1, (), "first")], NOW)
    with pytest.raises(StorageBrokenError, match="Input/output error") as broken:
        log.sync()
    assert "check the disk" in broken.value.remedy


def test_a_database_that_need_not_be_durable_has_nothing_to_sync(database: SQLiteDatabase) -> None:
    fleeting = SQLiteDatabase(database.url, durable=False)
    assert SQLiteLedger(fleeting).defer_sync() is None
