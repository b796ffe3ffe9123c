"""Makes sure that a migration that no older process can live with runs while none works on the database."""

from collections.abc import Sequence

import sqlalchemy as sa

from astakos.storage.errors import DatabaseError
from astakos.storage.postgresql.connection import PARAMETERS
from astakos.storage.schema.migration_steps import Step

FORGET_SEEN = "SELECT pg_stat_clear_snapshot()"
# Databases that do not tell who is connected have an empty table.
FIND_OTHERS = sa.text("""
SELECT coalesce(host(client_addr), 'the host of the database'), count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
    AND application_name IN (:usual, current_setting('application_name'))
GROUP BY 1 ORDER BY 1
""")
EXCLUSIVELY = "PRAGMA locking_mode = EXCLUSIVE"
"""Lets the next transaction in an SQLite file fail if another process has it open, and keeps others out."""


def require_alone(connection: sa.Connection, name: str, needing: Sequence[Step]) -> None:
    """Check that no other process of the service is connected to a PostgreSQL database.

    Raises:
        DatabaseError: there is one; the message says where.
    """
    connection.exec_driver_sql(FORGET_SEEN)
    others = connection.execute(FIND_OTHERS, {"usual": PARAMETERS["application_name"]}).fetchall()
    if others:
        told = ", ".join(f"{count} from {host}" for host, count in others)
        raise not_alone(name, needing, f"connections are open: {told}", " (or add --force, if they are idle)")


def not_alone(name: str, needing: Sequence[Step], found: str, otherwise: str = "") -> DatabaseError:
    """Return the error that says why a migration does not begin."""
    revisions = ", ".join(step.revision for step in needing)
    steps = "step" if len(needing) == 1 else "steps"
    return DatabaseError(
        f"{name} was not migrated: {steps} {revisions} cannot run beside processes of the older version, and "
        f"{found}; stop all processes, then run `astakos migrate` again{otherwise}"
    )
