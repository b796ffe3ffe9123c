"""`admin/stats`: figures of the installation (`http-api.md` §11)."""

from typing import TypedDict

from astakos.directory.entities import User
from astakos.http.faults import Forbidden
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import users
from astakos.storage.tables.statistics import read_statistics

GROUP = "admin-stats"
"""The group whose members see all figures."""


class UserFigures(TypedDict):
    """How many users there are, and how many of them are active."""

    total: int
    active: int


class PublicStatistics(TypedDict):
    """What everybody sees."""

    users: UserFigures


class UsageFigures(TypedDict):
    """What all projects together use of a resource; `pending` is the part that is not settled."""

    usage: int
    pending: int


class ApplicationFigures(TypedDict):
    """How many applications for projects wait for a decision."""

    pending: int


class CommissionFigures(TypedDict):
    """How many commissions are pending."""

    pending: int


class DetailedStatistics(TypedDict):
    """What members of the group see. Projects and memberships are counted by state, usage by resource.

    System projects are counted apart; their memberships are not counted.
    """

    users: UserFigures
    system_projects: dict[str, int]
    projects: dict[str, int]
    memberships: dict[str, int]
    applications: ApplicationFigures
    commissions: CommissionFigures
    usage: dict[str, UsageFigures]


@described("statistics.statistics", answers={200: Reply(PublicStatistics)})
async def statistics(service: Service, _request: Request) -> Answer:
    """Counts users. Needs no token."""
    counts = await service.user_counts()
    document: PublicStatistics = {"users": {"total": counts.total, "active": counts.active}}
    return Answer(body=to_json(document))


@described("statistics.detailed_statistics", answers={200: Reply(DetailedStatistics)}, faults=[Forbidden])
async def detailed_statistics(service: Service, _request: Request, user: User) -> Answer:
    """Counts users, projects, memberships and what is pending, and sums up usage.

    Only members of the group `admin-stats` may call this.
    """
    if GROUP not in {group.name for group in await service.read(users.groups_of, user.id)}:
        raise Forbidden(f"Only members of the group {GROUP} may call this.")
    return Answer(body=await service.read_much(_detailed))


def _detailed(connection: Connection) -> bytes:
    found = read_statistics(connection)
    document: DetailedStatistics = {
        "users": {"total": found.users.total, "active": found.users.active},
        "system_projects": found.system_projects,
        "projects": found.projects,
        "memberships": found.memberships,
        "applications": {"pending": found.pending_applications},
        "commissions": {"pending": found.pending_commissions},
        "usage": {
            resource: {"usage": total.usage_max, "pending": total.usage_max - total.usage_min}
            for resource, total in found.usage.items()
        },
    }
    return to_json(document)
