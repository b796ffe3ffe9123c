"""Projects and their capacities."""

from collections.abc import Iterator, Mapping
from typing import Any

from astakos.projects.project import Capacity, Policy, Project, ProjectState
from astakos.storage.protocol import Connection
from astakos.storage.texts import is_storable

DIGITS_OF_A_NUMBER = 18
"""The most digits that an internal number can have in every database."""
COLUMNS = """
uuid, name, state, system_project, owner, homepage, description, comments, creation_date, end_date,
join_policy, leave_policy, max_members, private, deactivated, parent
"""
FIND = f"SELECT {COLUMNS} FROM projects WHERE uuid = ?"
FIND_BY_NUMBER = f"SELECT {COLUMNS} FROM projects WHERE id = ?"
LIST = f"SELECT {COLUMNS} FROM projects ORDER BY id"
LIST_NAMED = f"SELECT {COLUMNS} FROM projects WHERE name = ? ORDER BY id"
SAVE = f"""
INSERT INTO projects ({COLUMNS}) VALUES ({", ".join("?" * len(Project.__slots__))})
ON CONFLICT (uuid) DO UPDATE SET
    name = excluded.name, state = excluded.state, owner = excluded.owner, homepage = excluded.homepage,
    description = excluded.description, comments = excluded.comments,
    creation_date = excluded.creation_date, end_date = excluded.end_date,
    join_policy = excluded.join_policy, leave_policy = excluded.leave_policy,
    max_members = excluded.max_members, private = excluded.private,
    deactivated = COALESCE(excluded.deactivated, projects.deactivated), parent = excluded.parent
"""
LIST_ACTIVE_OF_OWNER = (
    f"SELECT {COLUMNS} FROM projects WHERE (uuid = ? OR owner = ?) AND state = 'active' ORDER BY id"
)
FIND_NAMESAKE = """
SELECT uuid FROM projects WHERE name = ? AND uuid <> ? AND state IN ('active', 'suspended')
ORDER BY id LIMIT 1
"""
# The second condition lets the partial index find the users.
RESET_DEFAULT = """
UPDATE users SET default_project = uuid WHERE default_project = ? AND default_project <> uuid
"""
RESET_DEFAULT_OF_REMOVED = f"""
{RESET_DEFAULT} AND id IN (
    SELECT m.user_id FROM projects p JOIN memberships m ON m.project_id = p.id
    WHERE p.uuid = ? AND m.state = 'removed'
)
"""
COUNT = "SELECT COUNT(*) FROM projects WHERE system_project = ?"
LIST_CAPACITIES = """
SELECT r.name, c.project_capacity, c.member_capacity
FROM projects p
JOIN project_resources c ON c.project_id = p.id
JOIN resources r ON r.id = c.resource_id
WHERE p.uuid = ? ORDER BY r.id
"""
SAVE_CAPACITY = """
INSERT INTO project_resources (project_id, resource_id, project_capacity, member_capacity)
SELECT p.id, r.id, ?, ? FROM projects p, resources r WHERE p.uuid = ? AND r.name = ?
ON CONFLICT (project_id, resource_id) DO UPDATE SET
    project_capacity = excluded.project_capacity, member_capacity = excluded.member_capacity
"""
LIST_PROJECTS_OF = """
SELECT p.uuid FROM memberships m JOIN projects p ON p.id = m.project_id
WHERE m.user_id = ? AND m.state IN ('accepted', 'leave_requested') AND p.state = 'active' ORDER BY p.id
"""
FIND_PROJECTS_OF = f"""
SELECT {COLUMNS} FROM projects WHERE state = 'active' AND id IN (
    SELECT project_id FROM memberships WHERE user_id = ? AND state IN ('accepted', 'leave_requested')
)
ORDER BY id
"""


def read_project(row: tuple[Any, ...]) -> Project:
    """Returns the project in a row of `COLUMNS`."""
    fields: dict[str, Any] = dict(zip(Project.__slots__, row, strict=True))
    fields["state"] = ProjectState(fields["state"])
    fields["join_policy"] = Policy(fields["join_policy"])
    fields["leave_policy"] = Policy(fields["leave_policy"])
    fields["system_project"] = bool(fields["system_project"])
    fields["private"] = bool(fields["private"])
    return Project(**fields)


