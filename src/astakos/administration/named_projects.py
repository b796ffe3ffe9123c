"""Projects as people name them."""

from collections.abc import Sequence

from astakos.administration.state_document import StateError
from astakos.projects.project import ALIVE, ApplicationState, Project, ProjectState
from astakos.storage.protocol import Connection
from astakos.storage.tables import project_applications, projects

MOST_LISTED = 10
"""How many projects of one name a message tells apart."""
STANDING = (*ALIVE, ProjectState.UNINITIALIZED)
PREFERENCES = (ALIVE, STANDING, (ProjectState.TERMINATED,), tuple(ProjectState))
"""Which projects of a name are meant. Active and suspended ones hold their name; others only ask for it."""


class NoSuchProjectError(StateError):
    """No project has a name."""


def find_project(connection: Connection, name: str) -> Project:
    """Finds a project by uuid in any case, or by its name.

    A name means the project that holds it. If none does, it must have been asked for by one project only, or
    else have belonged to one only; deleted projects count only where there is no other.

    Raises:
        NoSuchProjectError: there is no such project.
        StateError: there is more than one.
    """
    project = projects.find(connection, name.lower())
    if project is not None:
        return project
    namesakes = projects.list_named(connection, name)
    if not namesakes:
        raise NoSuchProjectError(f"there is no project {name!r}; name it by its UUID or its whole name")
    meant = ([one for one in namesakes if one.state in states] for states in PREFERENCES)
    return _only(name, next(found for found in meant if found))


def find_project_as_holder(connection: Connection, name: str) -> Project:
    """Finds the project that a name means where it could have been that of a user, and is not.

    Raises:
        StateError: there is no such project, or more than one.
    """
    try:
        return find_project(connection, name)
    except NoSuchProjectError:
        raise StateError(
            f"there is no user or project {name!r}; name it by UUID, whole email address or whole name"
        ) from None


def find_applied_project(connection: Connection, name: str, state: ApplicationState) -> Project:
    """Finds a project whose last application is to be decided, by uuid, or by its name.

    Args:
        connection: the connection.
        name: the uuid or the name. A name means the project with an application in that state, or if there
            is none, what it means to `find_project`.
        state: the state that the application is expected to be in.

    Raises:
        NoSuchProjectError: there is no such project.
        StateError: there is more than one.
    """
    found = [one for one in projects.list_named(connection, name) if _is_in(connection, one, state)]
    return _only(name, found) if found else find_project(connection, name)


def _is_in(connection: Connection, project: Project, state: ApplicationState) -> bool:
    last = project_applications.find_last(connection, project.uuid)
    return last is not None and last.state is state


def _only(name: str, found: Sequence[Project]) -> Project:
    if len(found) == 1:
        return found[0]
    told = ", ".join(f"{one.uuid} ({one.state})" for one in found[:MOST_LISTED])
    more = ", …" if len(found) > MOST_LISTED else ""
    raise StateError(f"{len(found)} projects are named {name!r}; name one by its UUID: {told}{more}")
