"""The command as a whole."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from astakos.cli import COMMANDS, main
from astakos.storage.protocol import Database
from astakos.storage.sqlite import sqlite_database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.command import astakos, created, ended, ended_from_the_start, refused
from service.installation import locked
from service.world import ALICE, VM


def test_help_names_every_command_and_the_first_steps() -> None:
    for option in ("-h", "--help"):
        helped = astakos("", option)
        assert helped.status == 0
        for name in (*COMMANDS, "astakos demo", "astakos serve"):
            assert name in helped.output


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    helped = astakos("", name, "--help")
    assert helped.status == 0
    assert helped.output.startswith("Usage: ")


def test_it_says_its_version(database: Database) -> None:
    done = ended(database, "--version")
    assert (done.status, done.errors) == (0, "")
    assert done.output.startswith("astakos, version ")
    assert done == ended_from_the_start(database, "--version")


def every_command(group: click.Group, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from every_command(command, (*path, name))
        else:
            yield " ".join((*path, name)), command


def test_the_help_of_each_command_names_all_its_environment_variables() -> None:
    named = set()
    for name, command in every_command(main):
        for option in command.params:
            if option.envvar is not None:
                named.add(option.envvar)
                helped = " ".join(astakos("", *name.split(), "--help").output.split())
                assert f"[env var: {option.envvar}" in helped, name
    assert {"ASTAKOS_DATABASE", "ASTAKOS_BASE_URL", "ASTAKOS_LIMITS", "ASTAKOS_URL", "ASTAKOS_TOKEN"} <= named


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_commands(shell: str, database: Database) -> None:
    script = ended(database, _ASTAKOS_COMPLETE=f"{shell}_source")
    assert script.status == 0
    assert "_ASTAKOS_COMPLETE" in script.output


def test_what_the_shell_completes(database: Database) -> None:
    words = {"_ASTAKOS_COMPLETE": "bash_complete", "COMP_WORDS": "astakos quota ", "COMP_CWORD": "2"}
    assert ended(database, **words).output.split() == [
        "plain,list",
        "plain,mine",
        "plain,periods",
        "plain,refusals",
        "plain,set",
        "plain,show",
    ]


def test_python_m_astakos_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "astakos", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("astakos, version ")


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["user", "nonsense"], ["user", "show"], ["--nonsense"], ["load"]]
)
def test_a_wrong_use_ends_with_2_and_the_usage(database: Database, arguments: list[str]) -> None:
    done = ended(database, *arguments)
    assert (done.status, done.output) == (2, "")
    assert done.errors.startswith("Usage: ")
    assert "Traceback" not in done.errors


def test_a_command_with_a_similar_name_is_proposed(database: Database) -> None:
    assert "serve" in astakos(database, "serv").errors.partition("No such command 'serv'.")[2]
    assert "invite" in astakos(database, "user", "invit").errors.partition("No such command 'invit'.")[2]


@pytest.mark.parametrize("arguments", [["serve", "--port", "0"], ["user", "list"]])
def test_a_folder_that_does_not_exist_is_told(tmp_path: Path, arguments: list[str]) -> None:
    missing = tmp_path / "missing"
    done = ended(SQLiteDatabase(f"sqlite:///{missing}/astakos.db"), *arguments)
    assert (done.status, done.output) == (1, "")
    assert f"there is no folder {missing}; create it" in done.errors


def test_an_empty_database_leads_to_what_creates_it(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/astakos.db"
    assert "astakos migrate --create" in refused(url, "migrate", "--check")
    assert "astakos migrate --create" in astakos(url, "doctor").output


@pytest.mark.parametrize(
    "arguments",
    [
        ["user", "add", "ada@example.org"],
        ["user", "list"],
        ["user", "show", "x"],
        ["user", "token", "x"],
        ["component", "add", "compute"],
        ["component", "list"],
        ["component", "token", "x"],
        ["resource", "list"],
        ["resource", "set", "compute.vm", "--service", "compute"],
        ["quota", "show", "x"],
        ["quota", "set", "x", "y", "1"],
        ["commission", "list"],
        ["commission", "show", "1"],
        ["commission", "accept", "1"],
        ["commission", "reject", "1"],
        ["dump"],
    ],
)
def test_only_serve_and_load_make_a_database(tmp_path: Path, arguments: list[str]) -> None:
    line = refused(f"sqlite:///{tmp_path}/none.db", *arguments)
    assert line.startswith("there is no database")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.every_engine
def test_loading_a_document_says_that_it_made_a_database(new: Database) -> None:
    done = astakos(new, "load", "-", stdin="{}")
    assert (done.status, done.errors) == (0, created(new))
    again = astakos(new, "load", "-", stdin="{}")
    assert (again.status, again.errors) == (0, "")


@pytest.mark.parametrize("command", ["backup", "dump", "load"])
def test_an_empty_file_name_is_called_that(command: str, database: Database) -> None:
    done = astakos(database, command, "")
    assert (done.status, done.output) == (2, "")
    assert done.errors.endswith("the file name is empty\n")


def test_a_database_that_stays_locked_is_one_line(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "BUSY_SECONDS", 0.05)
    with locked(database):
        line = refused(database, "quota", "set", ALICE.email, VM, "5")
    assert line.startswith(f"{database.name}: ")
    assert "locked" in line


@pytest.mark.parametrize("command", ["quota set", "user password", "component token"])
def test_a_file_that_is_read_only_is_named(
    command: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(database, SQLiteDatabase)
    # Permissions do not stop the superuser, who runs the tests in containers.
    monkeypatch.setattr(sqlite_database, "_existing", lambda path: f"file:{path}?mode=ro")
    arguments = {
        "quota set": [ALICE.email, VM, "5"],
        "user password": [ALICE.email],
        "component token": ["compute"],
    }[command]
    line = refused(database, *command.split(), *arguments, stdin="correct horse\n")
    assert line == (
        f"{database.name}: the database cannot be written: attempt to write a readonly database; "
        "this user must be able to write to the file and its folder, and to -wal and -shm if they are there"
    )
    assert astakos(database, "user", "list").status == 0


def test_an_empty_file_that_is_read_only_is_refused_with_a_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_database, "_existing", lambda path: f"file:{path}?mode=ro")
    (tmp_path / "new.db").touch()
    line = refused(f"sqlite:///{tmp_path}/new.db", "load", "-", stdin='{"base_url": "http://a.example"}')
    assert f"{tmp_path}/new.db cannot be used as a database" in line
    assert "this user must be able to write to the file and its folder" in line


def test_a_folder_that_cannot_be_written_is_refused_with_a_remedy() -> None:
    # Nobody can make a file there, not even the superuser.
    line = refused("sqlite:////sys/new.db", "load", "-", stdin='{"base_url": "http://a.example"}')
    assert line == (
        "/sys/new.db cannot be opened: Permission denied; "
        "this user must be able to write to the file and its folder, and to -wal and -shm if they are there"
    )


def test_an_error_in_a_process_of_its_own_is_one_line(database: Database) -> None:
    done = ended(database, "user", "show", "nobody")
    assert (done.status, done.output, done.errors) == (
        1,
        "",
        "Error: there is no user 'nobody'; name one by UUID or whole email address\n",
    )


def test_tables_are_whole_where_there_is_no_terminal(database: Database) -> None:
    done = ended(database, "user", "list", COLUMNS="20")
    assert done.status == 0
    assert ALICE.uuid in done.output
    assert "\x1b" not in done.output


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("user", {"alembic", "psycopg", "sqlalchemy", "uvicorn", "rich", "aiohttp"}),
        # Its workers answer HTTP; the main process does not.
        ("serve", {"astakos.http.application", "astakos.http.routes", "jinja2", "psycopg", "sqlalchemy"}),
    ],
)
def test_a_command_imports_only_what_it_needs(name: str, others: set[str]) -> None:
    """So that all commands start quickly."""
    program = f"""
import sys
from astakos.cli import main
main.get_command(None, {name!r})
print(*sorted({others!r} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []
