"""Finds projects as people look for them, page by page.

No page examines more projects than a bound, so that a search with few matches is not one long read. A page
that ends at the bound can have few rows, and still have others after it.
"""

from collections.abc import Callable, Sequence
from enum import StrEnum
from operator import itemgetter
from typing import Any, NamedTuple

from astakos.projects.membership_actions import ASSOCIATED
from astakos.projects.project import ACCEPTED_TYPE, MembershipState, Policy, ProjectState
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, users
from astakos.storage.texts import is_storable

MOST_LOOKED_AT = 20_000
"""How many projects one page examines at most."""
ROW = """
SELECT p.id, p.uuid, p.name, p.state, p.system_project, p.owner, u.email, COALESCE(c.members, 0),
    p.max_members, p.end_date, p.join_policy, p.description
FROM projects p LEFT JOIN users u ON u.uuid = COALESCE(p.owner, p.uuid)
LEFT JOIN member_counts c ON c.project_id = p.id
"""
MATCHING = "lower(p.name) LIKE lower(?) ESCAPE '!'"
IS_PUBLIC = "p.state = 'active' AND NOT p.private"
IS_SHARED = "NOT p.system_project"
IS_OWN = "p.system_project"
NOT_ASSOCIATED = f"""
p.join_policy <> 'closed' AND NOT EXISTS (
    SELECT 1 FROM memberships m WHERE m.project_id = p.id AND m.user_id = ?
    AND m.state IN ({", ".join(f"'{state}'" for state in ASSOCIATED)})
)
"""
RELATED = f"""
{ROW} JOIN (
    SELECT id AS found FROM projects WHERE owner = ? UNION
    SELECT project_id FROM memberships WHERE user_id = ?
    AND state IN ({", ".join(f"'{state}'" for state in ASSOCIATED)})
) AS related ON related.found = p.id
WHERE p.state <> 'deleted' ORDER BY p.id DESC LIMIT ?
"""
MEMBERSHIPS = f"""
SELECT project_id, id, state FROM memberships
WHERE user_id = ? AND state IN ({", ".join(f"'{state}'" for state in ASSOCIATED)})
"""
OWNED_ONLY = f"""
SELECT p.uuid, p.name FROM projects p
WHERE p.owner = ? AND p.state = 'active' AND NOT EXISTS (
    SELECT 1 FROM memberships m WHERE m.project_id = p.id AND m.user_id = ?
    AND m.state IN ({", ".join(f"'{state}'" for state in ACCEPTED_TYPE)})
)
ORDER BY p.id DESC LIMIT ?
"""
OF_OWNER = f"""
{ROW} WHERE p.id IN (SELECT id FROM projects WHERE owner = ? UNION SELECT id FROM projects WHERE uuid = ?)
"""


class FoundProject(NamedTuple):
    """A project in a list.

    Attributes:
        id: its number, for the next page.
        owner: the uuid of the owner; None for a system project.
        email: the address of the owner, or of the user whose system project it is; None if there is nobody.
        members: how many places are taken.
    """

    id: int
    uuid: str
    name: str
    state: ProjectState
    system_project: bool
    owner: str | None
    email: str | None
    members: int
    max_members: int
    end_date: int
    join_policy: Policy
    description: str


class ProjectPage(NamedTuple):
    """Projects, and the uuid after which the next page begins; None on the last page."""

    found: Sequence[FoundProject]
    end: str | None


class OwnMembership(NamedTuple):
    """A user's membership or request."""

    id: int
    state: MembershipState


class Order(StrEnum):
    """How projects are sorted."""

    NEWEST = "newest"
    NAME = "name"


class _Walk(NamedTuple):
    """An order of the rows, and what continues it after a row of `(name, id)`."""

    by: str
    after: str
    until: str
    values: Callable[[Sequence[Any]], Sequence[Any]]


WALKS = {
    Order.NEWEST: _Walk("p.id DESC", "p.id < ?", "p.id >= ?", itemgetter(slice(1, 2))),
    Order.NAME: _Walk(
        "p.name, p.id", "(p.name, p.id) > (?, ?)", "(p.name, p.id) <= (?, ?)", itemgetter(slice(0, 2))
    ),
}


def list_related(
    connection: Connection, user: int, uuid: str, *, most: int
) -> list[tuple[FoundProject, OwnMembership | None]]:
    """Lists the projects that a user owns, belongs to or has asked to join, except deleted ones."""
    rows = connection.execute(RELATED, (uuid, user, most)).fetchall()
    own = {
        project: OwnMembership(identifier, MembershipState(state))
        for project, identifier, state in connection.execute(MEMBERSHIPS, (user,)).fetchall()
    }
    return [(_found(row), own.get(row[0])) for row in rows]


