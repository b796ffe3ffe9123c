"""`astakos project handover`: gives a project another owner."""

import click

from astakos import clock
from astakos.administration.accounts import find_user
from astakos.administration.handover import hand_over
from astakos.administration.named_projects import find_project
from astakos.cli.acting import acting_option, actor_named, reason_option
from astakos.cli.options import database_option, open_database
from astakos.storage.protocol import Connection


@click.command()
@click.argument("project")
@click.argument("user")
@acting_option
@reason_option
@database_option
def handover(project: str, user: str, acting: str | None, reason: str, database_url: str) -> None:
    """Hand PROJECT over to USER, who owns it from now on."""

    def change(connection: Connection) -> str:
        actor, known = actor_named(connection, acting), find_project(connection, project)
        successor = find_user(connection, user)
        hand_over(connection, actor, known.uuid, successor.uuid, reason, clock.now())
        return f"{known.name} belongs to {successor.email}."

    click.echo(open_database(database_url).change(change))
