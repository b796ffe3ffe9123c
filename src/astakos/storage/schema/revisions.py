"""Which revision of the tables a database holds, and whether this code can work with it."""

from collections.abc import Collection

from astakos.storage.errors import DatabaseError
from astakos.storage.protocol import Connection

REVISION = "0005"
"""Which form of the tables this code reads and writes: the newest of `storage/migrations/versions`."""

FIRST_REVISION = "0001"
VERSION_TABLE = "alembic_version"
OWN_TABLES = {"settings", "components", "holdings"}
"""What every revision has, so that somebody else's database is not taken for ours."""

FIND = f"SELECT version_num FROM {VERSION_TABLE}"
# Before there were migrations, the revision stood among the settings.
FIND_FIRST = "SELECT value FROM settings WHERE name = 'revision'"
DIGITS = 4


def find_revision(connection: Connection, tables: Collection[str]) -> str | None:
    """The revision of a database that has some tables; None if it is not one of ours."""
    if not OWN_TABLES.issubset(tables):
        return None
    row = connection.execute(FIND if VERSION_TABLE in tables else FIND_FIRST).fetchone()
    return None if row is None else str(row[0]).zfill(DIGITS)


def require_revision(found: str | None, name: str) -> None:
    """See that this code can work with what was found in the database of that name.

    Raises:
        DatabaseError: it can not; the text says what to do.
    """
    if found is None:
        raise DatabaseError(f"{name} is a database of something else; name another one")
    if found < REVISION:
        raise DatabaseError(
            f"{name} holds revision {found} of the tables, but this version works with revision {REVISION}; "
            "make a backup, then run `astakos migrate`"
        )
    if found > REVISION:
        raise DatabaseError(
            f"{name} holds revision {found} of the tables, but this version works with revision {REVISION}; "
            "use the version that made it"
        )


def make_tables(connection: Connection, dialect: str) -> None:
    """Make all tables in an empty database, at the newest revision, in the transaction that is under way."""
    # Imported here since only the making of a database needs it, and it takes longer than most commands.
    from astakos.storage.schema.definition import creation_statements  # noqa: PLC0415

    for statement in creation_statements(dialect):
        connection.execute(statement)
    connection.execute(f"INSERT INTO {VERSION_TABLE} (version_num) VALUES (?)", (REVISION,))
