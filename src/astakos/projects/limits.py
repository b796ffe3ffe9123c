"""The limits that follow from a project (`quota-semantics.md` §6).

A project that is initialized has a holding for each resource, and so has each member, for each resource, from
the first time that the membership is accepted. Limits are not copied to the members:

    the project's holding   holds what the project allows now: as a whole, and each member (`granted`)
    a member's holding      says whether the member draws, and how much alone (`own_limit`)

A member may use the smaller of both. So a project with any number of members is suspended, revived, or given
another capacity by changing its own holdings, one for each resource.
"""

from collections.abc import Mapping

from astakos.clock import DAY
from astakos.directory.entities import Resource
from astakos.ledger.rules import UNLIMITED
from astakos.projects.project import DRAWING, Capacity, MembershipState, ProjectState

SYSTEM_PROJECT_LIFETIME = 100 * 365 * DAY
USER = "user:"
PROJECT = "project:"


def user_holder(uuid: str) -> str:
    """Returns the ledger's name for a user."""
    return USER + uuid


def project_holder(uuid: str) -> str:
    """Returns the ledger's name for a project, as a holder and as its members' source."""
    return PROJECT + uuid


def uuid_of_user(holder: str) -> str | None:
    """Returns the uuid of the user that a holder names; None if it names no user."""
    return holder.removeprefix(USER) if holder.startswith(USER) else None


def uuid_of_project(holder: str) -> str | None:
    """Returns the uuid of the project that a holder or a source names; None if it names no project."""
    return holder.removeprefix(PROJECT) if holder.startswith(PROJECT) else None


def default_capacity(resource: Resource, *, system_project: bool) -> Capacity:
    """Returns the capacity that a project gets on its first activation if it sets none (§3.4)."""
    limit = resource.system_default if system_project else resource.project_default
    return Capacity(limit, limit)


def granted(state: ProjectState, capacities: Mapping[str, Capacity]) -> dict[str, Capacity]:
    """Returns what a project allows now: its capacities while it is active, otherwise nothing."""
    if state is ProjectState.ACTIVE:
        return dict(capacities)
    return dict.fromkeys(capacities, Capacity(0, 0))


def own_limit(state: MembershipState, allowance: int = UNLIMITED) -> int:
    """Returns the limit of a member's holding by itself; that of the project applies as well.

    Args:
        state: the state of the membership.
        allowance: what an operator allows this member alone.
    """
    return allowance if state in DRAWING else 0
