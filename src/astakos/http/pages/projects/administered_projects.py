"""`ui/admin/projects`: all projects, and the applications that wait for a decision, for administrators."""

from typing import Final, NamedTuple

from astakos.administration.permitted_actions import Permitted, permitted
from astakos.http.pages.filters import chosen_of, options_of
from astakos.http.pages.page_kinds import administrator_page
from astakos.http.pages.projects.project_limits import Comparison, compared, visible_resources
from astakos.http.pages.projects.project_page import QUEUE
from astakos.http.pages.projects.visited_project import sentence
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.http.routing import serial_of
from astakos.pages.tables import Column, TableState, state_of
from astakos.projects.project import ApplicationState, Project, ProjectState
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, registry
from astakos.storage.tables.application_queue import MOST_COUNTED, count_waiting, list_last
from astakos.storage.tables.project_search import Order, ProjectPage, find_projects

ALL: Final = "/ui/admin/projects"
SIZE: Final = 50
APPLICATIONS: Final = 10
COLUMNS: Final = (Column("name", "Project"),)
STATES: Final = ("", *ProjectState)


class Queued(NamedTuple):
    """An application in the queue: its project, what it asks for, and what can be done about it."""

    project: Project
    comparison: Comparison
    can: Permitted
    obstacle: str


async def all_projects(visit: UserVisit) -> Answer:
    """Shows all projects that match a search."""
    query = visit.request.query
    path = f"{visit.site.base}{ALL}"
    state = state_of(query, path, COLUMNS, sort="name", size=SIZE)
    order = Order.NAME if query.get("sort") == Order.NAME else Order.NEWEST
    errors: dict[str, str] = {}
    given = query.get("state", "")
    chosen = chosen_of(list(ProjectState), given, "state", errors)
    wanted = ProjectState(chosen) if chosen else None
    of_users = query.get("of") == "users"
    page, waiting = await visit.service.read(_find, state, wanted, order, of_users)
    if errors:
        page = ProjectPage([], None)
    return visit.page(
        "projects/all.html",
        state=state,
        page=page,
        order=order.value,
        wanted=given,
        states=options_of(list(ProjectState), given, "any"),
        errors=errors,
        of_users=of_users,
        waiting=waiting,
        most_waiting=MOST_COUNTED,
        after=query.get("after", ""),
        tab="all",
    )


def _find(
    connection: Connection, state: TableState, wanted: ProjectState | None, order: Order, of_users: bool
) -> tuple[ProjectPage, int]:
    page = find_projects(
        connection,
        search=state.search,
        state=wanted,
        system_projects=of_users,
        order=order,
        after=state.query.get("after") or None,
        most=SIZE,
    )
    return page, count_waiting(connection)


async def applications(visit: UserVisit) -> Answer:
    """Shows the applications that wait for a decision, the oldest first; or those that have been denied."""
    query = visit.request.query
    state = ApplicationState.DENIED if query.get("show") == "denied" else ApplicationState.PENDING
    after = query.get("after", "")
    number = serial_of(after) if after.isascii() and after.isdigit() else 0
    found, more = await visit.service.read(_queue, visit, state, number)
    path = f"{visit.site.base}{QUEUE}"
    return visit.page(
        "projects/queue.html",
        queue=found,
        show=state.value,
        state=state_of(query, path, COLUMNS, sort="name"),
        next=str(found[-1].comparison.application.id) if more else "",
        after=after if number else "",
        tab="queue",
    )


def _queue(
    connection: Connection, visit: UserVisit, state: ApplicationState, after: int
) -> tuple[list[Queued], bool]:
    found = list_last(connection, state, after=after, most=APPLICATIONS + 1)
    resources = visible_resources(registry.list_resources(connection))
    actor, now = visit.actor(connection), visit.site.now
    queue = []
    for application in found[:APPLICATIONS]:
        project = projects.find(connection, application.project)
        if project is None:
            continue
        can = permitted(connection, actor, visit.user, project, None, application, now)
        comparison = compared(connection, application, project, resources, now)
        queue.append(Queued(project, comparison, can, sentence(can.obstacle) if can.obstacle else ""))
    return queue, len(found) > APPLICATIONS


ROUTES = (administrator_page(ALL, all_projects), administrator_page(QUEUE, applications))
