"""The projects that a caller can draw from: all of the user's, or the one of the key that they have sent."""

from astakos.directory.entities import User
from astakos.projects.project import Project
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects


def drawable_projects(connection: Connection, user: User) -> list[Project]:
    """Lists the projects with their definitions."""
    return [
        project
        for project in projects.find_active_projects_of(connection, user.id)
        if sees(user, project.uuid)
    ]


def drawable_uuids(connection: Connection, user: User) -> list[str]:
    """Lists the UUIDs of the projects."""
    return [uuid for uuid in projects.active_projects_of(connection, user.id) if sees(user, uuid)]


def sees(user: User, project: str) -> bool:
    """Returns whether the key that a user has sent, if any, is also for a project, given by its UUID."""
    return user.key is None or user.key.project in (None, project)
