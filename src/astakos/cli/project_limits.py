"""The limits of a project and their use, as rows of a table."""

from collections.abc import Iterator
from typing import Any

from astakos import clock
from astakos.cli.quantities import shown
from astakos.projects.project import Project
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, quotas

LIMITS = ("resource", "project_capacity", "usage", "pending", "member_capacity")


def limits_of(reader: Connection, known: Project, *, as_json: bool) -> Iterator[dict[str, Any]]:
    """Yield a row for each resource that a project has a limit of."""
    capacities = projects.capacities_of(reader, known.uuid)
    found = quotas.project_quotas(reader, capacities, [known.uuid], clock.now())
    used = {one.resource: one.project_level for one in found}
    for resource, capacity in capacities.items():
        holding = used.get(resource)
        yield {
            "resource": resource,
            "project_capacity": capacity.project if as_json else shown(capacity.project),
            "member_capacity": capacity.member if as_json else shown(capacity.member),
            "usage": 0 if holding is None else holding.usage_max,
            "pending": 0 if holding is None else holding.pending,
        }
