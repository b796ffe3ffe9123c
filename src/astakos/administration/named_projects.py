"""Projects as people name them."""

from collections.abc import Sequence

from astakos.administration.state_document import StateError
from astakos.projects.project import ALIVE, Project, ProjectState
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects

MOST_LISTED = 10
"""How many projects of one name a message tells apart."""
STANDING = (*ALIVE, ProjectState.UNINITIALIZED)


class NoSuchProjectError(StateError):
    """No project has a name."""


def find_project(connection: Connection, name: str) -> Project:
    """Find a project by uuid, or by a name that only one has.

    Projects that have ended count only if no other has the name, because names are used again.

    Raises:
        NoSuchProjectError: there is no such project.
        StateError: there is more than one.
    """
    project = projects.find(connection, name)
    if project is not None:
        return project
    namesakes = projects.list_named(connection, name)
    found = [one for one in namesakes if one.state in STANDING] or namesakes
    if not found:
        raise NoSuchProjectError(f"there is no project {name!r}; name it by its UUID or its whole name")
    if len(found) > 1:
        raise StateError(
            f"{len(found)} projects are named {name!r}; name one by its UUID: {_told_apart(found)}"
        )
    return found[0]


def _told_apart(found: Sequence[Project]) -> str:
    told = ", ".join(f"{one.uuid} ({one.state})" for one in found[:MOST_LISTED])
    return f"{told}, …" if len(found) > MOST_LISTED else told
