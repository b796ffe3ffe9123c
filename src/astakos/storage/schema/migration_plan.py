"""What a migration would do: its steps, and which of them processes of the older version can live with."""

from typing import NamedTuple

from alembic.script import ScriptDirectory

from astakos.storage.protocol import Database
from astakos.storage.schema.migration import SCRIPTS, present_revision
from astakos.storage.schema.revisions import REVISION, require_revision


class Step(NamedTuple):
    """A step of a migration.

    Attributes:
        revision: the revision that it leads to.
        text: what it does, in a sentence.
        beside_old_processes: whether processes of the version before, which are running, can go on: it
            only adds what they do not know, and what they write is right afterwards, too. Each revision says
            so itself, by an attribute of this name.
    """

    revision: str
    text: str
    beside_old_processes: bool


class Plan(NamedTuple):
    """What would be done to a database.

    Attributes:
        found: the revision that it has.
        steps: the steps, in their order; none if it has the revision of this version.
    """

    found: str
    steps: list[Step]


def plan(database: Database) -> Plan:
    """Return what migrating an unopened database would do. Changes nothing.

    Raises:
        DatabaseError: the database is missing, is not an Astakos database, or is newer than this version.
        StorageUnavailableError: the database cannot be read now.
    """
    found = present_revision(database)
    if found is None or found > REVISION:
        require_revision(found, database.name)
    found = found or ""
    return Plan(found, [step for step in all_steps() if step.revision > found])


def all_steps() -> list[Step]:
    """Return the steps from nothing to the newest revision."""
    scripts = ScriptDirectory(str(SCRIPTS)).walk_revisions()
    return [
        Step(script.revision, script.doc, script.module.beside_old_processes)
        for script in reversed(list(scripts))
    ]
