"""Migrates an older database to the newest revision of the tables, in one transaction."""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence

import psycopg
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from astakos.ledger.ports import StorageUnavailableError
from astakos.storage.errors import HOW_TO_FIND_OR_CREATE, DatabaseError, NoInstallationError
from astakos.storage.postgresql.connection import first_line, recognized
from astakos.storage.postgresql.postgresql_database import LOCK, PostgreSQLDatabase
from astakos.storage.protocol import Database
from astakos.storage.schema.alone import FIND_SESSION, not_alone, require_alone
from astakos.storage.schema.engines import engine_of
from astakos.storage.schema.migration_steps import SCRIPTS, Step, steps_after
from astakos.storage.schema.revisions import (
    FIRST_REVISION,
    REVISION,
    VERSION_TABLE,
    find_revision,
    require_revision,
)
from astakos.storage.sqlite.foreign_log import require_own_log
from astakos.storage.sqlite.sqlite_connection import code_of
from astakos.storage.sqlite.sqlite_connection import recognized as recognized_of_sqlite
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase, unusable

FORGET_FIRST_REVISION = "DELETE FROM settings WHERE name = 'revision'"


def migrate(database: Database, *, force: bool = False) -> str:
    """Migrates an unopened database to the newest revision; returns the revision that it had.

    Args:
        database: the database.
        force: migrate though other processes seem to work on it that could not live with the change.

    Raises:
        DatabaseError: the database is missing, is not an Astakos database, or is newer than this version. Or
            other processes work on it that could not live with the change.
        StorageUnavailableError: the migration cannot run now; nothing has changed.
    """
    found = present_revision(database)
    if found is None or found > REVISION:
        require_revision(found, database.name)
    before = found or ""
    needing = [step for step in steps_after(before) if not step.beside_old_processes]
    upgrade(database, alone_for=() if force else needing)
    return before


def present_revision(database: Database) -> str | None:
    """Returns the revision of an unopened database; None if it is not an Astakos database.

    Raises:
        NoInstallationError: the database is missing, or nothing is in it.
        DatabaseError: it cannot be used as a database.
        StorageUnavailableError: the database cannot be read now.
    """
    nothing = NoInstallationError(f"there is no installation in {database.name}; {HOW_TO_FIND_OR_CREATE}")
    if isinstance(database, SQLiteDatabase):
        require_own_log(database.path, database.name)
        if not database.path.exists():
            raise nothing
    try:
        with contextlib.closing(database.connect()) as connection:
            tables = database.list_tables(connection)
            if not tables:
                raise nothing
            return find_revision(connection, tables)
    except (StorageUnavailableError, sqlite3.DatabaseError) as error:
        if not isinstance(database, SQLiteDatabase):
            raise
        raise unusable(database.name, error) from error


def upgrade(database: Database, revision: str = "head", *, alone_for: Sequence[Step] = ()) -> None:
    """Migrates a database, which may be empty, to a revision.

    Args:
        database: the database.
        revision: the revision.
        alone_for: steps because of which no other process may work on the database.

    Raises:
        DatabaseError: another process works on it, though it must not; nothing has changed.
        StorageUnavailableError: the migration cannot run now; nothing has changed.
    """
    if alone_for and isinstance(database, PostgreSQLDatabase):
        require_alone(database, alone_for)
    with _transaction(database, alone_for) as connection:
        config = Config()
        config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
        config.attributes["connection"] = connection
        tables = sa.inspect(connection).get_table_names()
        if tables and VERSION_TABLE not in tables:
            command.stamp(config, FIRST_REVISION)
            connection.exec_driver_sql(FORGET_FIRST_REVISION)
        elif tables and isinstance(database, PostgreSQLDatabase):
            connection.exec_driver_sql(LOCK)
        command.upgrade(config, revision)
        if isinstance(database, SQLiteDatabase):
            broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
            if broken:
                raise DatabaseError(
                    f"{database.name} was not migrated: foreign keys refer to missing rows: {broken[:3]}"
                )
        if alone_for and isinstance(database, PostgreSQLDatabase):
            # Nothing keeps a process from connecting meanwhile.
            require_alone(database, alone_for, connection.exec_driver_sql(FIND_SESSION).scalar_one())


@contextlib.contextmanager
def _transaction(database: Database, alone_for: Sequence[Step]) -> Iterator[sa.Connection]:
    engine = engine_of(database, exclusively=bool(alone_for))
    try:
        with engine.begin() as connection:
            yield connection
    except sa.exc.DBAPIError as error:
        if isinstance(error.orig, sqlite3.Error) and alone_for and code_of(error.orig) == sqlite3.SQLITE_BUSY:
            raise not_alone(database.name, alone_for, "others have the file open") from error
        raise _meaning(database.name, error) from error
    finally:
        engine.dispose()


def _meaning(name: str, error: sa.exc.DBAPIError) -> Exception:
    cause = error.orig
    if isinstance(cause, psycopg.Error):
        found, words = recognized(cause), first_line(cause)
    elif isinstance(cause, sqlite3.Error):
        found, words = recognized_of_sqlite(cause), str(cause)
    else:
        return error
    if found is not cause:
        return found
    return DatabaseError(
        f"{name} was not migrated: its tables or rows are not those of its revision ({words}); "
        "restore it from a backup"
    )
