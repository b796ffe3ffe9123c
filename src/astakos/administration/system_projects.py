"""The system project of each accepted user (`identity-and-projects.md` §3.5)."""

from collections.abc import Mapping

from astakos.administration.limit_updates import sync_project
from astakos.directory.entities import User
from astakos.projects.limits import SYSTEM_PROJECT_LIFETIME
from astakos.projects.membership_times import placed
from astakos.projects.project import Capacity, MembershipState, Policy, Project, ProjectState
from astakos.storage.protocol import Connection
from astakos.storage.tables import deactivations, memberships, projects


def save_system_project(connection: Connection, user: User, quotas: Mapping[str, int], now: int) -> None:
    """Creates the system project of an accepted user, its only member; if there is one, sets its limits.

    A new one is active if the user is. All resources in `quotas` must exist; a new project gets default
    limits for the others.
    """
    if projects.find(connection, user.uuid) is None:
        _create(connection, user, now)
    capacities = {name: Capacity(limit, limit) for name, limit in quotas.items()}
    projects.save_capacities(connection, user.uuid, capacities)
    sync_project(connection, user.uuid)


def _create(connection: Connection, user: User, now: int) -> None:
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
            creation_date=now,
            end_date=now + SYSTEM_PROJECT_LIFETIME,
            join_policy=Policy.CLOSED,
            leave_policy=Policy.CLOSED,
            max_members=1,
            private=True,
        ),
    )
    state = MembershipState.ACCEPTED if user.is_active else MembershipState.SUSPENDED
    # Nobody asks for membership in their own project.
    membership = placed(user.uuid, None, state, now, asked=False)
    memberships.save(connection, user.uuid, [membership])
    if not user.is_active:
        deactivations.note(connection, user.uuid, user.uuid, deactivations.PROJECT)
        deactivations.note(connection, user.uuid, user.uuid, deactivations.MEMBERSHIP)
