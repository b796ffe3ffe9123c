"""A new file is only removed again if nothing can be lost with it."""

import contextlib
from pathlib import Path

import pytest

from astakos.storage.sqlite import sqlite_database
from astakos.storage.sqlite.new_file import remove_if_unused
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.installation import database_at, rows


@pytest.fixture
def fresh(tmp_path: Path) -> SQLiteDatabase:
    return database_at(tmp_path / "fresh.db")


def test_nothing_of_an_unused_file_stays(fresh: SQLiteDatabase) -> None:
    assert remove_if_unused(fresh)
    assert list(fresh.path.parent.iterdir()) == []


def test_what_contains_something_stays(fresh: SQLiteDatabase) -> None:
    rows(fresh, "INSERT INTO groups (name) VALUES ('staff')")
    assert not remove_if_unused(fresh)
    assert rows(fresh, "SELECT name FROM groups") == [("staff",)]


def test_what_another_has_open_stays(fresh: SQLiteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_database, "BUSY_SECONDS", 0.05)
    with contextlib.closing(SQLiteDatabase(fresh.url)) as another:
        assert rows(another, "SELECT count(*) FROM groups") == [(0,)]
        another.reader().execute("SELECT count(*) FROM groups").fetchone()
        assert not remove_if_unused(fresh)
        rows(another, "INSERT INTO groups (name) VALUES ('staff')")
    assert rows(fresh, "SELECT name FROM groups") == [("staff",)]
