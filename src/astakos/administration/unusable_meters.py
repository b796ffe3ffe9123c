"""Finds the meters that a project limits in vain; see `astakos.projects.unusable_meters`."""

from collections.abc import Mapping

from astakos.projects.project import INITIALIZED, Capacity
from astakos.projects.unusable_meters import UnusableMeters, unusable_meters
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, registry
from astakos.storage.tables.meters import find_definitions


def find_unusable_meters(
    connection: Connection, uuid: str, asked: Mapping[str, Capacity] | None = None
) -> list[UnusableMeters]:
    """Returns the meters that a project limits in vain, once what is asked for is approved.

    Args:
        connection: the connection.
        uuid: the uuid of the project.
        asked: the capacities that a pending application asks for.
    """
    meters = find_definitions(connection)
    project = projects.find(connection, uuid) if meters else None
    if project is None:
        return []
    capacities = projects.capacities_of(connection, uuid)
    # Only the application that creates a project says what it has at first.
    if project.state in INITIALIZED and asked:
        capacities = {**capacities, **asked}
    resources = {one.name: one for one in registry.list_resources(connection)}
    return list(unusable_meters(capacities, resources, meters, system_project=project.system_project))
