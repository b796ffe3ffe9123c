"""Meters that a project limits in vain, because its members get nothing of the resource that they count.

A limit of `jobs.cost/month` bounds what is charged to `jobs.cost`, and gives nothing of it. Naming the
meter does not lift the limit of the resource: whoever approves a rate would then approve unlimited use.
"""

from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from astakos.directory.entities import Resource
from astakos.ledger.meter_definitions import base_of
from astakos.projects.limits import default_capacity
from astakos.projects.project import Capacity


class UnusableMeters(NamedTuple):
    """Meters of one resource that a project limits in vain.

    Attributes:
        base: the resource, of which members may have 0.
        meters: the names of the meters.
    """

    base: str
    meters: tuple[str, ...]

    @property
    def fault(self) -> str:
        """What is wrong, as the beginning of a sentence."""
        return f"each member may have 0 of {self.base}, so {' and '.join(self.meters)} can never be used"


def unusable_meters(
    capacities: Mapping[str, Capacity],
    resources: Mapping[str, Resource],
    meters: Collection[str],
    *,
    system_project: bool,
) -> Iterator[UnusableMeters]:
    """Yields the meters that a project limits in vain.

    Args:
        capacities: what the project sets; resources that are missing get their defaults.
        resources: all resources, by name.
        meters: the names of those that are meters.
        system_project: whether the project is that of a user, which has other defaults.
    """

    def default(name: str) -> Capacity:
        return default_capacity(resources[name], system_project=system_project)

    found: dict[str, list[str]] = {}
    for meter in meters:
        base = base_of(meter)
        capacity = capacities.get(meter)
        # One like the default need not have been asked for, and one of nothing refuses everything anyway.
        if base is None or capacity is None or capacity == default(meter) or capacity.member == 0:
            continue
        if capacities.get(base, default(base)).member == 0 and not resources[base].shadow:
            found.setdefault(base, []).append(meter)
    for base, of_base in found.items():
        yield UnusableMeters(base, tuple(of_base))
