"""`astakos user admins`, `grant-admin` and `revoke-admin`: who administers this installation."""

import click

from astakos import clock
from astakos.administration.accounts import find_user
from astakos.administration.administrators import grant_admin, list_administrators, revoke_admin
from astakos.cli.options import database_option, open_database
from astakos.cli.output import print_rows, table_options
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Connection


@click.command()
@database_option
@table_options
def admins(database_url: str, as_json: bool, wide: bool) -> None:
    """List the administrators."""
    found = list_administrators(open_database(database_url).reader())
    rows = [{"email": user.email, "uuid": user.uuid, "is_active": user.is_active} for user in found]
    print_rows(rows, ("email", "uuid", "is_active"), as_json=as_json, wide=wide)


@click.command()
@click.argument("name")
@database_option
def grant(name: str, database_url: str) -> None:
    """Make the user NAME an administrator.

    Puts the user into the group that the setting `administrators` names. The first time, creates the group
    `administrators` and names it in the setting. Administrators decide about all projects, too.
    """

    def change(connection: Connection) -> str:
        user = find_user(connection, name)
        grant_admin(connection, OPERATOR, user, clock.now())
        return user.email

    click.echo(f"{open_database(database_url).change(change)} is an administrator.")


@click.command()
@click.argument("name")
@database_option
def revoke(name: str, database_url: str) -> None:
    """Make the user NAME an administrator no longer.

    Takes the user out of the group that the setting `administrators` names. If `project admins` lists them
    as well, they still decide about projects.
    """

    def change(connection: Connection) -> tuple[str, int]:
        user = find_user(connection, name)
        revoke_admin(connection, OPERATOR, user, clock.now())
        return user.email, len(list_administrators(connection))

    email, remaining = open_database(database_url).change(change)
    click.echo(f"{email} is no longer an administrator. Administrators left: {remaining}.")
