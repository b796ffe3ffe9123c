"""The project that each accepted user has for themselves (`identity-and-projects.md` §3.5)."""

from collections.abc import Mapping

from astakos.administration.limit_updates import sync_project
from astakos.directory.entities import User
from astakos.projects.limits import SYSTEM_PROJECT_LIFETIME
from astakos.projects.project import Capacity, Membership, MembershipState, Policy, Project, ProjectState
from astakos.storage.protocol import Connection
from astakos.storage.tables import deactivations, projects


def save_system_project(connection: Connection, user: User, quotas: Mapping[str, int], now: int) -> None:
    """Let an accepted user have a system project, from which they alone draw; it is active if the user is.

    The resources of the quotas exist; others have their default limits.
    """
    known = projects.find(connection, user.uuid)
    projects.save(
        connection,
        Project(
            uuid=user.uuid,
            name=f"system:{user.uuid}",
            state=ProjectState.ACTIVE if user.is_active else ProjectState.SUSPENDED,
            system_project=True,
            owner=None,
            homepage="",
            description="",
            comments="",
            creation_date=known.creation_date if known else now,
            end_date=known.end_date if known else now + SYSTEM_PROJECT_LIFETIME,
            join_policy=Policy.CLOSED,
            leave_policy=Policy.CLOSED,
            max_members=1,
            private=True,
        ),
    )
    membership = MembershipState.ACCEPTED if user.is_active else MembershipState.SUSPENDED
    projects.save_memberships(connection, user.uuid, [Membership(user.uuid, membership, ever_accepted=True)])
    if not user.is_active:
        deactivations.note(connection, user.uuid, user.uuid, deactivations.PROJECT)
        deactivations.note(connection, user.uuid, user.uuid, deactivations.MEMBERSHIP)
    capacities = {name: Capacity(limit, limit) for name, limit in quotas.items()}
    projects.save_capacities(connection, user.uuid, capacities)
    sync_project(connection, user.uuid)
