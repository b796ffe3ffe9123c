"""Makes sure that a migration that no older process can live with runs while none works on the database."""

import contextlib
from collections.abc import Sequence

from astakos.storage.errors import DatabaseError
from astakos.storage.postgresql.connection import PARAMETERS
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase
from astakos.storage.schema.migration_steps import Step

# Databases that do not tell who is connected have an empty table.
FIND_OTHERS = """
SELECT coalesce(CAST(client_addr AS TEXT), 'the host of the database'), count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid <> ?
    AND application_name IN (?, current_setting('application_name'))
GROUP BY client_addr ORDER BY client_addr
"""
FIND_SESSION = "SELECT pg_backend_pid()"
EXCLUSIVELY = "PRAGMA locking_mode = EXCLUSIVE"
"""Lets the next transaction in an SQLite file fail if another process has it open, and keeps others out."""


def require_alone(database: PostgreSQLDatabase, needing: Sequence[Step], session: int = 0) -> None:
    """Checks that no other process of the service is connected to a database.

    Args:
        database: the database.
        needing: the steps because of which that must not be.
        session: the number of the session that migrates; 0 if it has not begun.

    Raises:
        DatabaseError: there is one; the message says where.
        StorageUnavailableError: the database cannot be reached now.
    """
    # On a connection of its own: within a transaction, the table shows one moment only.
    with contextlib.closing(database.connect(read_only=True)) as connection:
        others = connection.execute(FIND_OTHERS, (session, PARAMETERS["application_name"])).fetchall()
    if others:
        told = ", ".join(f"{count} from {host.partition('/')[0]}" for host, count in others)
        found = f"connections are open: {told}"
        raise not_alone(database.name, needing, found, " (or add --force, if they are idle)")


def not_alone(name: str, needing: Sequence[Step], found: str, otherwise: str = "") -> DatabaseError:
    """Returns the error that says why a migration is not done."""
    revisions = ", ".join(step.revision for step in needing)
    steps = "step" if len(needing) == 1 else "steps"
    return DatabaseError(
        f"{name} was not migrated: {steps} {revisions} cannot run beside processes of the older version, and "
        f"{found}; stop all processes, then run `astakos migrate` again{otherwise}"
    )
