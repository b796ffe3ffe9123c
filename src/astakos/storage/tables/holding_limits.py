"""Sets limits and adds holdings, as projects and memberships change. Never changes usage.

Statements change only what differs, since a server locks every row that a statement would change, and the
ledger waits for it. They take projects and memberships by ranges of ids where all are concerned, because a
server ends a statement that takes long.
"""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from astakos.directory.entities import Resource
from astakos.ledger.rules import UNLIMITED
from astakos.projects.limits import default_capacity, project_holder, user_holder
from astakos.projects.project import DRAWING, INITIALIZED, Capacity, ProjectState
from astakos.storage.protocol import Connection
from astakos.storage.tables.id_ranges import filled_ranges

AT_A_TIME = 10_000
"""How many projects or memberships one statement looks at; or how many holdings, if each has several."""


class Grant(NamedTuple):
    """What a project's holding of a resource allows the project and each member."""

    holding: int
    capacity: Capacity


def _states(states: Iterable[ProjectState]) -> str:
    return ", ".join(f"'{state}'" for state in states)


LIST_GRANTS = """
SELECT resource, id, "limit", member_limit FROM holdings WHERE holder = ? AND source = '' ORDER BY id
"""
ADD_GRANT = """
INSERT INTO holdings (holder, source, resource, "limit", member_limit, usage_min, usage_max)
VALUES (?, '', ?, ?, ?, 0, 0)
"""
SET_GRANT = 'UPDATE holdings SET "limit" = ?, member_limit = ? WHERE id = ?'
ADD_CAPACITIES = f"""
INSERT INTO project_resources (project_id, resource_id, project_capacity, member_capacity)
SELECT p.id, r.id, ?, ? FROM projects p, resources r
WHERE r.name = ? AND p.system_project = ? AND p.state IN ({_states(INITIALIZED)}) AND p.id > ? AND p.id <= ?
ON CONFLICT (project_id, resource_id) DO NOTHING
"""
# `projects.limits.granted`, in SQL.
ADD_GRANTS = f"""
INSERT INTO holdings (holder, source, resource, "limit", member_limit, usage_min, usage_max)
SELECT 'project:' || p.uuid, '', r.name,
       CASE WHEN p.state = '{ProjectState.ACTIVE}' THEN c.project_capacity ELSE 0 END,
       CASE WHEN p.state = '{ProjectState.ACTIVE}' THEN c.member_capacity ELSE 0 END, 0, 0
FROM projects p JOIN project_resources c ON c.project_id = p.id JOIN resources r ON r.id = c.resource_id
WHERE r.name = ? AND p.state IN ({_states(INITIALIZED)}) AND p.id > ? AND p.id <= ?
ORDER BY p.id
ON CONFLICT (holder, source, resource) DO NOTHING
"""
# `projects.limits.own_limit`, in SQL. A new holding has no allowance yet.
_drawing = ", ".join(f"'{state}'" for state in DRAWING)
OWN_LIMIT = f"CASE WHEN m.state IN ({_drawing}) THEN COALESCE(h.member_limit, {UNLIMITED}) ELSE 0 END"


def _syncing(condition: str) -> str:
    """Returns a statement that gives some members the holdings that their project has, with their limits.

    Not those of the project's grants, which are of no resource.
    """
    return f"""
INSERT INTO holdings (holder, source, resource, "limit", usage_min, usage_max)
SELECT 'user:' || u.uuid, p.holder, p.resource, {OWN_LIMIT}, 0, 0
FROM projects project
JOIN memberships m ON m.project_id = project.id
JOIN users u ON u.id = m.user_id
JOIN holdings p ON p.holder = 'project:' || project.uuid AND p.source = ''
JOIN resources r ON r.name = p.resource
LEFT JOIN holdings h ON h.holder = 'user:' || u.uuid AND h.source = p.holder AND h.resource = p.resource
WHERE m.ever_accepted AND (h.id IS NULL OR h."limit" <> {OWN_LIMIT}) AND {condition}
ORDER BY m.id, p.id
ON CONFLICT (holder, source, resource) DO UPDATE SET "limit" = excluded."limit"
"""


