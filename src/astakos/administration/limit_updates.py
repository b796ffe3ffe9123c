"""Updates the ledger's limits after a change to projects (`quota-semantics.md` §5–§7)."""

from collections.abc import Iterable

from astakos.projects.limits import default_capacity, limits, member_limits
from astakos.projects.project import INITIALIZED
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships, projects, registry
from astakos.storage.tables.holdings import set_limits


def sync_project(connection: Connection, uuid: str) -> None:
    """Set the missing capacities of an initialized project to their defaults, and update all its limits."""
    project = projects.find(connection, uuid)
    if project is None or project.state not in INITIALIZED:
        return
    capacities = projects.capacities_of(connection, uuid)
    missing = {
        resource.name: default_capacity(resource, system_project=project.system_project)
        for resource in registry.list_resources(connection)
        if resource.name not in capacities
    }
    projects.save_capacities(connection, uuid, missing)
    members = memberships.list_of_project(connection, uuid)
    set_limits(connection, limits(uuid, project.state, capacities | missing, members))


def sync_memberships(connection: Connection, project: str, users: Iterable[str]) -> None:
    """Update the limits of users' holdings of an initialized project, after a change to their memberships."""
    found = projects.find(connection, project)
    if found is None or found.state not in INITIALIZED:
        return
    changed = [memberships.find_membership(connection, user, project) for user in users]
    capacities = projects.capacities_of(connection, project)
    members = [membership for membership in changed if membership is not None]
    set_limits(connection, member_limits(project, found.state, capacities, members))


def sync_projects(connection: Connection) -> None:
    """Do the same for all projects, which is necessary after registering a resource."""
    for project in list(projects.list_projects(connection)):
        sync_project(connection, project.uuid)
