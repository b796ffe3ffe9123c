"""Options that many commands share."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from astakos.storage.errors import DEFAULT_URL
from astakos.storage.opening import database_of
from astakos.storage.protocol import Database

F = TypeVar("F", bound=Callable[..., Any])


def database_option(function: F) -> F:
    """`--database URL`."""
    return click.option(
        "--database",
        "database_url",
        metavar="URL",
        envvar="ASTAKOS_DATABASE",
        default=DEFAULT_URL,
        show_default=True,
        show_envvar=True,
        help="The database to work on: sqlite:///FILE or postgresql://USER@HOST/NAME.",
    )(function)


def open_database(url: str, *, create: bool = False) -> Database:
    """The database of a URL, opened until the command ends; one that only looks at it does not make it."""
    database = database_of(url)
    database.open(create=create)
    click.get_current_context().call_on_close(database.close)
    return database
