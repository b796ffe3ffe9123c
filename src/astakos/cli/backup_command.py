"""`astakos backup`: copies the database while the service keeps running."""

from pathlib import Path

import click

from astakos.administration.state_document import StateError
from astakos.cli.files import FileName
from astakos.cli.options import database_option, open_file_to_copy
from astakos.storage.protocol import Database


@click.command()
@click.argument("file", type=FileName())
@database_option
def backup(file: Path, database_url: str) -> None:
    """Back up an SQLite database to a new FILE.

    The service can keep running. The backup contains everything that the service had answered when the
    command started. The database may be of another version, so that it can be copied before it is migrated.
    To restore the backup, stop the service and replace the database with it (docs/backup.md). To back up a
    PostgreSQL database, use pg_dump.
    """
    from astakos.ledger.ports import StorageBrokenError  # noqa: PLC0415 - see `astakos.cli`
    from astakos.storage.sqlite.sqlite_backup import back_up  # noqa: PLC0415

    database = open_file_to_copy(database_url)
    try:
        back_up(database, file)
    except StorageBrokenError as error:
        raise StateError(f"{error}; {error.remedy}; {_what_still_works(database)}") from error
    click.echo(f"Copied {database.name} to {file}.")


def _what_still_works(database: Database) -> str:
    from astakos.administration.salvage import working_exports  # noqa: PLC0415 - slow to import

    found = [f"`{command}`" for command in working_exports(database)]
    return f"without one, use what still works: {', '.join(found)}" if found else "nothing can be exported"
