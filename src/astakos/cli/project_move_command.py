"""`astakos project move`: puts a project within another one, or takes it out."""

import click

from astakos import clock
from astakos.administration.named_projects import find_project
from astakos.administration.nesting import move_project
from astakos.cli.acting import acting_option, actor_named, reason_option
from astakos.cli.options import database_option, open_database
from astakos.storage.protocol import Connection


@click.command()
@click.argument("project")
@click.option("--parent", metavar="PROJECT", help="The project that it shall be within.")
@click.option("--no-parent", "is_alone", is_flag=True, help="It shall be within no project.")
@click.option("--force", is_flag=True, help="Let the projects that come above it exceed their limits.")
@acting_option
@reason_option
@database_option
def move(
    project: str,
    parent: str | None,
    is_alone: bool,
    force: bool,
    acting: str | None,
    reason: str,
    database_url: str,
) -> None:
    """Move PROJECT within another one, or out of it, with what it uses.

    What a project uses counts on its parent and on all above that, whose limits bound the sum. Nothing may be
    pending on PROJECT meanwhile.
    """
    if (parent is None) is not is_alone:
        raise click.UsageError("Say where it belongs: either --parent PROJECT or --no-parent.")

    def change(connection: Connection) -> str:
        actor, known = actor_named(connection, acting), find_project(connection, project)
        above = None if parent is None else find_project(connection, parent)
        uuid = above.uuid if above else None
        move_project(connection, actor, known.uuid, uuid, reason, clock.now(), force=force)
        return f"{known.name} is within {above.name}." if above else f"{known.name} is within no project."

    click.echo(open_database(database_url).change(change))
