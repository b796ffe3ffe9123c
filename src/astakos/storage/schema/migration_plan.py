"""What a migration would do: its steps, and which of them processes of the older version can live with."""

from typing import NamedTuple

from astakos.storage.protocol import Database
from astakos.storage.schema.migration import present_revision
from astakos.storage.schema.migration_steps import Step, steps_after
from astakos.storage.schema.revisions import REVISION, require_revision


class Plan(NamedTuple):
    """What would be done to a database.

    Attributes:
        found: the revision that it has.
        steps: the steps, in their order; none if it has the revision of this version.
    """

    found: str
    steps: list[Step]


def plan(database: Database) -> Plan:
    """Returns what migrating an unopened database would do. Changes nothing.

    Raises:
        DatabaseError: the database is missing, is not an Astakos database, or is newer than this version.
        StorageUnavailableError: the database cannot be read now.
    """
    found = present_revision(database)
    if found is None or found > REVISION:
        require_revision(found, database.name)
    found = found or ""
    return Plan(found, steps_after(found))
