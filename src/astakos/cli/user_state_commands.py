"""`astakos user accept`, `reject`, `activate`, `deactivate` and `sessions`: who may use the service now."""

from collections.abc import Callable

import click

from astakos import clock
from astakos.administration.accounts import find_user
from astakos.administration.login_sessions import end_session, end_sessions
from astakos.administration.moderation import accept_user, reject_user
from astakos.administration.reasons import require_reason
from astakos.administration.user_registration import activate_user, deactivate_user
from astakos.cli.acting import reason_option
from astakos.cli.options import database_option, open_database
from astakos.cli.output import print_rows, table_options
from astakos.cli.shown_values import moment
from astakos.cli.whole_numbers import ROW_NUMBER
from astakos.directory.entities import User
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Connection
from astakos.storage.tables import sessions


def _change(url: str, name: str, change: Callable[[Connection, User, int], object]) -> str:
    """Changes the user with a name; returns their address."""
    now = clock.now()

    def carry_out(connection: Connection) -> str:
        user = find_user(connection, name)
        change(connection, user, now)
        return user.email

    return open_database(url).change(carry_out)


@click.command()
@click.argument("name")
@database_option
def accept(name: str, database_url: str) -> None:
    """Accept the user NAME, who waits for that or was rejected.

    They become active, and get a project of their own with the default limits.
    """
    email = _change(
        database_url, name, lambda connection, user, now: accept_user(connection, OPERATOR, user, now)
    )
    click.echo(f"Accepted {email}. For a link with which they set a password, run `astakos user invite`.")


@click.command()
@click.argument("name")
@reason_option
@database_option
def reject(name: str, reason: str, database_url: str) -> None:
    """Reject the user NAME, who waits for being accepted.

    They cannot use the service. You can still accept them later.
    """
    email = _change(
        database_url, name, lambda connection, user, now: reject_user(connection, OPERATOR, user, reason, now)
    )
    click.echo(f"Rejected {email}.")


@click.command()
@click.argument("name")
@database_option
def activate(name: str, database_url: str) -> None:
    """Activate the user NAME again.

    What the deactivation suspended is restored: their projects and memberships, unless somebody has decided
    about them since. Tokens, sessions and keys that it ended do not come back.
    """
    email = _change(
        database_url, name, lambda connection, user, now: activate_user(connection, OPERATOR, user, now)
    )
    click.echo(f"Activated {email}. For a new token, run `astakos user token`.")


@click.command()
@click.argument("name")
@reason_option
@database_option
def deactivate(name: str, reason: str, database_url: str) -> None:
    """Deactivate the user NAME.

    All their tokens, sessions and keys end at once. The active projects that they own and their memberships
    are suspended until you activate them again. What they use stays counted.
    """
    require_reason(reason)
    email = _change(
        database_url,
        name,
        lambda connection, user, now: deactivate_user(connection, OPERATOR, user, reason, now),
    )
    click.echo(f"Deactivated {email}. To undo this, run `astakos user activate`.")


@click.command("sessions")
@click.argument("name")
@click.option(
    "--end", "ended", type=ROW_NUMBER, multiple=True, help="End the session with this ID. Repeatable."
)
@click.option("--end-all", is_flag=True, help="End all sessions.")
@database_option
@table_options
def sessions_(
    name: str, ended: tuple[int, ...], end_all: bool, database_url: str, as_json: bool, wide: bool
) -> None:
    """List the logins in browsers of the user NAME, or end some.

    A session that ends takes the OAuth2 tokens with it that were issued in it. The user's own token and keys
    stay valid: see `astakos user token` and `key revoke`.
    """
    database, now = open_database(database_url), clock.now()
    if ended or end_all:

        def end(connection: Connection, user: User, now: int) -> None:
            for identifier in dict.fromkeys(ended):
                end_session(connection, OPERATOR, user, identifier, now)
            if end_all:
                end_sessions(connection, OPERATOR, user, now)

        _change(database_url, name, end)
    user = find_user(database.reader(), name)
    rows = [
        {
            "id": one.id,
            "created": moment(one.created),
            "last_used": moment(one.last_used),
            "expires": moment(one.expires),
            "origin": one.origin,
            "agent": one.agent,
        }
        for one in sessions.list_of_user(database.reader(), user.id, now)
    ]
    columns = ("id", "created", "last_used", "expires", "origin", "agent")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=("agent", "expires"))
