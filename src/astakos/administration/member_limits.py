"""Limits single members of a project, for operators.

What one member may use is the smallest of this limit, that of each member, and what is left of the project.
The limit stays with the user when they leave the project and come back.
"""

from astakos.administration.journal import Journal
from astakos.administration.limit_updates import sync_memberships
from astakos.administration.state_document import StateError
from astakos.administration.unknown_resources import no_such_resource
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.projects.project import Project
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry
from astakos.storage.tables.holding_limits import find_allowance, set_allowance


def set_member_limit(
    connection: Connection, actor: Actor, project: Project, user: User, resource: str, limit: int, now: int
) -> bool:
    """Sets how much of a resource a member of a project may use alone; returns whether it was another limit.

    `UNLIMITED` lifts the limit.

    Raises:
        StateError: there is no such resource, or the user was never a member of the project.
    """
    if not registry.has_resource(connection, resource):
        raise StateError(no_such_resource(connection, resource))
    known = find_allowance(connection, project.uuid, user.uuid, resource)
    if known is None:
        raise StateError(f"{user.email} is not a member of {project.name}, and never was")
    set_allowance(connection, project.uuid, user.uuid, resource, limit)
    sync_memberships(connection, project.uuid, [user.uuid])
    with Journal(connection, actor, now) as journal:
        note_limit(journal, project.uuid, user.uuid, resource, before=known, after=limit)
    return limit != known


def note_limit(journal: Journal, project: str, user: str, resource: str, *, before: int, after: int) -> None:
    """Notes that the limit of a member was changed, if it was."""
    journal.compare(
        "member_limit", {"limit": before}, {"limit": after}, name=resource, project=project, subject=user
    )
