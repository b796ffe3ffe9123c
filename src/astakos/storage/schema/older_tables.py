"""The tables of an older revision: makes them in an empty database, and migrates rows that came into them."""

import contextlib
from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from astakos.storage.errors import DatabaseError, RowsRefusedError
from astakos.storage.protocol import Database
from astakos.storage.schema.engines import engine_of
from astakos.storage.schema.migration import upgrade
from astakos.storage.schema.migration_steps import all_steps
from astakos.storage.schema.whole_tables import WholeTable, whole_table


def is_revision(revision: str) -> bool:
    """Whether there is, or was, such a revision."""
    return revision in {step.revision for step in all_steps()}


def make_older_tables(
    database: Database, revision: str, columns: Mapping[str, Sequence[str]]
) -> dict[str, WholeTable]:
    """Makes the tables of a revision in an empty database; returns those that have these columns.

    Args:
        database: the database, not opened.
        revision: the revision.
        columns: the names of the columns of each table, in the order of the values in a row.

    Raises:
        StorageUnavailableError: the database cannot be written now.
    """
    upgrade(database, revision)
    present = sa.MetaData()
    engine = engine_of(database)
    with contextlib.closing(engine.connect()) as connection:
        present.reflect(connection)
    engine.dispose()
    return {
        name: whole_table(present.tables[name], names)
        for name, names in columns.items()
        if name in present.tables and set(present.tables[name].columns.keys()) == set(names)
    }


def migrate_rows(database: Database) -> None:
    """Migrates a database whose rows come from elsewhere, so that they may contradict each other.

    Raises:
        RowsRefusedError: they do; nothing has changed.
        StorageUnavailableError: the database cannot be written now.
    """
    try:
        upgrade(database)
    except DatabaseError as error:
        raise RowsRefusedError(f"the rows cannot be migrated: {error}") from error
