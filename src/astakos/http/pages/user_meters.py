"""The meters that a user sees: what they have of each resource in each project, and what all members have."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from astakos.directory.entities import Resource, User
from astakos.ledger.rules import Holding
from astakos.pages.meters import Meter
from astakos.projects.project import Project, ProjectState
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, quotas
from astakos.storage.tables.quotas import UserQuota

OWN: Final = "Yours alone"
"""What pages call the system project of a user."""


class Row(NamedTuple):
    """A meter of a user, and what all members of the project together have."""

    own: Meter
    shared: Meter | None
    project: str

    @property
    def nearness(self) -> int:
        """How many percent are taken of the limit that is met first."""
        return max(self.own.percent, 0 if self.shared is None else self.shared.percent)


def meters_of(
    connection: Connection, user: User, resources: Mapping[str, Resource], now: int
) -> tuple[list[Row], dict[str, tuple[str, str]]]:
    """Returns a user's meters, except where they may use nothing and do not.

    Returns:
        The meters, and the projects that they are of: name and state by UUID, no state for an active one.
    """
    visible = [
        quota
        for quota in quotas.quotas_of_user(connection, user.id, now)
        if quota.resource not in resources or resources[quota.resource].ui_visible
    ]
    found = {uuid: projects.find(connection, uuid) for uuid in {quota.project for quota in visible}}
    known = {uuid: project for uuid, project in found.items() if project is not None}
    rows = [
        _row(quota, resources.get(quota.resource), known[quota.project])
        for quota in visible
        if quota.project in known
    ]
    names = {
        uuid: (
            OWN if project.system_project else project.name,
            "" if project.state is ProjectState.ACTIVE else project.state.value,
        )
        for uuid, project in known.items()
    }
    return [row for row in rows if row.own.limit > 0 or row.own.taken > 0], names


def _row(quota: UserQuota, resource: Resource | None, project: Project) -> Row:
    own, above = (meter_of(quota, resource, one) for one in (quota.member_level, quota.project_level))
    is_shared = not above.is_unlimited and not project.system_project
    return Row(own, above if is_shared else None, quota.project)


def meter_of(quota: UserQuota, resource: Resource | None, holding: Holding) -> Meter:
    """Returns what one level of a quota shows: the user's own, or that of all members of the project."""
    return Meter(
        quota.resource,
        holding.usage_min,
        holding.pending,
        holding.limit,
        None if resource is None else resource.unit,
        0 if resource is None else resource.scale,
        "" if resource is None else resource.description,
        "" if quota.period is None else quota.period.words,
        None if quota.period is None else quota.period.resets,
    )
