"""`astakos clock`: accepts a clock that the service does not trust."""

import click

from astakos.cli.options import database_option, open_database
from astakos.clock import now
from astakos.events.event import OPERATOR


@click.group()
def clock() -> None:
    """Show or end a hold of the clock.

    If the clock contradicts the time that has passed since the machine started, the service holds: nothing
    expires and nothing is deleted (docs/operations.md).
    """


@clock.command()
@database_option
def show(database_url: str) -> None:
    """Show whether the clock is held."""
    from astakos.storage.tables import clock_records  # noqa: PLC0415 - see `astakos.cli`

    held = clock_records.is_held(open_database(database_url).reader())
    click.echo("The clock is held: nothing expires." if held else "The clock is trusted.")


@clock.command()
@database_option
def accept(database_url: str) -> None:
    """Take the present time for right, and end the hold.

    What is over by this time then ends for good: commissions with a time to live, sessions, idempotency keys
    and, with history_days, log entries.
    """
    from astakos.administration.clock_acceptance import accept_clock  # noqa: PLC0415

    present = now()
    if open_database(database_url).change(lambda connection: accept_clock(connection, OPERATOR, present)):
        click.echo("Accepted the time. Services notice within a second.")
    else:
        click.echo("The clock is not held; nothing to accept.")
