"""`astakos quota show` and `astakos quota set`: users' quotas, on the database."""

import click

from astakos.administration.accounts import find_user
from astakos.administration.user_limits import set_capacity
from astakos.cli.options import database_option, open_database
from astakos.cli.output import print_rows, table_options
from astakos.cli.quantities import QUANTITY, shown
from astakos.directory.entities import User
from astakos.projects.project import Capacity
from astakos.storage.protocol import Connection
from astakos.storage.tables import quotas, registry

FIGURES = ("usage", "pending", "limit", "project_usage", "project_pending", "project_limit")
LESS_IMPORTANT = ("project_pending", "project_usage", "project_limit", "pending")


@click.command()
@click.argument("user")
@database_option
@table_options
def show(user: str, database_url: str, as_json: bool, wide: bool) -> None:
    """Show the limits and usage of USER (an email address or uuid), for each project."""
    reader = open_database(database_url).reader()
    known = find_user(reader, user)
    resources = {resource.name for resource in registry.list_resources(reader)}
    rows = []
    for found in quotas.service_quotas(reader, resources, [known.uuid], None):
        member, project = found.member_level, found.project_level
        limits = (member.limit, project.limit)
        rows.append(
            {
                "project": found.project,
                "resource": found.resource,
                "usage": member.usage_max,
                "pending": member.pending,
                "limit": limits[0] if as_json else shown(limits[0]),
                "project_usage": project.usage_max,
                "project_pending": project.pending,
                "project_limit": limits[1] if as_json else shown(limits[1]),
            }
        )
    columns = ("project", "resource", *FIGURES)
    print_rows(rows, columns, as_json=as_json, wide=wide, droppable=LESS_IMPORTANT)


@click.command("set")
@click.argument("user")
@click.argument("resource")
@click.argument("limit", type=QUANTITY)
@database_option
def set_(user: str, resource: str, limit: int, database_url: str) -> None:
    """Set the LIMIT of RESOURCE for USER: a number like 20 or 10G, or `unlimited`.

    This is the limit of the user's system project. Existing usage stays, even above the limit.
    """

    def change(connection: Connection) -> User:
        known = find_user(connection, user)
        set_capacity(connection, known.uuid, resource, Capacity(limit, limit))
        return known

    known = open_database(database_url).change(change)
    click.echo(f"{known.email} may now have {shown(limit)} of {resource}.")
