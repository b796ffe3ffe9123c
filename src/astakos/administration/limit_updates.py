"""Updates the ledger's limits after a change to projects (`quota-semantics.md` §5–§7).

`sync_project` follows a change to a project itself. It takes as long for a hundred thousand members as for
one, because their holdings do not repeat what the project allows (`projects/limits.py`). Whoever changes a
membership calls `sync_memberships`, and whoever registers a resource `sync_resource`.
"""

from collections.abc import Iterable

from astakos.directory.entities import Resource
from astakos.projects.limits import default_capacity, granted
from astakos.projects.project import INITIALIZED, Capacity, Project
from astakos.storage.protocol import Connection
from astakos.storage.tables import holding_limits, nested_projects, projects, registry


def sync_project(connection: Connection, uuid: str) -> None:
    """Updates what a project allows, after its state or its capacities have changed.

    Sets missing capacities of an initialized project to their defaults. If that makes its first holdings, as
    its first activation does, its members get theirs.
    """
    if _sync_grants(connection, uuid):
        holding_limits.sync_project(connection, uuid)


def sync_memberships(connection: Connection, project: str, users: Iterable[str]) -> None:
    """Updates the holdings of users whose memberships in a project have changed; both are given by uuid."""
    holding_limits.sync_members(connection, project, users)


def sync_project_and_memberships(connection: Connection, uuid: str) -> None:
    """Does both, for a project with all its memberships."""
    _sync_grants(connection, uuid)
    holding_limits.sync_project(connection, uuid)


def sync_resource(connection: Connection, resource: Resource) -> None:
    """Gives all initialized projects a new resource with its defaults, and their members its holdings."""
    holding_limits.add_resource(connection, resource)
    nested_projects.link_resource(connection, resource.name)


def _sync_grants(connection: Connection, uuid: str) -> bool:
    """Updates a project's holdings; returns whether some were added."""
    project = projects.find(connection, uuid)
    if project is None:
        return False
    grants = granted(project.state, _complete_capacities(connection, project))
    known = holding_limits.find_grants(connection, uuid)
    holding_limits.set_grants(
        connection,
        [
            grant._replace(capacity=grants[resource])
            for resource, grant in known.items()
            if grants.get(resource, grant.capacity) != grant.capacity
        ],
    )
    if project.state not in INITIALIZED:
        return False
    added = {resource: capacity for resource, capacity in grants.items() if resource not in known}
    holding_limits.add_grants(connection, uuid, added)
    if added and project.parent is not None:
        nested_projects.link(connection, uuid, project.parent)
    return bool(added)


def _complete_capacities(connection: Connection, project: Project) -> dict[str, Capacity]:
    """Returns a project's capacities, after setting those that an initialized project lacks to defaults."""
    capacities = projects.capacities_of(connection, project.uuid)
    if project.state not in INITIALIZED:
        return capacities
    missing = {
        resource.name: default_capacity(resource, system_project=project.system_project)
        for resource in registry.list_resources(connection)
        if resource.name not in capacities
    }
    projects.save_capacities(connection, project.uuid, missing)
    return capacities | missing
