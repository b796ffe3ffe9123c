"""The meters that a user sees: what they have of each resource in each project, and what all members have."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from astakos.directory.entities import Resource, User
from astakos.http.pages.own_grants import OwnGrant, is_granted, lifted_by, own_grants
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


class UserMeters(NamedTuple):
    """What a user has.

    Attributes:
        rows: Their meters, except where they may use nothing and do not.
        names: The projects that these and the grants are of: name and state by UUID, no state for an active
            one.
        grants: The grants that they can draw on, in the order in which they expire.
    """

    rows: list[Row]
    names: dict[str, tuple[str, str]]
    grants: list[OwnGrant]


def meters_of(
    connection: Connection,
    user: User,
    resources: Mapping[str, Resource],
    now: int,
    project: str | None = None,
) -> UserMeters:
    """Returns what a user has: in all projects, or in one, given by UUID."""
    read = list(quotas.quotas_of_user(connection, user.id, now, project))
    visible = [
        quota for quota in read if quota.resource not in resources or resources[quota.resource].ui_visible
    ]
    concerned = {quota.project for quota in visible} | {one.project for one in read if is_granted(one)}
    found = {uuid: projects.find(connection, uuid) for uuid in concerned}
    known = {uuid: project for uuid, project in found.items() if project is not None}
    lifted = lifted_by(read, now)
    rows = [
        _row(
            quota,
            resources.get(quota.resource),
            known[quota.project],
            lifted.get((quota.project, quota.resource), 0),
        )
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
    shown = [row for row in rows if row.own.limit > 0 or row.own.taken > 0 or row.own.granted > 0]
    return UserMeters(shown, names, own_grants(read, names, resources, now))


def _row(quota: UserQuota, resource: Resource | None, project: Project, granted: int) -> Row:
    own = meter_of(quota, resource, quota.member_level, granted)
    above = None if project.system_project else meter_of(quota, resource, quota.project_level)
    return Row(own, None if above is None or above.is_unlimited else above, quota.project)


def meter_of(quota: UserQuota, resource: Resource | None, holding: Holding, granted: int = 0) -> Meter:
    """Returns what one level of a quota shows: the user's own, or that of all members of the project.

    `granted` is what can be drawn from grants when the limit is reached.
    """
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
        granted,
    )
