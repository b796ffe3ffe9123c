"""Sets the limits of a project, or of a user's own project, on behalf of operators."""

from astakos.administration.journal import Journal
from astakos.administration.limit_updates import sync_project
from astakos.administration.state_document import StateError
from astakos.administration.unknown_resources import no_such_resource
from astakos.events.event import Actor
from astakos.ledger.rules import UNLIMITED
from astakos.projects.project import Capacity
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, registry


def set_capacity(
    connection: Connection, actor: Actor, project: str, resource: str, capacity: Capacity, now: int
) -> bool:
    """Sets the limits of a resource, for the whole project and for each member.

    Returns whether they were others before.

    Raises:
        StateError: there is no such project or resource, or the limits are invalid.
    """
    if projects.find(connection, project) is None:
        raise StateError(f"there is no project {project!r}")
    if resource not in {known.name for known in registry.list_resources(connection)}:
        raise StateError(no_such_resource(connection, resource))
    if not 0 <= capacity.member <= capacity.project <= UNLIMITED:
        raise StateError(
            f"limits must be from 0 to {UNLIMITED}, and a member's must not be larger than the project's"
        )
    known = projects.capacities_of(connection, project).get(resource)
    projects.save_capacities(connection, project, {resource: capacity})
    with Journal(connection, actor, now) as journal:
        before = None if known is None else known._asdict()
        journal.compare("capacity", before, capacity._asdict(), name=resource, project=project)
    sync_project(connection, project)
    return capacity != known
