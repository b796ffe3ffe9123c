"""The grants that a user can draw on: their own, and those of the projects that they draw from."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from astakos.directory.entities import Resource
from astakos.ledger.grants import NEVER
from astakos.storage.tables.grant_figures import ShownGrant
from astakos.storage.tables.quotas import UserQuota

MOST: Final = 20
"""How many grants a page lists: those that are drawn on first."""


class OwnGrant(NamedTuple):
    """A grant that a user can draw on.

    Attributes:
        resource: What it is of.
        unit: The unit of its amounts.
        scale: How many digits after the point these have.
        project: The name of the project in which it counts.
        is_shared: Whether all members of the project draw on it.
        grant: The grant.
        is_future: Whether it has not started.
    """

    resource: str
    unit: str | None
    scale: int
    project: str
    is_shared: bool
    grant: ShownGrant
    is_future: bool

    @property
    def is_for_ever(self) -> bool:
        """Whether it never expires."""
        return self.grant.expires >= NEVER


def is_granted(quota: UserQuota) -> bool:
    """Whether a quota has grants that a user can draw on."""
    return any(one.number is not None for one in (*quota.grants, *quota.project_grants))


def own_grants(
    read: Sequence[UserQuota],
    names: Mapping[str, tuple[str, str]],
    resources: Mapping[str, Resource],
    now: int,
) -> list[OwnGrant]:
    """Returns the grants that a user can draw on, in the order in which they expire.

    Args:
        read: The quotas of the user.
        names: The names of projects, by UUID, as `user_meters` returns them.
        resources: What is registered, by name.
        now: The present instant.
    """
    found: dict[int, OwnGrant] = {}
    for quota in read:
        resource = resources.get(quota.resource)
        name, _ = names.get(quota.project, ("", ""))
        # A grant in the user's own project is at both levels: it is theirs.
        for is_shared, listed in ((True, quota.project_grants), (False, quota.grants)):
            for one in listed:
                if one.number is not None and _is_visible(quota.resource, one, resources):
                    found[one.number] = OwnGrant(
                        quota.resource,
                        None if resource is None else resource.unit,
                        0 if resource is None else resource.scale,
                        name,
                        is_shared,
                        one,
                        one.starts > now,
                    )
    return sorted(found.values(), key=lambda one: one.grant.rank)


def _is_visible(base: str, grant: ShownGrant, resources: Mapping[str, Resource]) -> bool:
    """Whether users see the resource, or a limit that the grant lifts."""
    return any(name not in resources or resources[name].ui_visible for name in (base, *grant.lifts))


def lifted_by(read: Sequence[UserQuota], now: int) -> Mapping[tuple[str, str], int]:
    """Returns how much a user can draw on beyond the limits of meters, by project and meter."""
    found: dict[tuple[str, str], int] = {}
    for quota in read:
        for one in quota.grants:
            if one.number is not None and one.starts <= now:
                for meter in one.lifts:
                    place = quota.project, meter
                    found[place] = found.get(place, 0) + one.left
    return found
