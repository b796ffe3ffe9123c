"""The holdings that follow from a project, and their limits (`quota-semantics.md` §6)."""

from collections.abc import Iterable, Iterator, Mapping

from astakos.clock import DAY
from astakos.directory.entities import Resource
from astakos.ledger.rules import Key
from astakos.projects.project import DRAWING, INITIALIZED, Capacity, Membership, ProjectState

SYSTEM_PROJECT_LIFETIME = 100 * 365 * DAY
USER = "user:"


def user_holder(uuid: str) -> str:
    """The holder that a user is in the ledger."""
    return USER + uuid


def project_holder(uuid: str) -> str:
    """The holder, and to its members the source, that a project is in the ledger."""
    return f"project:{uuid}"


def uuid_of_user(holder: str) -> str | None:
    """The uuid of the user that a holder is, None if it is none."""
    return holder.removeprefix(USER) if holder.startswith(USER) else None


def default_capacity(resource: Resource, *, system_project: bool) -> Capacity:
    """The capacity of a resource that a project is not given one of when it is first activated (§3.4)."""
    limit = resource.system_default if system_project else resource.project_default
    return Capacity(limit, limit)


def limits(
    project: str,
    state: ProjectState,
    capacities: Mapping[str, Capacity],
    memberships: Iterable[Membership],
) -> Iterator[tuple[Key, int]]:
    """The limit of every holding that a project brings about, at the project's level and at each member's.

    Args:
        project: its uuid.
        state: only an active project lets anybody draw; before it is initialized it brings about nothing.
        capacities: one for every registered resource, by name.
        memberships: those whose holdings are asked for.
    """
    if state not in INITIALIZED:
        return
    active = state is ProjectState.ACTIVE
    source = project_holder(project)
    for resource, capacity in capacities.items():
        yield Key(source, None, resource), capacity.project if active else 0
    for membership in memberships:
        if not membership.ever_accepted:
            continue
        draws = active and membership.state in DRAWING
        for resource, capacity in capacities.items():
            yield Key(user_holder(membership.user), source, resource), capacity.member if draws else 0
