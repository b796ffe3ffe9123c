"""Backups that are made while clients work, and the service that is restored from them."""

import contextlib
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tools.postgres_server import client_program

from astakos import clock
from astakos.administration.component_registration import register_own_services
from astakos.storage.protocol import Database
from astakos.storage.sqlite import sqlite_backup
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.caller import ACCOUNT, COMMISSIONS
from service.command import Ended, astakos, ended, refused, serving
from service.installation import all_rows, opened, rows, set_limits
from service.load import CHARGED, Load, under_load
from service.stored import stored_commissions
from service.world import ALICE, BASE_URL, COMPUTE_TOKEN, member_key
from simulation.invariants import check_sums

U = member_key(ALICE)


def pg(program: str, *arguments: str) -> None:
    """Runs one of PostgreSQL's programs as docs/backup.md shows it."""
    done = subprocess.run(
        [client_program(program), *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@contextlib.contextmanager
def loaded_service(database: Database) -> Iterator[Load]:
    """A service whose clients have been at work for a while and go on."""
    with database.transaction() as connection:
        set_limits(connection, [(key, 10**9) for key in CHARGED])
    with serving(database) as served:
        with under_load(served.caller) as load:
            load.wait_for_more(60)
            yield load
        assert served.end() == Ended(0, "", "")


def check_restored(restored: Database, issued: set[int], resolved: set[int]) -> None:
    """All that was acknowledged before is there, it all adds up, and a service goes on from there."""
    with contextlib.closing(restored.connect()) as connection:
        stored = stored_commissions(connection)
        check_sums(connection)
    assert issued <= set(stored)
    assert resolved <= {serial for serial, commission in stored.items() if commission.verdict is not None}
    with serving(restored) as served:
        assert served.caller.get(f"{ACCOUNT}/quotas", ALICE.token).status == 200
        pending = {serial for serial, commission in stored.items() if commission.verdict is None}
        assert set(served.caller.get(COMMISSIONS, COMPUTE_TOKEN).document) == pending
        assert served.caller.issued(COMPUTE_TOKEN, (U, 1)) not in stored
        for serial in pending:
            assert served.caller.act(COMPUTE_TOKEN, serial, "reject") == 200
        assert served.end() == Ended(0, "", "")


def test_what_was_acknowledged_before_a_backup_is_in_it_and_the_service_goes_on_meanwhile(
    database: SQLiteDatabase, tmp_path: Path
) -> None:
    folder = tmp_path / "backups"
    folder.mkdir()
    copies = [folder / f"{number}.db" for number in range(3)]
    known: list[tuple[set[int], set[int]]] = []
    with loaded_service(database) as load:
        for copy in copies:
            known.append((set(load.issued), set(load.resolved)))
            done = ended(database, "backup", str(copy))
            assert done == Ended(0, f"Copied {database.name} to {copy}.\n", "")
            load.wait_for_more(20)
    assert sorted(folder.iterdir()) == copies, "each is one file"
    for copy, (issued, resolved) in zip(copies, known, strict=True):
        assert copy.stat().st_mode & 0o777 == 0o600
        # As docs/backup.md has it: into the place of the database, nothing of which is left.
        for name in ("astakos.db", "astakos.db-wal", "astakos.db-shm"):
            tmp_path.joinpath(name).unlink(missing_ok=True)
        copy.rename(database.path)
        check_restored(opened(database), issued, resolved)


@pytest.mark.postgresql
def test_so_it_is_with_the_programs_of_postgresql(database: Database, new: Database, tmp_path: Path) -> None:
    dump = str(tmp_path / "astakos.dump")
    with loaded_service(database) as load:
        issued, resolved = set(load.issued), set(load.resolved)
        pg("pg_dump", "--format=custom", f"--file={dump}", database.url)
        load.wait_for_more(20)
    pg("pg_restore", "--no-owner", "--single-transaction", f"--dbname={new.url}", dump)
    check_restored(opened(new), issued, resolved)


def test_a_copy_is_the_same_in_everything(database: SQLiteDatabase, tmp_path: Path) -> None:
    register_own_services(database, BASE_URL, clock.now())
    copy = tmp_path / "copy.db"
    assert astakos(database, "backup", str(copy)).status == 0
    restored = SQLiteDatabase(f"sqlite:///{copy}")
    assert all_rows(restored) == all_rows(database)


def test_nothing_is_ever_overwritten(database: SQLiteDatabase, tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("precious")
    assert refused(database, "backup", str(there)) == f"{there} already exists; name another file"
    assert there.read_text() == "precious"
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "elsewhere")
    assert "already" in refused(database, "backup", str(link))
    unfinished = tmp_path / "new.partial"
    unfinished.write_text("precious")
    assert str(unfinished) in refused(database, "backup", str(tmp_path / "new"))
    assert unfinished.read_text() == "precious"
    assert not (tmp_path / "new").exists()


def test_where_nothing_can_be_written_nothing_is_left(database: SQLiteDatabase, tmp_path: Path) -> None:
    file = tmp_path / "none" / "copy.db"
    reason = refused(database, "backup", str(file))
    assert reason == (
        f"{file} cannot be written: No such file or directory ({file}.partial); "
        "name a file in a folder that can be written"
    )
    before = set(tmp_path.iterdir())
    broken = tmp_path / "broken.db"
    content = bytearray(database.path.read_bytes())
    database.close()
    # The first page is as it was, so that it opens; then comes what no database holds.
    content[3 * 4096 : 12 * 4096] = b"\xff" * (9 * 4096)
    broken.write_bytes(content)
    assert str(broken) in refused(f"sqlite:///{broken}", "backup", str(tmp_path / "copy.db"))
    assert {path.name for path in set(tmp_path.iterdir()) - before} <= {
        "broken.db",
        "broken.db-wal",
        "broken.db-shm",
    }


@pytest.mark.parametrize("revision", ["0033", "9999"])
def test_before_a_migration_the_database_of_another_version_is_copied(
    database: SQLiteDatabase, tmp_path: Path, revision: str
) -> None:
    rows(database, "UPDATE alembic_version SET version_num = ?", revision)
    assert revision in refused(database, "user", "list")
    copy = tmp_path / "copy.db"
    assert astakos(database, "backup", str(copy)).status == 0
    assert rows(SQLiteDatabase(f"sqlite:///{copy}"), "SELECT version_num FROM alembic_version") == [
        (revision,)
    ]


def test_the_database_of_another_program_is_not_copied(tmp_path: Path) -> None:
    other = tmp_path / "other.db"
    with contextlib.closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE something (x)")
    reason = refused(f"sqlite:///{other}", "backup", str(tmp_path / "copy.db"))
    assert reason == f"{other} is not an Astakos database; name another one"
    assert not (tmp_path / "copy.db").exists()


def test_a_full_disk_is_that_of_the_copy(
    database: SQLiteDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(sqlite_backup, "_copy", full)
    copy = tmp_path / "copy.db"
    assert refused(database, "backup", str(copy)).startswith(f"{copy} cannot be written: No space left")
    assert not list(tmp_path.glob("copy.db*"))


@pytest.mark.postgresql
def test_for_a_server_the_right_program_is_named(database: Database, tmp_path: Path) -> None:
    reason = refused(database, "backup", str(tmp_path / "copy"))
    assert reason.startswith(f"{database.name} is not an SQLite file; back it up with pg_dump")
