"""In whose name a command changes a project, and why."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from astakos.administration.accounts import find_user
from astakos.administration.administrators import decides_about_projects
from astakos.administration.state_document import StateError
from astakos.events.event import OPERATOR, Actor
from astakos.storage.protocol import Connection

F = TypeVar("F", bound=Callable[..., Any])


def acting_option(function: F) -> F:
    """Adds `--as USER`."""
    return click.option(
        "--as",
        "acting",
        metavar="USER",
        help="Act in the name and with the rights of this user (an email address or uuid).  "
        "[default: an operator, who has the rights of a project administrator]",
    )(function)


def reason_option(function: F) -> F:
    """Adds `--reason TEXT`."""
    return click.option("--reason", default="", help="Why, for the audit log and for those concerned.")(
        function
    )


def actor_named(connection: Connection, acting: str | None) -> Actor:
    """Returns the actor that `--as` names.

    Raises:
        StateError: there is no such user, or they are not active, and so can do nothing.
    """
    if acting is None:
        return OPERATOR
    user = find_user(connection, acting)
    if not user.is_active:
        raise StateError(f"{user.email} is not active, and so can do nothing")
    return Actor(user.uuid, OPERATOR.origin, decides_about_projects(connection, user))
