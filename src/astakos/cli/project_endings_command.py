"""`astakos project end-expired`: ends the projects whose end date has passed."""

import contextlib
import functools

import click

from astakos import clock
from astakos.administration.project_endings import end_project
from astakos.administration.state_document import StateError
from astakos.cli.options import database_option, open_database
from astakos.cli.shown_values import Moment
from astakos.events.event import OPERATOR
from astakos.storage.tables import clock_records, project_endings


@click.command("end-expired")
@click.option("--dry-run", is_flag=True, help="Only list the projects.")
@database_option
def end_expired(dry_run: bool, database_url: str) -> None:
    """End all projects whose end date has passed.

    It does what `terminate` does. With the setting `end_projects`, the service does this by itself.
    """
    database, now = open_database(database_url), clock.now()
    with contextlib.closing(database.connect()) as connection:
        if clock_records.is_held(connection) and not dry_run:
            raise StateError(
                "the service has found that the clock is wrong, so nothing ends by it; "
                "when it is right, run `astakos clock accept`"
            )
        ended = 0
        for one in project_endings.list_over(connection, now):
            end = functools.partial(end_project, actor=OPERATOR, uuid=one.uuid, now=now)
            if dry_run or database.change(end):
                verb = "would end" if dry_run else "has ended"
                click.echo(f"{one.name} ({one.uuid}) {verb}: its end date was {Moment(one.end_date)}.")
                ended += 1
    if not ended:
        click.echo("There is no active or suspended project whose end date has passed.")
