"""Reads of a file end in time, as statements on a server do."""

import pytest

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.protocol import Connection
from astakos.storage.sqlite import sqlite_database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase

ENDLESS = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
MANY = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT count(*) FROM n"


@pytest.mark.parametrize("snapshot", [False, True])
def test_a_read_that_takes_too_long_ends_and_the_connection_goes_on(
    empty: SQLiteDatabase, monkeypatch: pytest.MonkeyPatch, *, snapshot: bool
) -> None:
    monkeypatch.setattr(sqlite_database, "QUICK_READ_SECONDS", 0.02)
    monkeypatch.setattr(sqlite_database, "LONG_READ_SECONDS", 0.02)

    def read(connection: Connection) -> object:
        return connection.execute(ENDLESS).fetchone()

    with pytest.raises(StorageUnavailableError, match=r"longer than 0\.02 seconds"):
        empty.read(read, snapshot=snapshot)
    assert empty.read(lambda connection: connection.execute("SELECT 1").fetchone(), snapshot=snapshot) == (1,)


def test_many_short_statements_of_one_read_end_in_time(
    empty: SQLiteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "LONG_READ_SECONDS", 0.05)

    def read(connection: Connection) -> None:
        while True:
            connection.execute(MANY).fetchone()

    with pytest.raises(StorageUnavailableError):
        empty.read(read, snapshot=True)


def test_administration_has_no_deadline(empty: SQLiteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_database, "QUICK_READ_SECONDS", -1.0)
    assert empty.reader().execute(MANY).fetchone() == (100000,)
    with empty.snapshot() as connection:
        assert connection.execute(MANY).fetchone() == (100000,)
