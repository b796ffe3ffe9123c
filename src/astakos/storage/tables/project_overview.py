"""Reads shared projects and their members as operators look through them."""

import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from astakos.projects.project import MembershipState, ProjectState
from astakos.storage.protocol import Connection

PENDING = """
(SELECT MAX(a.id) FROM project_applications a WHERE a.project_id = p.id AND a.state = 'pending')
"""
PROJECTS = f"""
SELECT p.name, p.uuid, p.state, u.email, COALESCE(c.members, 0), p.max_members, {PENDING}, p.end_date,
    above.name
FROM projects p LEFT JOIN users u ON u.uuid = p.owner LEFT JOIN projects above ON above.uuid = p.parent
LEFT JOIN member_counts c ON c.project_id = p.id
WHERE NOT p.system_project
"""
HAS_MEMBER = """
p.id IN (
    SELECT m.project_id FROM users member JOIN memberships m ON m.user_id = member.id
    WHERE member.uuid = ? AND m.state IN ('accepted', 'leave_requested', 'suspended')
)
"""
LIST_MEMBERS = """
SELECT m.id, u.email, u.uuid, m.state, m.entered
FROM projects p JOIN memberships m ON m.project_id = p.id JOIN users u ON u.id = m.user_id
WHERE p.uuid = ?
"""


class ListedProject(NamedTuple):
    """A project in a list.

    Attributes:
        owner: the email address of the owner, if it has one.
        members: how many places are taken.
        pending_application: the number of the application that waits for a decision, if one does.
        end_date: in microseconds.
        parent: the name of the project that it is within, if any.
    """

    name: str
    uuid: str
    state: ProjectState
    owner: str | None
    members: int
    max_members: int
    pending_application: int | None
    end_date: int
    parent: str | None


class ListedMember(NamedTuple):
    """A membership in a list; `entered` says when it entered which state, as far as that is known."""

    id: int
    email: str
    user: str
    state: MembershipState
    entered: Mapping[str, int]


def list_shared_projects(
    connection: Connection,
    *,
    states: Collection[ProjectState],
    owner: str | None,
    member: str | None,
    parent: str | None,
    only_pending: bool,
) -> list[ListedProject]:
    """Lists projects other than system projects, in the order in which they were added.

    Args:
        connection: the connection.
        states: only projects in these states.
        owner: only projects of this user, by uuid.
        member: only projects with this member, by uuid.
        parent: only projects directly within this one, by uuid.
        only_pending: only projects with an application that waits for a decision.
    """
    conditions: list[tuple[str, Collection[Any]]] = [(f"p.state IN ({_places(states)})", states)]
    if owner is not None:
        conditions.append(("p.owner = ?", [owner]))
    if member is not None:
        conditions.append((HAS_MEMBER, [member]))
    if parent is not None:
        conditions.append(("p.parent = ?", [parent]))
    if only_pending:
        conditions.append((f"{PENDING} IS NOT NULL", []))
    statement = " AND ".join((PROJECTS, *(condition for condition, _ in conditions)))
    values = [value for _, values in conditions for value in values]
    return [_project(row) for row in connection.execute(f"{statement} ORDER BY p.id", values)]


def list_members(
    connection: Connection, project: str, states: Collection[MembershipState]
) -> list[ListedMember]:
    """Lists the memberships of a project that are in one of these states, the oldest first."""
    statement = f"{LIST_MEMBERS} AND m.state IN ({_places(states)}) ORDER BY m.id"
    return [_member(row) for row in connection.execute(statement, (project, *states))]


def _places(values: Collection[Any]) -> str:
    return ", ".join("?" * len(values))


def _project(row: tuple[Any, ...]) -> ListedProject:
    name, uuid, state, *others = row
    return ListedProject(name, uuid, ProjectState(state), *others)


def _member(row: tuple[Any, ...]) -> ListedMember:
    identifier, email, user, state, entered = row
    times = {} if entered is None else json.loads(entered)
    return ListedMember(identifier, email, user, MembershipState(state), times)
