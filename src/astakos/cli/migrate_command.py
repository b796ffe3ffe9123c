"""`astakos migrate`: migrates the database to the tables of this version."""

import click

from astakos.cli.options import database_option
from astakos.storage.opening import database_of
from astakos.storage.schema.revisions import REVISION


@click.command()
@database_option
def migrate(database_url: str) -> None:
    """Migrate the database to the tables of this version.

    Stop the service and make a backup first. The migration runs in one transaction: if it fails, nothing
    changes.
    """
    from astakos.storage.schema.migration import migrate as migrate_database  # noqa: PLC0415 - slow to import

    before = migrate_database(database_of(database_url))
    if before == REVISION:
        click.echo(f"The database is already at revision {REVISION}.")
    else:
        click.echo(f"Migrated the database from revision {before} to {REVISION}.")
