"""The limits of a project and their use, as rows of a table."""

from collections.abc import Iterator
from typing import Any

from astakos import clock
from astakos.cli.shown_values import Amount
from astakos.projects.project import Project
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, quotas, registry

LIMITS = ("resource", "project_capacity", "usage", "pending", "member_capacity")


def limits_of(reader: Connection, known: Project) -> Iterator[dict[str, Any]]:
    """Yields a row for each resource that a project has a limit of."""
    capacities = projects.capacities_of(reader, known.uuid)
    found = quotas.project_quotas(reader, capacities, [known.uuid], clock.now())
    used = {one.resource: one.project_level for one in found}
    scales = registry.scales(reader)
    for resource, capacity in capacities.items():
        holding, scale = used.get(resource), scales[resource]
        yield {
            "resource": resource,
            "project_capacity": Amount(capacity.project, scale),
            "member_capacity": Amount(capacity.member, scale),
            "usage": Amount(0 if holding is None else holding.usage_max, scale),
            "pending": Amount(0 if holding is None else holding.pending, scale),
        }
