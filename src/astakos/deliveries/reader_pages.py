"""The page that a mail about a project leads to: one that its reader may see."""

from typing import Final

from astakos.administration.administrators import decides_about_projects, is_administrator
from astakos.events.event import Actor, Event
from astakos.projects.visibility import sees
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships, projects, users

PROJECTS: Final = "/ui/projects"
QUEUE: Final = "/ui/admin/projects/applications"
SUBMITTED: Final = "application.submitted"


def page_for(connection: Connection, event: Event, recipient: str) -> str:
    """Returns the path of a page, below the base URL.

    Args:
        connection: a connection.
        event: the event that the mail tells of.
        recipient: the address that it is sent to; it can be that of no user.

    Returns:
        Where applications are decided about, if the event is one and the reader is an administrator.
        Otherwise the page of the project, if the reader sees it, or else that of all projects that they see.
    """
    user = users.find_by_username(connection, recipient)
    project = None if event.project is None else projects.find(connection, event.project)
    if user is None or project is None:
        return PROJECTS
    if event.kind == SUBMITTED and is_administrator(connection, user):
        return QUEUE
    membership = memberships.find_of(connection, user.uuid, project.uuid)
    reader = Actor(user.uuid, "", decides_about_projects(connection, user))
    is_seen = sees(reader, project, None if membership is None else membership.state)
    return f"{PROJECTS}/{project.uuid}" if is_seen else PROJECTS