SYNC_MEMBER = _syncing("project.uuid = ? AND u.uuid = ?")
SYNC_PROJECT = _syncing("project.uuid = ? AND m.id > ? AND m.id <= ?")
SYNC_RESOURCE = _syncing("p.resource = ? AND m.id > ? AND m.id <= ?")
COUNT_GRANTS = "SELECT count(*) FROM holdings WHERE holder = ? AND source = ''"
FIND_PAGE = """
SELECT count(*), max(page.id) FROM (
    SELECT m.id FROM projects p JOIN memberships m ON m.project_id = p.id
    WHERE p.uuid = ? AND m.id > ? ORDER BY m.id LIMIT ?
) AS page
"""
FIND_ALLOWANCE = "SELECT member_limit FROM holdings WHERE holder = ? AND source = ? AND resource = ?"
SET_ALLOWANCE = "UPDATE holdings SET member_limit = ? WHERE holder = ? AND source = ? AND resource = ?"
LIST_ALLOWANCES = f"""
SELECT u.uuid, h.resource, h.member_limit
FROM projects p
JOIN memberships m ON m.project_id = p.id
JOIN users u ON u.id = m.user_id
JOIN holdings h ON h.holder = 'user:' || u.uuid AND h.source = 'project:' || p.uuid
WHERE p.uuid = ? AND h.member_limit < {UNLIMITED} ORDER BY h.id
"""
NEXT_PROJECT = "SELECT min(id) FROM projects WHERE id > ?"
NEXT_MEMBERSHIP = "SELECT min(id) FROM memberships WHERE id > ?"


def find_grants(connection: Connection, project: str) -> dict[str, Grant]:
    """Returns what a project allows now, by resource."""
    rows = connection.execute(LIST_GRANTS, (project_holder(project),))
    return {resource: Grant(identifier, Capacity(*limits)) for resource, identifier, *limits in rows}


def add_grants(connection: Connection, project: str, grants: Mapping[str, Capacity]) -> None:
    """Adds holdings to a project for more resources."""
    holder = project_holder(project)
    connection.executemany(
        ADD_GRANT, ((holder, resource, *capacity) for resource, capacity in grants.items())
    )


def set_grants(connection: Connection, grants: Iterable[Grant]) -> None:
    """Changes what holdings of projects allow."""
    connection.executemany(SET_GRANT, ((*grant.capacity, grant.holding) for grant in grants))


def sync_members(connection: Connection, project: str, users: Iterable[str]) -> None:
    """Adds the holdings that these members of a project lack, and sets their limits.

    Users who were never accepted get none.
    """
    connection.executemany(SYNC_MEMBER, ((project, user) for user in users))


def sync_project(connection: Connection, project: str) -> None:
    """Does the same for all members of a project, by pages of its memberships."""
    (grants,) = connection.execute(COUNT_GRANTS, (project_holder(project),)).fetchone()
    most = found = max(AT_A_TIME // max(grants, 1), 1)
    after = 0
    while found == most:
        found, last = connection.execute(FIND_PAGE, (project, after, most)).fetchone()
        if found:
            connection.execute(SYNC_PROJECT, (project, after, last))
            after = last


def find_allowance(connection: Connection, project: str, user: str, resource: str) -> int | None:
    """Returns what a member alone is allowed of a resource; None for somebody who was never a member."""
    key = (user_holder(user), project_holder(project), resource)
    row = connection.execute(FIND_ALLOWANCE, key).fetchone()
    return None if row is None else int(row[0])


def set_allowance(connection: Connection, project: str, user: str, resource: str, limit: int) -> None:
    """Sets what a member alone is allowed, which counts from the next `sync_members` on."""
    key = (user_holder(user), project_holder(project), resource)
    connection.execute(SET_ALLOWANCE, (limit, *key))


def allowances_of(connection: Connection, project: str) -> dict[str, dict[str, int]]:
    """Returns what single members are allowed, by user and resource, where it is limited."""
    found: dict[str, dict[str, int]] = {}
    for user, resource, limit in connection.execute(LIST_ALLOWANCES, (project,)):
        found.setdefault(user, {})[resource] = limit
    return found


def add_resource(connection: Connection, resource: Resource) -> None:
    """Gives all initialized projects a new resource with its default capacity, and them and their members the
    holdings for it.
    """
    for after, last in filled_ranges(connection, NEXT_PROJECT, AT_A_TIME):
        for system_project in (True, False):
            capacity = default_capacity(resource, system_project=system_project)
            connection.execute(ADD_CAPACITIES, (*capacity, resource.name, system_project, after, last))
        connection.execute(ADD_GRANTS, (resource.name, after, last))
    for after, last in filled_ranges(connection, NEXT_MEMBERSHIP, AT_A_TIME):
        connection.execute(SYNC_RESOURCE, (resource.name, after, last))
