"""`ui/projects`: the reader's projects and requests, and the projects that they may join."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from astakos.http.pages.page_kinds import user_page
from astakos.http.pages.projects.project_limits import JOINING
from astakos.http.pages.projects.visited_project import PROJECTS
from astakos.http.pages.user_meters import OWN
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.pages.tables import Column, page_of_list, state_of
from astakos.projects.project import ApplicationState, MembershipState
from astakos.projects.visibility import sees
from astakos.storage.protocol import Connection
from astakos.storage.tables import project_applications, projects
from astakos.storage.tables.project_search import (
    FoundProject,
    OwnMembership,
    ProjectPage,
    find_joinable,
    list_related,
)

MOST_RELATED: Final = 1000
SIZE: Final = 25
COLUMNS: Final = (
    Column("name", "Project"),
    Column("role", "You are"),
    Column("state", "State"),
    Column("members", "Members", is_number=True),
    Column("ends", "Ends"),
)


class RelatedProject(NamedTuple):
    """A project of the reader.

    Attributes:
        found: The project.
        name: What pages call it; "" if the reader does not see it and has only asked to join.
        role: What the reader is there.
        membership: Their membership or request.
        application: What has become of the last application, if the reader looks after the project.
    """

    found: FoundProject
    name: str
    role: str
    membership: OwnMembership | None
    application: ApplicationState | None


async def project_list(visit: UserVisit) -> Answer:
    """Shows the page."""
    query = visit.request.query
    state = state_of(query, f"{visit.site.base}{PROJECTS}", COLUMNS, sort="name", size=SIZE)
    related, joinable = await visit.service.read(_find, visit, state.search, query.get("after") or None)
    page = page_of_list(
        state,
        related,
        {
            "name": lambda one: (one.role != OWN, one.name.lower()),
            "role": lambda one: one.role,
            "state": lambda one: one.found.state,
            "members": lambda one: one.found.members,
            "ends": lambda one: one.found.end_date,
        },
    )
    return visit.page(
        "projects/list.html",
        state=state,
        page=page,
        joinable=joinable,
        joining=JOINING,
        is_cut=len(related) >= MOST_RELATED,
        after=query.get("after", ""),
    )


def _find(
    connection: Connection, visit: UserVisit, search: str, after: str | None
) -> tuple[Sequence[RelatedProject], ProjectPage]:
    found = list_related(connection, visit.user.id, visit.user.uuid, most=MOST_RELATED)
    related = [_related(connection, visit, project, membership) for project, membership in found]
    return related, find_joinable(connection, visit.user.id, search=search, after=after, most=SIZE)


def _related(
    connection: Connection, visit: UserVisit, found: FoundProject, membership: OwnMembership | None
) -> RelatedProject:
    user, name, application = visit.user.uuid, found.name, None
    if found.uuid == user:
        return RelatedProject(found, OWN, OWN, membership, None)
    if found.owner == user:
        last = project_applications.find_last(connection, found.uuid)
        application = None if last is None else last.state
    elif membership is not None and membership.state is MembershipState.REQUESTED:
        # Whoever knows its UUID can ask to join a project that they do not see, which has a name of its own.
        project = projects.find(connection, found.uuid)
        is_seen = project is not None and sees(visit.actor(connection), project, membership.state)
        name = found.name if is_seen else ""
    return RelatedProject(found, name, _role(found, membership, user), membership, application)


def _role(found: FoundProject, membership: OwnMembership | None, user: str) -> str:
    roles = ["owner"] if found.owner == user else []
    match None if membership is None else membership.state:
        case MembershipState.REQUESTED:
            roles.append("asking to join")
        case MembershipState.LEAVE_REQUESTED:
            roles.append("member, asking to leave")
        case MembershipState.SUSPENDED:
            roles.append("suspended")
        case MembershipState.ACCEPTED:
            roles.append("member")
    return ", ".join(roles)


ROUTES = (user_page(PROJECTS, project_list),)
