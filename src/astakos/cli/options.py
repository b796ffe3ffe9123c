"""Options that several commands share."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import click

from astakos.administration.state_document import StateError
from astakos.ledger.ports import OutcomeUnknownError
from astakos.storage.errors import DEFAULT_URL
from astakos.storage.opening import database_of
from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase

F = TypeVar("F", bound=Callable[..., Any])

DATABASE_NAME = "astakos.cli.options.database_name"
"""Where the context of a command has the name of its database."""


def database_option(function: F) -> F:
    """Adds `--database URL`."""
    return click.option(
        "--database",
        "database_url",
        metavar="URL",
        envvar="ASTAKOS_DATABASE",
        default=DEFAULT_URL,
        show_default=True,
        show_envvar=True,
        help="The database: sqlite:///FILE or postgresql://USER@HOST/NAME. Every user of this machine can "
        "read a password on the command line (with `ps`): use the variable, PGPASSFILE, or PGPASSWORD.",
    )(function)


def _say(message: str) -> None:
    click.echo(message, err=True)


def open_database(url: str, *, create: bool = False, say: Callable[[str], None] = _say) -> Database:
    """Opens a database until the command ends. Says where if this creates it: it may be the wrong place."""
    database = _database(url)
    if database.open(create=create):
        say(_created(database))
    click.get_current_context().call_on_close(database.close)
    return database


def open_file_to_copy(url: str) -> SQLiteDatabase:
    """Opens an SQLite file until the command ends; its tables may be those of another version.

    Raises:
        StateError: the database is on a server.
    """
    database = _database(url)
    if not isinstance(database, SQLiteDatabase):
        raise StateError(f"{database.name} is not an SQLite file; back it up with pg_dump")
    database.open(create=False, any_revision=True)
    click.get_current_context().call_on_close(database.close)
    return database


@contextlib.contextmanager
def database_to_load(url: str) -> Iterator[Database]:
    """Opens a database, or creates it, and says where if it stays; a new file is removed if loading fails."""
    database = _database(url)
    had_file = not isinstance(database, SQLiteDatabase) or database.path.exists()
    is_new = database.open(create=True)
    try:
        with contextlib.closing(database):
            yield database
    except BaseException as error:
        may_contain = had_file or isinstance(error, OutcomeUnknownError)
        if is_new and (may_contain or not _remove_if_unused(database)):
            _say(_created(database))
        raise
    if is_new:
        _say(_created(database))


def _database(url: str) -> Database:
    database = database_of(url)
    click.get_current_context().meta[DATABASE_NAME] = database.name
    return database


def _created(database: Database) -> str:
    return f"Created a new database: {database.name}"


def _remove_if_unused(database: Database) -> bool:
    from astakos.storage.sqlite.new_file import remove_if_unused  # noqa: PLC0415 - slow to import

    return isinstance(database, SQLiteDatabase) and remove_if_unused(database)
