"""Options that several commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from astakos.storage.errors import DEFAULT_URL
from astakos.storage.opening import database_of
from astakos.storage.protocol import Database

F = TypeVar("F", bound=Callable[..., Any])


def database_option(function: F) -> F:
    """Add `--database URL`."""
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
    """Open a database until the command ends. Say where if this creates it: it may be the wrong place."""
    database = database_of(url)
    if database.open(create=create):
        say(f"Created a new database: {database.name}")
    click.get_current_context().call_on_close(database.close)
    return database