def list_owned_only(connection: Connection, user: int, uuid: str, *, most: int) -> list[tuple[str, str]]:
    """Lists the active projects that a user owns without being a member: UUIDs and names, newest first."""
    return [(str(row[0]), str(row[1])) for row in connection.execute(OWNED_ONLY, (uuid, user, most))]


def find_joinable(
    connection: Connection, user: int, *, search: str, after: str | None, most: int
) -> ProjectPage:
    """Returns a page of the projects that a user sees, could ask to join, and does not belong to."""
    return _page(
        connection, IS_PUBLIC, [(NOT_ASSOCIATED, [user])], search, Order.NEWEST, after=after, most=most
    )


def find_projects(
    connection: Connection,
    *,
    search: str = "",
    state: ProjectState | None = None,
    system_projects: bool = False,
    order: Order = Order.NEWEST,
    after: str | None = None,
    most: int = 50,
) -> ProjectPage:
    """Returns a page of projects, for administrators.

    Args:
        connection: where to read.
        search: a UUID of a project, which only finds that one; the UUID or the email address of a user, which
            finds what they own and their system project; or part of a name, in any case.
        state: only projects in this state.
        system_projects: whether to look among the system projects of users, and not among shared ones.
        order: how they are sorted; system projects have no names, and are always sorted by age.
        after: the `end` of the page before.
        most: how many projects at most.
    """
    if not is_storable(search):
        return ProjectPage([], None)
    in_state: list[tuple[str, list[Any]]] = [("p.state = ?", [state])] if state else []
    project = projects.find(connection, search.lower()) if search else None
    owner = users.find_by_uuid(connection, search.lower()) or users.find_by_username(connection, search)
    if search and owner is not None:
        return _of_owner(connection, owner.uuid, in_state, after, most)
    if search and project is not None:
        rows = connection.execute(f"{ROW} WHERE p.uuid = ?", (project.uuid,)).fetchall()
        return ProjectPage([_found(row) for row in rows], None)
    among = IS_OWN if system_projects else IS_SHARED
    order = Order.NEWEST if system_projects else order
    return _page(connection, among, in_state, search, order, after=after, most=most)


def _of_owner(
    connection: Connection, owner: str, in_state: list[tuple[str, list[Any]]], after: str | None, most: int
) -> ProjectPage:
    place = _place(connection, after)
    conditions = [*in_state, *([("p.id < ?", [place[1]])] if place else [])]
    statement = " AND ".join((OF_OWNER, *(condition for condition, _ in conditions)))
    values = [value for _, given in conditions for value in given]
    rows = connection.execute(
        f"{statement} ORDER BY p.id DESC LIMIT ?", (owner, owner, *values, most + 1)
    ).fetchall()
    return _ended([_found(row) for row in rows], most, None)


def _page(
    connection: Connection,
    among: str,
    conditions: list[tuple[str, list[Any]]],
    search: str,
    order: Order,
    *,
    after: str | None,
    most: int,
) -> ProjectPage:
    if not is_storable(search):
        return ProjectPage([], None)
    walk, place = WALKS[order], _place(connection, after)
    where, values = [among], list[Any]()
    if place is not None:
        where.append(walk.after)
        values += walk.values(place)
    bound = None
    if search or conditions:
        # The inner conditions are those of an index, so that the bound is found without reading rows.
        window = f"SELECT p.name, p.id, p.uuid FROM projects p WHERE {' AND '.join(where)} ORDER BY {walk.by}"
        bound = connection.execute(f"{window} LIMIT 1 OFFSET ?", (*values, MOST_LOOKED_AT - 1)).fetchone()
    if bound is not None:
        where.append(walk.until)
        values += walk.values(tuple(bound))
    if search:
        conditions = [*conditions, (MATCHING, [f"%{_escaped(search)}%"])]
    for condition, given in conditions:
        where.append(condition)
        values += given
    rows = connection.execute(
        f"{ROW} WHERE {' AND '.join(where)} ORDER BY {walk.by} LIMIT ?", (*values, most + 1)
    ).fetchall()
    return _ended([_found(row) for row in rows], most, None if bound is None else str(bound[2]))


def _place(connection: Connection, after: str | None) -> tuple[str, int] | None:
    if after is None or not is_storable(after):
        return None
    row = connection.execute("SELECT name, id FROM projects WHERE uuid = ?", (after,)).fetchone()
    return None if row is None else (str(row[0]), int(row[1]))


def _ended(found: list[FoundProject], most: int, bound: str | None) -> ProjectPage:
    shown = found[:most]
    return ProjectPage(shown, shown[-1].uuid if len(found) > most else bound)


def _found(row: tuple[Any, ...]) -> FoundProject:
    identifier, uuid, name, state, system_project, owner, email, members, most, end, policy, about = row
    return FoundProject(
        identifier,
        uuid,
        name,
        ProjectState(state),
        bool(system_project),
        owner,
        email,
        members,
        most,
        end,
        Policy(policy),
        about,
    )


def _escaped(text: str) -> str:
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_")
