"""Who may read what concerns a project besides what its members see."""

from astakos.directory.entities import User
from astakos.http.faults import Forbidden, ItemNotFound
from astakos.http.projects.actors import actor_of
from astakos.projects.visibility import sees_applications
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects


def is_project_admin(connection: Connection, user: User) -> bool:
    """Returns whether a user may decide about all projects."""
    return actor_of(connection, user).is_project_admin


def require_owner_or_admin(connection: Connection, user: User, uuid: str, what: str) -> None:
    """Requires that a user owns a project, or may decide about all projects.

    Raises:
        ItemNotFound: There is no such project.
        Forbidden: The user may not read this; `what` names it in the message.
    """
    project = projects.find(connection, uuid)
    if project is None:
        raise ItemNotFound("There is no such project.")
    if not sees_applications(actor_of(connection, user), project):
        raise Forbidden(f"Only the owner of the project and project administrators may see {what}.")
