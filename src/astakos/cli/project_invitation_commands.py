"""`astakos project invite`, `invitations` and `revoke-invitation`."""

import os

import click

from astakos import clock
from astakos.administration import invitations as changes
from astakos.administration.named_projects import find_project
from astakos.cli.acting import acting_option, actor_named, reason_option
from astakos.cli.options import database_option, open_database
from astakos.cli.output import json_option, print_facts, print_rows, table_options
from astakos.cli.shown_values import moment
from astakos.clock import DAY
from astakos.directory.tokens import new_token
from astakos.events.event import OPERATOR
from astakos.projects.invitations import MOST_DAYS, MOST_USES, USUAL_DAYS
from astakos.storage.protocol import Connection
from astakos.storage.tables import users


@click.command()
@click.argument("project")
@click.option(
    "--uses",
    type=click.IntRange(1, MOST_USES),
    default=1,
    show_default=True,
    help="How many users can join with it.",
)
@click.option(
    "--days",
    type=click.IntRange(1, MOST_DAYS),
    default=USUAL_DAYS,
    show_default=True,
    help="For how long it is valid.",
)
@acting_option
@database_option
@json_option
def invite(project: str, uses: int, days: int, acting: str | None, database_url: str, as_json: bool) -> None:
    """Invite users to PROJECT, whatever its join policy is.

    The code of the invitation is shown only now. Whoever has it can join, at `/ui/join` below the base URL.
    """
    secret = new_token(os.urandom)

    def change(connection: Connection) -> dict[str, object]:
        actor, known, now = actor_named(connection, acting), find_project(connection, project), clock.now()
        made = changes.invite(connection, actor, known.uuid, uses, now + days * DAY, secret, now)
        return {
            "invitation": made.code,
            "id": made.invitation.id,
            "project": known.name,
            "uses": uses,
            "expires": moment(made.invitation.expires),
        }

    print_facts(open_database(database_url).change(change), as_json=as_json)


@click.command("invitations")
@click.argument("project")
@database_option
@table_options
def list_(project: str, database_url: str, as_json: bool, wide: bool) -> None:
    """List the invitations to PROJECT, without their codes."""
    reader, now = open_database(database_url).reader(), clock.now()
    found = changes.list_invitations(reader, OPERATOR, find_project(reader, project).uuid)
    rows = [
        {
            "id": one.id,
            "state": one.state(now).value,
            "uses": one.uses,
            "max_uses": one.max_uses,
            "created": moment(one.created),
            "expires": moment(one.expires),
            "creator": _email(reader, one.creator),
        }
        for one in found
    ]
    columns = ("id", "state", "uses", "max_uses", "created", "expires", "creator")
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=("created", "creator"))


@click.command("revoke-invitation")
@click.argument("number", metavar="ID", type=click.IntRange(1, 2**63 - 1))
@acting_option
@reason_option
@database_option
def revoke(number: int, acting: str | None, reason: str, database_url: str) -> None:
    """Revoke the invitation with this ID.

    `invitations` lists the IDs. Who has joined stays a member.
    """

    def change(connection: Connection) -> None:
        changes.revoke(connection, actor_named(connection, acting), number, clock.now(), reason=reason)

    open_database(database_url).change(change)
    click.echo(f"Revoked invitation {number}.")


def _email(reader: Connection, uuid: str | None) -> str | None:
    user = uuid and users.find_by_uuid(reader, uuid)
    return user.email if user else uuid
