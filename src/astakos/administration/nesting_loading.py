"""Loads the parent of an entry of `projects` of a state document."""

from msgspec import UnsetType

from astakos.administration.document_places import Place
from astakos.administration.journal import Journal
from astakos.administration.nesting import facts_of_move, place_project
from astakos.administration.state_document import ProjectEntry
from astakos.projects.nesting import NO_CIRCLE, NOT_TOO_DEEP, moved
from astakos.projects.project import INITIALIZED
from astakos.projects.refusals import ProjectRefusedError
from astakos.projects.transitions import first_refusal
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects


def load_parent(
    connection: Connection, entry: ProjectEntry, place: Place, now: int, journal: Journal
) -> None:
    """Moves a project to the parent of its entry, beyond limits if need be. No key means no change."""
    if isinstance(entry.parent, UnsetType):
        return
    here = place / "parent"
    project = projects.find(connection, entry.uuid)
    if project is None or project.parent == entry.parent:
        return
    parent = None if entry.parent is None else projects.find(connection, entry.parent)
    if entry.parent is not None:
        if parent is None:
            raise here.error(f"there is no project {entry.parent!r}")
        if parent.system_project or parent.state not in INITIALIZED:
            raise here.error(
                "a system project, or one that was never active, cannot be a parent; name another"
            )
    facts = facts_of_move(connection, journal.actor, project, parent, asks_for_parent=parent is not None)
    try:
        refusal = first_refusal([NO_CIRCLE, NOT_TOO_DEEP], facts)
        if refusal is not None:
            raise refusal
        place_project(connection, facts, now, force=True)
    except ProjectRefusedError as refused:
        raise here.error(refused.message) from refused
    journal.add(moved(journal.actor, project, entry.parent, ""))
