import contextlib
import os
import sqlite3
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from astakos.ledger.storage import StorageUnavailableError
from astakos.storage import database as database_module
from astakos.storage.database import REVISION, Database, DatabaseError, path_of
from service.installation import all_rows, copy_world, database_at, rows


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///astakos.db", "astakos.db"),
        ("sqlite:///a/b.db", "a/b.db"),
        ("sqlite:////var/lib/astakos.db", "/var/lib/astakos.db"),
        ("sqlite:///Größe und so.db", "Größe und so.db"),
    ],
)
def test_a_url_names_a_file(url: str, path: str) -> None:
    assert path_of(url) == Path(path)


@pytest.mark.parametrize(
    "url", ["", "astakos.db", "sqlite:", "sqlite://", "sqlite:///", "postgresql://u@h/n", "file:///x"]
)
def test_what_names_no_file_is_refused_with_an_example(url: str) -> None:
    with pytest.raises(DatabaseError, match=r"sqlite:///astakos\.db"):
        path_of(url)


def test_a_new_database_is_closed_to_others(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        database = database_at(tmp_path / "new.db")
        with database.transaction() as connection:
            connection.execute("INSERT INTO settings (name, value) VALUES ('a', '1')")
            files = sorted(tmp_path.iterdir())
            assert [path.name for path in files] == ["new.db", "new.db-shm", "new.db-wal"]
            for path in files:
                assert stat.S_IMODE(path.stat().st_mode) == 0o600
    finally:
        os.umask(previous)


def test_opening_again_changes_nothing(world_file: Path, tmp_path: Path) -> None:
    database = copy_world(world_file, tmp_path / "a.db")
    before = all_rows(database)
    database.open()
    database.open(create=False)
    assert all_rows(database) == before
    assert ("revision", REVISION) in before["settings"]


def test_who_only_looks_makes_no_database(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/none.db")
    with pytest.raises(DatabaseError, match=r"there is no database .*none\.db"):
        database.open(create=False)
    assert list(tmp_path.iterdir()) == []


def test_a_database_of_something_else_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE birds (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(DatabaseError, match=r"other\.db is a database of something else"):
        database_at(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("revision", ["1", "3", "none"])
def test_another_revision_is_refused_by_name_and_left_as_it_is(
    world_file: Path, tmp_path: Path, revision: str
) -> None:
    database = copy_world(world_file, tmp_path / "a.db")
    if revision == "none":
        rows(database, "DELETE FROM settings WHERE name = 'revision'")
    else:
        rows(database, "UPDATE settings SET value = ? WHERE name = 'revision'", revision)
    before = all_rows(database)
    with pytest.raises(DatabaseError, match=rf"revision {revision} .*revision {REVISION};"):
        database.open()
    assert all_rows(database) == before


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is a text " * 500)
    with pytest.raises(DatabaseError, match=r"text\.db can not be used as a database"):
        database_at(path)
    assert path.read_text() == "this is a text " * 500


def test_where_no_file_can_be_made_the_reason_is_given(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"No such file or directory"):
        database_at(tmp_path / "no" / "folder" / "a.db")
    with pytest.raises(DatabaseError, match=r"can not be used as a database"):
        database_at(tmp_path)


def test_a_transaction_that_fails_is_undone(database: Database) -> None:
    before = all_rows(database)

    def fail() -> None:
        with database.transaction() as connection:
            connection.execute("DELETE FROM holdings")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert all_rows(database) == before


def test_readers_see_what_was_committed_last(database: Database) -> None:
    reader = database.reader()
    assert database.reader() is reader
    count = "SELECT count(*) FROM groups"
    assert reader.execute(count).fetchone() == (3,)
    with database.transaction() as connection:
        connection.execute("INSERT INTO groups (name) VALUES ('more')")
        assert reader.execute(count).fetchone() == (3,)
    assert reader.execute(count).fetchone() == (4,)


def test_a_snapshot_stays_as_it_was(database: Database) -> None:
    count = "SELECT count(*) FROM groups"
    with database.snapshot() as snapshot:
        assert snapshot.execute(count).fetchone() == (3,)
        rows(database, "INSERT INTO groups (name) VALUES ('more')")
        assert snapshot.execute(count).fetchone() == (3,)
    assert database.reader().execute(count).fetchone() == (4,)


def test_a_reader_can_not_write(database: Database) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        database.reader().execute("DELETE FROM holdings")


def test_a_database_that_stays_locked_is_unavailable(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database_module, "BUSY_SECONDS", 0.05)
    with database.transaction():  # noqa: SIM117 - one lock, then another that is not to be had
        with pytest.raises(StorageUnavailableError, match="locked"), database.transaction():
            raise AssertionError("two have the lock")


def test_the_storage_itself_refuses_figures_that_can_not_be(database: Database) -> None:
    for figures in ("usage_min = -1", "usage_min = 5, usage_max = 4"):
        with pytest.raises(sqlite3.IntegrityError, match="CHECK"):
            rows(database, f"UPDATE holdings SET {figures}")
    with pytest.raises(sqlite3.IntegrityError, match="cannot store"):
        rows(database, 'UPDATE holdings SET "limit" = ?', "many")


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    for number in range(20):
        databases = [Database(f"sqlite:///{tmp_path / f'{number}.db'}") for _ in range(6)]
        with ThreadPoolExecutor(len(databases)) as threads:
            list(threads.map(Database.open, databases))
        mode = rows(databases[0], "PRAGMA journal_mode")
        assert mode == [("wal",)]
