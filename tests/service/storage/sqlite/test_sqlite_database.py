"""What is particular to SQLite."""

import os
import stat
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.errors import DatabaseError
from astakos.storage.sqlite import sqlite_database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase, path_of
from service.installation import database_at, rows
from simulation.faulty_storage import Fault, FaultyDatabase


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


@pytest.mark.parametrize("url", ["sqlite://astakos.db", "sqlite://var/lib/astakos.db", "sqlite://./a.db"])
def test_a_file_in_the_place_of_a_host_is_refused(url: str) -> None:
    with pytest.raises(DatabaseError, match=r"two slashes.*sqlite:///astakos\.db.*sqlite:////var/lib/"):
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


def test_a_file_that_is_no_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "text.db"
    path.write_text("this is a text " * 500)
    with pytest.raises(DatabaseError, match=r"text\.db cannot be used as a database"):
        database_at(path)
    assert path.read_text() == "this is a text " * 500


def test_where_no_file_can_be_made_the_reason_is_given(tmp_path: Path) -> None:
    with pytest.raises(DatabaseError, match=r"there is no folder"):
        database_at(tmp_path / "no" / "folder" / "a.db")
    with pytest.raises(DatabaseError, match=r"cannot be used as a database"):
        database_at(tmp_path)


@pytest.mark.parametrize("create", [True, False])
def test_what_is_no_ordinary_file_is_named(tmp_path: Path, create: bool) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, kind in (
        (tmp_path, "a folder"),
        (tmp_path / "pipe", "a named pipe"),
        (Path("/dev/null"), "a device"),
    ):
        with pytest.raises(DatabaseError, match=f"it is {kind}, not an ordinary file"):
            SQLiteDatabase(f"sqlite:///{path}").open(create=create)


def test_a_database_that_stays_locked_is_unavailable(
    database: SQLiteDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "BUSY_SECONDS", 0.05)
    with database.transaction():  # noqa: SIM117 - one lock, then another that is not to be had
        with pytest.raises(StorageUnavailableError, match="locked"), database.transaction():
            raise AssertionError("two have the lock")


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    for number in range(20):
        databases = [SQLiteDatabase(f"sqlite:///{tmp_path / f'{number}.db'}") for _ in range(6)]
        with ThreadPoolExecutor(len(databases)) as threads:
            list(threads.map(SQLiteDatabase.open, databases))
        mode = rows(databases[0], "PRAGMA journal_mode")
        assert mode == [("wal",)]


def _asked_of_a_reader(database: SQLiteDatabase) -> object:
    return database.reader().execute("PRAGMA query_only").fetchone()


def _asked_of_a_read(database: SQLiteDatabase) -> object:
    return database.read(lambda connection: connection.execute("PRAGMA query_only").fetchone())


@pytest.mark.parametrize("ask", [_asked_of_a_reader, _asked_of_a_read])
def test_what_could_not_be_made_read_only_is_closed_and_the_next_reader_is(
    ask: Callable[[SQLiteDatabase], object], tmp_path: Path
) -> None:
    path = tmp_path / "astakos.db"
    database_at(path).close()
    database = FaultyDatabase(path)
    # Connecting has three statements.
    database.schedule.arm(Fault.IO, 3, tmp_path / "image.db")
    with pytest.raises(StorageUnavailableError):
        ask(database)
    assert database.schedule.fired == "PRAGMA query_only = ON"
    assert ask(database) == (1,)
    database.close()
