"""Projects as the API shows them: with their visible capacities and their last application, page by page."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from astakos.projects.project import ACCEPTED_TYPE, Application, Capacity, Project, ProjectState
from astakos.projects.visibility import Mode
from astakos.storage.protocol import Connection
from astakos.storage.tables.project_applications import SELECT as SELECT_APPLICATIONS
from astakos.storage.tables.project_applications import read_application
from astakos.storage.tables.projects import COLUMNS, read_project
from astakos.storage.texts import is_storable

PAGE = 128
"""How many projects are read at once."""
PLACES = ", ".join("?" * PAGE)
SELECT = f"SELECT id, {COLUMNS} FROM projects WHERE id > ?"
FIND = f"SELECT id, {COLUMNS} FROM projects WHERE uuid = ?"
FIND_NUMBER = "SELECT id FROM projects WHERE uuid = ?"
WITH_NAME = "name = ?"
IN_STATE = "state = ?"
OWNED_BY = "owner = ?"
# Each part of the union has an index; a condition with OR would be tested on every project.
RELATED = f"""
id IN (
    SELECT id FROM projects WHERE owner = ? UNION
    SELECT project_id FROM memberships WHERE user_id = ? AND state IN ({", ".join("?" * len(ACCEPTED_TYPE))})
)
"""
DRAWN_FROM = """
state = 'active' AND id IN (
    SELECT project_id FROM memberships WHERE user_id = ? AND state IN ('accepted', 'leave_requested')
)
"""
PUBLIC = "state = 'active' AND NOT private"
LIST_CAPACITIES = f"""
SELECT c.project_id, r.name, c.project_capacity, c.member_capacity
FROM project_resources c JOIN resources r ON r.id = c.resource_id
WHERE c.project_id IN ({PLACES}) AND r.api_visible ORDER BY r.id
"""
LIST_LAST_APPLICATIONS = f"""
{SELECT_APPLICATIONS} WHERE a.id IN (
    SELECT MAX(id) FROM project_applications WHERE project_id IN ({PLACES}) GROUP BY project_id
)
"""


class Viewer(NamedTuple):
    """Who asks for projects: a user by row and uuid, and whether they see all projects."""

    id: int
    uuid: str
    is_project_admin: bool


class Filters(NamedTuple):
    """Which projects are wanted; None for any."""

    mode: Mode = Mode.DEFAULT
    name: str | None = None
    state: ProjectState | None = None
    owner: str | None = None


class Listed(NamedTuple):
    """A project with its capacities of visible resources, and its last application if it has one."""

    project: Project
    capacities: dict[str, Capacity]
    last_application: Application | None


def find_listed(connection: Connection, uuid: str) -> Listed | None:
    """Finds a project by uuid."""
    if not is_storable(uuid):
        return None
    found = list(_completed(connection, connection.execute(FIND, (uuid,)).fetchall()))
    return found[0] if found else None


def read_projects(
    connection: Connection, viewer: Viewer, filters: Filters, *, after: str | None = None, most: int
) -> Iterator[Listed]:
    """Reads the projects that a viewer sees in a list, in the order in which they were created.

    Args:
        connection: a connection on which nothing else is read meanwhile.
        viewer: who asks.
        filters: which projects are wanted.
        after: only those after the project with this uuid; none if there is no such project.
        most: at most so many.
    """
    if not all(map(is_storable, filter(None, (filters.name, filters.owner, after)))):
        return
    last = 0
    if after is not None:
        row = connection.execute(FIND_NUMBER, (after,)).fetchone()
        if row is None:
            return
        last = row[0]
    conditions, values = _conditions(viewer, filters)
    statement = f"{' AND '.join((SELECT, *conditions))} ORDER BY id LIMIT ?"
    while most > 0:
        size = min(PAGE, most)
        rows = connection.execute(statement, (last, *values, size)).fetchall()
        yield from _completed(connection, rows)
        if len(rows) < size:
            return
        last, most = rows[-1][0], most - size


def _conditions(viewer: Viewer, filters: Filters) -> tuple[list[str], list[Any]]:
    conditions: list[str] = []
    values: list[Any] = []
    for condition, value in ((WITH_NAME, filters.name), (IN_STATE, filters.state), (OWNED_BY, filters.owner)):
        if value is not None:
            conditions.append(condition)
            values.append(value)
    if filters.mode is Mode.MEMBER:
        conditions.append(DRAWN_FROM)
        values.append(viewer.id)
    elif viewer.is_project_admin:
        pass
    elif filters.mode is Mode.ACTIVE:
        conditions.append(PUBLIC)
    else:
        conditions.append(RELATED)
        values += [viewer.uuid, viewer.id, *ACCEPTED_TYPE]
    return conditions, values


def _completed(connection: Connection, rows: list[tuple[Any, ...]]) -> Iterator[Listed]:
    if not rows:
        return
    numbers = _padded([row[0] for row in rows])
    capacities: dict[int, dict[str, Capacity]] = {}
    for number, name, project_capacity, member_capacity in connection.execute(LIST_CAPACITIES, numbers):
        capacities.setdefault(number, {})[name] = Capacity(project_capacity, member_capacity)
    applications = {
        application.project: application
        for application in map(read_application, connection.execute(LIST_LAST_APPLICATIONS, numbers))
    }
    for row in rows:
        project = read_project(row[1:])
        yield Listed(project, capacities.get(row[0], {}), applications.get(project.uuid))


def _padded(numbers: Iterable[int]) -> list[int]:
    """Fills the places of a statement by repeating the last number."""
    filled = list(numbers)
    return filled + filled[-1:] * (PAGE - len(filled))
