"""The holdings that follow from a project, and their limits (`quota-semantics.md` §6)."""

from collections.abc import Iterable, Iterator, Mapping

from astakos.clock import DAY
from astakos.directory.entities import Resource
from astakos.ledger.rules import Key
from astakos.projects.project import DRAWING, INITIALIZED, Capacity, Membership, ProjectState

SYSTEM_PROJECT_LIFETIME = 100 * 365 * DAY
USER = "user:"
PROJECT = "project:"


def user_holder(uuid: str) -> str:
    """Return the ledger's name for a user."""
    return USER + uuid


def project_holder(uuid: str) -> str:
    """Return the ledger's name for a project, as a holder and as its members' source."""
    return PROJECT + uuid


def uuid_of_user(holder: str) -> str | None:
    """Return the uuid of the user that a holder names; None if it names no user."""
    return holder.removeprefix(USER) if holder.startswith(USER) else None


def default_capacity(resource: Resource, *, system_project: bool) -> Capacity:
    """Return the capacity that a project gets on its first activation if it sets none (§3.4)."""
    limit = resource.system_default if system_project else resource.project_default
    return Capacity(limit, limit)


def limits(
    project: str,
    state: ProjectState,
    capacities: Mapping[str, Capacity],
    memberships: Iterable[Membership],
) -> Iterator[tuple[Key, int]]:
    """Yield the limits of a project's holdings, at the project level and for each member.

    Args:
        project: the uuid of the project.
        state: an uninitialized project has no holdings; one that is not active has limits of 0.
        capacities: the capacity of every registered resource, by name.
        memberships: the memberships to yield limits for.
    """
    if state not in INITIALIZED:
        return
    active = state is ProjectState.ACTIVE
    source = project_holder(project)
    for resource, capacity in capacities.items():
        yield Key(source, None, resource), capacity.project if active else 0
    yield from member_limits(project, state, capacities, memberships)


def member_limits(
    project: str,
    state: ProjectState,
    capacities: Mapping[str, Capacity],
    memberships: Iterable[Membership],
) -> Iterator[tuple[Key, int]]:
    """Yield the limits of the members' holdings of an initialized project; see `limits`."""
    active = state is ProjectState.ACTIVE
    source = project_holder(project)
    for membership in memberships:
        if not membership.ever_accepted:
            continue
        draws = active and membership.state in DRAWING
        for resource, capacity in capacities.items():
            yield Key(user_holder(membership.user), source, resource), capacity.member if draws else 0
