"""`astakos migrate`: migrates the database to the tables of this version, or says what that would do."""

import click

from astakos.cli.options import database_option, open_database
from astakos.counted_nouns import counted
from astakos.storage.errors import NoInstallationError
from astakos.storage.opening import database_of
from astakos.storage.protocol import Database
from astakos.storage.schema.revisions import REVISION

BESIDE = "can be done while processes of the older version run"
ALONE = "needs all processes of the older version to be stopped"


@click.command()
@click.option(
    "--check",
    is_flag=True,
    help="Change nothing, and say whether the database is at the revision of this version: exit status 0 if "
    "it is, and 1 if it is not or cannot be read.",
)
@click.option("--plan", "shows_plan", is_flag=True, help="Change nothing, and list the steps that would run.")
@click.option(
    "--force",
    is_flag=True,
    help="Migrate although connections of other processes are open that could not live with the change; for "
    "idle ones that a pooler keeps.",
)
@click.option("--create", is_flag=True, help="If there is nothing in the database yet, create the tables.")
@database_option
@click.pass_context
def migrate(
    context: click.Context, check: bool, shows_plan: bool, force: bool, create: bool, database_url: str
) -> None:
    """Migrate the database to the tables of this version.

    Make a backup first, and look at the plan: where it says that processes of the older version need to be
    stopped, nothing is done as long as one works on the database. The migration runs in one transaction: if
    it fails, nothing changes.
    """
    if create and (check or shows_plan):
        raise click.UsageError("--check and --plan change nothing; leave out --create")
    database = database_of(database_url)
    if create and _is_empty(database):
        open_database(database_url, create=True)
        return
    if check or shows_plan:
        at_newest = _tell_plan(database, with_steps=shows_plan)
        context.exit(1 if check and not at_newest else 0)
    from astakos.storage.schema.migration import migrate as migrate_database  # noqa: PLC0415 - slow to import

    before = migrate_database(database, force=force)
    if before == REVISION:
        click.echo(_at_newest())
    else:
        click.echo(f"Migrated the database from revision {before} to {REVISION}.")


def _is_empty(database: Database) -> bool:
    from astakos.storage.schema.migration import present_revision  # noqa: PLC0415 - slow to import

    try:
        present_revision(database)
    except NoInstallationError:
        return True
    return False


def _at_newest() -> str:
    return f"The database is already at revision {REVISION}."


def _tell_plan(database: Database, *, with_steps: bool) -> bool:
    """Says what is to be done; returns whether it is nothing."""
    from astakos.storage.schema.migration_plan import plan  # noqa: PLC0415 - slow to import

    found, steps = plan(database)
    if not steps:
        click.echo(_at_newest())
        return True
    number = counted(len(steps), "step", "steps")
    click.echo(f"The database is at revision {found}; `astakos migrate` leads to {REVISION} in {number}.")
    if with_steps:
        for step in steps:
            click.echo(f"{step.revision}  {step.text}")
            click.echo(f"      {BESIDE if step.beside_old_processes else ALONE}")
        if all(step.beside_old_processes for step in steps):
            click.echo(
                "Processes of the older version can run on meanwhile, but cannot be started again. "
                "Until the migration is done, calls wait, or are answered with 503."
            )
        else:
            click.echo("Stop all processes of the older version first.")
        click.echo("All steps are one transaction. Make a backup first.")
    return False
