"""`astakos backup`: a copy of the database, made while the service goes on."""

from pathlib import Path

import click

from astakos.administration.state_document import StateError
from astakos.cli.options import database_option, open_database


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@database_option
def backup(file: Path, database_url: str) -> None:
    """Copy an SQLite database into a new FILE.

    The service may go on meanwhile: everything that it had answered before is in the copy. To restore it,
    stop the service and put the copy in the place of the database (docs/operations.md). A database on
    PostgreSQL is backed up with pg_dump.
    """
    from astakos.storage.sqlite.sqlite_backup import back_up  # noqa: PLC0415 - see `astakos.cli`
    from astakos.storage.sqlite.sqlite_database import SQLiteDatabase  # noqa: PLC0415

    database = open_database(database_url)
    if not isinstance(database, SQLiteDatabase):
        raise StateError(f"{database.name} is not an SQLite file; back it up with pg_dump")
    back_up(database, file)
    click.echo(f"Copied {database.name} to {file}.")
