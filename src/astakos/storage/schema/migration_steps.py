"""The steps from revision to revision, and which of them processes of the older version can live with."""

from pathlib import Path
from typing import NamedTuple

from alembic.script import ScriptDirectory

SCRIPTS = Path(__file__).parent / "migrations"


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


def all_steps() -> list[Step]:
    """Returns the steps from nothing to the newest revision."""
    scripts = ScriptDirectory(str(SCRIPTS)).walk_revisions()
    return [
        Step(script.revision, script.doc, script.module.beside_old_processes)
        for script in reversed(list(scripts))
    ]


def steps_after(revision: str) -> list[Step]:
    """Returns the steps from a revision to the newest."""
    return [step for step in all_steps() if step.revision > revision]