def find(connection: Connection, uuid: str) -> Project | None:
    """Finds a project by uuid."""
    if not is_storable(uuid):
        return None
    row = connection.execute(FIND, (uuid,)).fetchone()
    return None if row is None else read_project(row)


def find_by_uuid_or_number(connection: Connection, key: str) -> Project | None:
    """Finds a project by uuid in any case, or by the number of its row (`http-api.md` §9)."""
    found = find(connection, key.lower())
    if found is None and key.isascii() and key.isdigit() and len(key) <= DIGITS_OF_A_NUMBER:
        row = connection.execute(FIND_BY_NUMBER, (int(key),)).fetchone()
        return None if row is None else read_project(row)
    return found


def list_active_of_owner(connection: Connection, user: str) -> list[Project]:
    """Lists the active projects that a user owns, and their system project."""
    return [read_project(row) for row in connection.execute(LIST_ACTIVE_OF_OWNER, (user, user))]


def list_projects(connection: Connection) -> Iterator[Project]:
    """Lists all projects in the order in which they were added."""
    return map(read_project, connection.execute(LIST))


def list_named(connection: Connection, name: str) -> list[Project]:
    """Lists the projects with a name, whatever their state, in the order in which they were added."""
    return list(map(read_project, connection.execute(LIST_NAMED, (name,)))) if is_storable(name) else []


def count(connection: Connection, *, system_projects: bool) -> int:
    """Counts users' system projects, or all other projects."""
    (number,) = connection.execute(COUNT, (system_projects,)).fetchone()
    return int(number)


def find_namesake(connection: Connection, project: Project) -> str | None:
    """Returns the uuid of another active or suspended project of the same name (§3.2)."""
    return find_holder_of_name(connection, project.name, project.uuid)


def find_holder_of_name(connection: Connection, name: str, other_than: str = "") -> str | None:
    """Returns the uuid of the active or suspended project that has a name, other than one project."""
    row = connection.execute(FIND_NAMESAKE, (name, other_than)).fetchone()
    return None if row is None else str(row[0])


def reset_default_project(connection: Connection, project: Project) -> None:
    """Lets users whose membership was removed, or all if the project has ended, draw from their own project.

    It is their default project again (`identity-and-projects.md` §1).
    """
    if project.state in (ProjectState.TERMINATED, ProjectState.DELETED):
        connection.execute(RESET_DEFAULT, (project.uuid,))
    else:
        connection.execute(RESET_DEFAULT_OF_REMOVED, (project.uuid, project.uuid))


def save(connection: Connection, project: Project) -> None:
    """Stores a project's definition; replaces one with the same uuid, but keeps when it was deactivated."""
    connection.execute(
        SAVE,
        (
            project.uuid,
            project.name,
            project.state,
            project.system_project,
            project.owner,
            project.homepage,
            project.description,
            project.comments,
            project.creation_date,
            project.end_date,
            project.join_policy,
            project.leave_policy,
            project.max_members,
            project.private,
            project.deactivated,
            project.parent,
        ),
    )


def capacities_of(connection: Connection, project: str) -> dict[str, Capacity]:
    """Returns the capacities that a project sets, by resource."""
    return {row[0]: Capacity(row[1], row[2]) for row in connection.execute(LIST_CAPACITIES, (project,))}


def save_capacities(connection: Connection, project: str, capacities: Mapping[str, Capacity]) -> None:
    """Sets a project's capacities for existing resources."""
    connection.executemany(
        SAVE_CAPACITY,
        ((capacity.project, capacity.member, project, name) for name, capacity in capacities.items()),
    )


def active_projects_of(connection: Connection, user: int) -> list[str]:
    """Lists the uuids of the active projects that a user can draw from (`http-api.md` §7.2)."""
    return [uuid for (uuid,) in connection.execute(LIST_PROJECTS_OF, (user,))]


def find_active_projects_of(connection: Connection, user: int) -> list[Project]:
    """Lists the same projects with their definitions."""
    return [read_project(row) for row in connection.execute(FIND_PROJECTS_OF, (user,))]
