"""The revision of a database's tables, and whether this version can use it."""

from collections.abc import Collection

from astakos.storage.errors import DatabaseError
from astakos.storage.protocol import Connection

REVISION = "0037"
"""The revision that this version reads and writes: the newest in `storage/schema/migrations/versions`."""

FIRST_REVISION = "0001"
VERSION_TABLE = "alembic_version"
OWN_TABLES = {"settings", "components", "holdings"}
"""Tables that every revision has; a database without them belongs to another program."""

FIND = f"SELECT version_num FROM {VERSION_TABLE}"
# Revision 0001 predates migrations and stores its number in the settings.
FIND_FIRST = "SELECT value FROM settings WHERE name = 'revision'"
DIGITS = 4


def find_revision(connection: Connection, tables: Collection[str]) -> str | None:
    """Returns the revision of a database that has these tables; None if it is not an Astakos database."""
    if not OWN_TABLES.issubset(tables):
        return None
    row = connection.execute(FIND if VERSION_TABLE in tables else FIND_FIRST).fetchone()
    return None if row is None else str(row[0]).zfill(DIGITS)


def require_revision(found: str | None, name: str) -> None:
    """Checks that this version can use a database with the revision `found`.

    Raises:
        DatabaseError: it cannot; the message says what to do.
    """
    if found is None:
        raise DatabaseError(f"{name} is not an Astakos database; name another one")
    if found < REVISION:
        raise DatabaseError(
            f"{name} has revision {found} of the tables, but this version requires revision {REVISION}; "
            "make a backup, then run `astakos migrate`"
        )
    if found > REVISION:
        raise DatabaseError(
            f"{name} has revision {found} of the tables, but this version requires revision {REVISION}; "
            "use the version that created it"
        )


def make_tables(connection: Connection, dialect: str) -> None:
    """Creates all tables of the newest revision in an empty database, in the current transaction."""
    # Imported here because only this function needs it, and the import takes longer than most commands.
    from astakos.storage.schema.definition.all_tables import creation_statements  # noqa: PLC0415

    for statement in creation_statements(dialect):
        connection.execute(statement)
    connection.execute(f"INSERT INTO {VERSION_TABLE} (version_num) VALUES (?)", (REVISION,))
