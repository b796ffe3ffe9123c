"""A database file of which a page is damaged."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from astakos.service.readiness import LEDGER_STOPPED
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.caller import ACCOUNT, Caller
from service.command import astakos, refused, serving_from_the_start
from service.installation import rows
from service.world import ALICE, COMPUTE_TOKEN, member_key

U = member_key(ALICE)
REMEDY = "stop the service and restore a backup"
PATIENCE_SECONDS = 20


def damage(database: SQLiteDatabase, table: str) -> None:
    """Overwrites the first page of a table with zeros, as a failing disk does."""
    with contextlib.closing(database.connect()) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        # Readers read pages again from the file when somebody has committed.
        connection.execute("INSERT INTO settings (name, value) VALUES ('damaged', '1')")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with database.path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(bytes(size))


def users_quota(caller: Caller) -> int:
    return caller.get(f"{ACCOUNT}/quotas", ALICE.token).status


def issue(caller: Caller) -> int:
    return caller.issue(COMPUTE_TOKEN, (U, 1)).status


@pytest.mark.parametrize(("table", "call"), [("holdings", issue), ("users", users_quota)])
def test_who_meets_a_damaged_page_stops_the_ledger(
    database: SQLiteDatabase, table: str, call: Callable[[Caller], int]
) -> None:
    with serving_from_the_start(database, "--workers", "2") as served:
        damage(database, table)
        assert call(served.caller) == 503
        # The ledger hears of it from the process that has met the page.
        deadline = time.monotonic() + PATIENCE_SECONDS
        while (ready := served.caller.get("/readyz")).status == 200:
            assert time.monotonic() < deadline
        assert (ready.status, ready.document["missing"]) == (503, [LEDGER_STOPPED])
        assert issue(served.caller) == 503
        done = served.end()
    (line,) = done.errors.splitlines()
    assert "the database file is damaged" in line
    assert REMEDY in line


def test_a_command_that_meets_a_damaged_page_says_so_in_one_line(database: SQLiteDatabase) -> None:
    damage(database, "users")
    for command in (["user", "list"], ["dump"], ["user", "add", "new@example.org"]):
        line = refused(database, *command)
        assert "the database file is damaged" in line
        assert REMEDY in line


@pytest.mark.parametrize(
    ("table", "works"),
    [
        ("resolved_commissions", "use what still works: `astakos dump`"),
        ("users", "nothing can be exported"),
        ("sessions_by_expiry", "use what still works: `astakos dump`, `astakos dump --archive`"),
    ],
)
def test_a_backup_that_cannot_be_made_says_what_still_works(
    database: SQLiteDatabase, tmp_path: Path, table: str, works: str
) -> None:
    damage(database, table)
    line = refused(database, "backup", str(tmp_path / "copy.db"))
    assert "is damaged, so no backup was made" in line
    assert line.endswith(works)
    assert not (tmp_path / "copy.db").exists()
    succeeding = {("dump",): "`astakos dump`", ("dump", "--archive"): "`astakos dump --archive`"}
    for command, told in succeeding.items():
        assert (astakos(database, *command, str(tmp_path / command[-1])).status == 0) == (told in works)


def test_a_text_that_is_not_utf_8_is_damage(database: SQLiteDatabase) -> None:
    rows(database, "UPDATE users SET first_name = CAST(x'ff' AS TEXT)")
    assert "the database file is damaged (a text is not UTF-8)" in refused(database, "user", "list")
