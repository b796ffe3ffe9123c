"""A database whose file is deleted or replaced while a service works on it."""

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from astakos.ledger.ports import StorageBrokenError
from astakos.service.readiness import LEDGER_STOPPED
from astakos.storage.errors import DatabaseError
from astakos.storage.sqlite.file_identity import log_of
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.command import refused, serving, serving_from_the_start
from service.installation import database_at
from service.world import ALICE, COMPUTE_TOKEN, member_key

U = member_key(ALICE)


def delete(path: Path) -> None:
    path.unlink()


def replace(path: Path) -> None:
    """Puts a backup in its place, as it must only be done while no service runs."""
    copy = path.with_name("backup.db")
    shutil.copyfile(path, copy)
    copy.rename(path)


def replace_all(path: Path) -> None:
    replace(path)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink()


def delete_log(path: Path) -> None:
    log_of(path).unlink()


@pytest.mark.parametrize(
    ("go_away", "event"),
    [
        (delete, "astakos.db was deleted"),
        (replace, "astakos.db was replaced"),
        (replace_all, "astakos.db was replaced"),
        (delete_log, "astakos.db-wal was "),
    ],
)
def test_nothing_is_granted_into_a_file_that_nobody_will_open_again(
    database: SQLiteDatabase, go_away: Callable[[Path], None], event: str
) -> None:
    with serving_from_the_start(database, "--workers", "2") as served:
        served.caller.issued(COMPUTE_TOKEN, (U, 1))
        go_away(database.path)
        assert served.caller.issue(COMPUTE_TOKEN, (U, 1)).status == 503
        deadline = time.monotonic() + 10
        while LEDGER_STOPPED not in (ready := served.caller.get("/readyz")).document["missing"]:
            assert time.monotonic() < deadline
        assert ready.status == 503
        assert served.caller.get("/healthz").status == 200
        done = served.end()
    assert done.status == 0
    # The process that delivers notices can tell of it, too.
    (line,) = (line for line in done.errors.splitlines() if "astakos.notices" not in line)
    assert event in line
    assert "stop the service and restore a backup" in line


def test_it_is_noticed_without_any_call(database: SQLiteDatabase) -> None:
    with serving(database) as served:
        served.caller.issued(COMPUTE_TOKEN, (U, 1))
        database.path.unlink()
        assert served.process.stderr is not None
        # The process that delivers can notice it first.
        lines = iter(served.process.stderr.readline, "")
        assert any("astakos.db was deleted" in line for line in lines)


def test_no_process_makes_a_file_in_the_place_of_a_deleted_one(database: SQLiteDatabase) -> None:
    with serving(database) as served:
        database.path.unlink()
        (first,) = served.workers()
        os.kill(first, signal.SIGKILL)
        deadline = time.monotonic() + 10
        while served.workers() in ([], [first]):
            assert time.monotonic() < deadline
        while True:
            with contextlib.suppress(OSError):
                assert served.caller.get("/readyz").status == 503
                break
            assert time.monotonic() < deadline
        assert not database.path.exists()


def test_a_new_connection_does_not_mix_two_files(database: SQLiteDatabase) -> None:
    replace(database.path)
    with pytest.raises(StorageBrokenError, match="replaced"), database.transaction():
        raise AssertionError("it was opened")


def test_a_connection_never_creates_a_file(tmp_path: Path) -> None:
    database = database_at(tmp_path / "odd ?#%41 näme.db")
    database.close()
    assert [path.name for path in tmp_path.iterdir()] == ["odd ?#%41 näme.db"]
    database.path.unlink()
    for again in (database, SQLiteDatabase(database.url)):
        with pytest.raises(Exception, match=r"was deleted|unable to open"):
            again.reader()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("go_away", [delete, lambda path: os.truncate(path, 0)], ids=["deleted", "emptied"])
def test_no_new_database_takes_the_place_of_one_whose_log_is_still_there(
    database: SQLiteDatabase, go_away: Callable[[Path], None]
) -> None:
    with contextlib.closing(database.connect()) as connection:
        connection.execute("CREATE TABLE kept (x)")
        log = log_of(database.path)
        copied = log.read_bytes()
    go_away(database.path)
    log.write_bytes(copied)
    with pytest.raises(DatabaseError, match=r"astakos\.db-wal beside it may hold acknowledged changes"):
        SQLiteDatabase(database.url).open()
    assert "astakos.db-wal beside it may hold acknowledged changes" in refused(database.url, "user", "list")
    assert log.read_bytes() == copied
    log.unlink()
    SQLiteDatabase(database.url).open()
