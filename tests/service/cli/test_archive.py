"""`astakos dump --archive`, and `astakos load` of what that writes."""

import os
import pty
import re
import stat
import subprocess
import time
from pathlib import Path

import pytest

from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables import feedback
from service.command import EXECUTABLE, TIMEOUT_SECONDS, Ended, astakos, created, environment, refused
from service.installation import all_rows, rows
from service.world import LOADED, SECRETS

ROWS = "Loaded {} rows.\n"


def shell(database: Database, script: str, *arguments: str) -> Ended:
    """Runs a script of the shell, in which $0 is the command and $1 and so on are the arguments."""
    done = subprocess.run(
        ["/bin/bash", "-c", script, EXECUTABLE, *arguments],
        env=environment(database),
        capture_output=True,
        text=True,
        timeout=TIMEOUT_SECONDS,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def count(database: Database) -> int:
    """How many rows an archive of a database has."""
    return sum(len(table) for name, table in all_rows(database).items() if name != "alembic_version")


@pytest.mark.every_engine
def test_an_installation_moves_through_a_pipe(database: Database, new: Database) -> None:
    piped = shell(database, '"$0" dump --archive | "$0" load - --database "$1"', new.url)
    assert (piped.status, piped.output, piped.errors) == (0, ROWS.format(count(database)), created(new))
    assert all_rows(new) == all_rows(database)


@pytest.mark.every_engine
def test_an_archive_is_written_to_a_new_file_that_is_closed_to_others(
    database: Database, new: Database, tmp_path: Path
) -> None:
    path = tmp_path / "an.archive"
    previous = os.umask(0)
    try:
        dumped = astakos(database, "dump", "--archive", str(path))
    finally:
        os.umask(previous)
    assert (dumped.status, dumped.output, dumped.errors) == (0, "", "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_text()
    assert not [secret for secret in SECRETS if secret in content]
    loaded = astakos(new, "load", str(path))
    assert (loaded.status, loaded.output, loaded.errors) == (0, ROWS.format(count(database)), created(new))
    assert all_rows(new) == all_rows(database)


def test_no_file_is_overwritten(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("kept")
    for options in (["--archive"], []):
        line = refused(database, "dump", *options, str(path))
        assert line == f"{path} already exists; name another file"
    assert path.read_text() == "kept"
    assert "none/x cannot be written: No such" in refused(database, "dump", "--archive", f"{tmp_path}/none/x")


def test_a_document_is_written_to_a_file_as_well(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    assert astakos(database, "dump", str(path)).status == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text() == astakos(database, "dump").output


def test_what_can_not_be_finished_is_not_left_behind(database: Database, tmp_path: Path) -> None:
    with database.transaction() as connection:
        feedback.save(connection, 1, LOADED, "long " * 50_000, "{}")
    path = tmp_path / "an.archive"
    full = shell(database, 'ulimit -f 200; "$0" dump --archive "$1"', str(path))
    assert (full.status, full.errors) == (1, f"Error: {path} cannot be written: File too large\n")
    assert not path.exists()
    nowhere = shell(database, '"$0" dump --archive > /dev/full')
    assert nowhere.status == 1
    assert nowhere.errors == "Error: standard output cannot be written: No space left on device\n"


def test_a_target_that_is_full_is_left_empty(database: Database, new: Database, tmp_path: Path) -> None:
    path = tmp_path / "an.archive"
    astakos(database, "dump", "--archive", str(path))
    new.open()
    before = all_rows(new)
    # What is new in the file takes more than the tables, of 4 KiB pages, do.
    full = shell(new, 'ulimit -f "$1"; "$0" load "$2"', str(new_size(new) + 8), str(path))
    assert (full.status, full.output) == (1, "")
    name = re.escape(new.name)
    assert re.match(f"Error: {name}: (the commit failed: )?the database cannot ", full.errors)
    assert full.errors.count("\n") == 1
    assert all_rows(new) == before
    assert astakos(new, "load", str(path)).status == 0
    assert all_rows(new) == all_rows(database)


def new_size(database: Database) -> int:
    """In KiB."""
    return Path(database.name).stat().st_size // 1024


def test_a_mistake_is_one_line_and_leaves_the_target_as_it_is(
    database: Database, empty: Database, tmp_path: Path
) -> None:
    path = tmp_path / "an.archive"
    astakos(database, "dump", "--archive", str(path))
    before = all_rows(empty), all_rows(database)
    assert "is already in use" in refused(database, "load", str(path))
    path.write_bytes(path.read_bytes()[:-100])
    assert refused(empty, "load", str(path)) == f"{path} is truncated: its end is missing"
    assert (
        refused(empty, "load", "-", stdin=path.read_text())
        == "standard input is truncated: its end is missing"
    )
    assert (all_rows(empty), all_rows(database)) == before


@pytest.mark.every_engine
def test_a_load_that_is_killed_leaves_nothing(database: Database, empty: Database) -> None:
    content = astakos(database, "dump", "--archive").output.encode()
    before = all_rows(empty)
    process = subprocess.Popen(
        [EXECUTABLE, "load", "-"], env=environment(empty), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    with process:
        assert process.stdin is not None
        process.stdin.write(content[:-200])
        process.stdin.flush()
        wait_until_it_writes(empty)
        process.kill()
    assert all_rows(empty) == before
    assert astakos(empty, "load", "-", stdin=content.decode()).status == 0
    assert all_rows(empty) == all_rows(database)


def wait_until_it_writes(database: Database) -> None:
    """Waits until somebody fills it, without being in the way of that."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not is_being_filled(database):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def is_being_filled(database: Database) -> bool:
    if isinstance(database, SQLiteDatabase):
        return database.path.with_name(f"{database.path.name}-journal").exists()
    return rows(database, "SELECT 1 FROM alembic_version FOR UPDATE SKIP LOCKED") == []


def test_an_archive_that_can_not_be_loaded_makes_no_database(
    database: Database, new: Database, tmp_path: Path
) -> None:
    content = astakos(database, "dump", "--archive").output.replace('"revision":"', '"revision":"9', 1)
    assert "use the version that wrote it" in refused(new, "load", "-", stdin=content)
    assert not Path(new.name).exists()


def test_no_file_stays_of_a_database_into_which_nothing_could_be_loaded(
    database: Database, new: Database
) -> None:
    content = astakos(database, "dump", "--archive").output
    folder = Path(new.name).parent
    before = sorted(folder.iterdir())
    assert (
        refused(new, "load", "-", stdin=content[:-100]) == "standard input is truncated: its end is missing"
    )
    assert sorted(folder.iterdir()) == before
    assert astakos(new, "load", "-", stdin=content).status == 0


@pytest.mark.parametrize("command", ["dump", "load"])
def test_on_a_terminal_a_bar_shows_how_far_it_is(
    database: Database, new: Database, tmp_path: Path, command: str
) -> None:
    path = tmp_path / "an.archive"
    arguments = ["dump", "--archive", str(path)]
    if command == "load":
        assert astakos(database, *arguments).status == 0
        arguments = ["load", str(path), "--database", new.url]
    leader, follower = pty.openpty()
    try:
        done = subprocess.run(
            [EXECUTABLE, *arguments],
            env=environment(database) | {"TERM": "xterm", "COLUMNS": "80"},
            stderr=follower,
            stdout=subprocess.PIPE,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        shown = os.read(leader, 2**16).decode()
    finally:
        os.close(leader)
        os.close(follower)
    assert done.returncode == 0
    total = count(database)
    assert f"{command.title()}ing rows" in shown
    assert f"{total}/{total}" in shown
