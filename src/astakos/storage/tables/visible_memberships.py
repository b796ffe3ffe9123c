"""Lists the memberships that a user can see, with what decides about the actions on them."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from astakos.projects.project import MembershipRecord, Policy, ProjectState
from astakos.storage.protocol import Connection
from astakos.storage.tables.memberships import COLUMNS, record_of
from astakos.storage.texts import is_storable

SELECT = f"""
SELECT {COLUMNS}, u.is_active, p.owner, p.state, p.join_policy, p.leave_policy, p.max_members
FROM memberships m JOIN users u ON u.id = m.user_id JOIN projects p ON p.id = m.project_id
"""
ROWS_AT_ONCE = 10_000
PAGE = "m.id > ? ORDER BY m.id LIMIT ?"
LIST = f"{SELECT} WHERE {PAGE}"
LIST_OF_PROJECT = f"{SELECT} WHERE p.uuid = ? AND {PAGE}"
LIST_OF_PROJECT_SEEN_BY = f"{SELECT} WHERE p.uuid = ? AND (p.owner = ? OR u.uuid = ?) AND {PAGE}"
# Two look-ups by index. Not every database makes them of a condition with OR.
LIST_SEEN_BY = f"""
{SELECT} WHERE m.id IN (
    SELECT own.id FROM users u JOIN memberships own ON own.user_id = u.id WHERE u.uuid = ?
    UNION
    SELECT o.id FROM projects p JOIN memberships o ON o.project_id = p.id WHERE p.owner = ?
) AND {PAGE}
"""


class ListedMembership(NamedTuple):
    """A membership, and what decides about the actions on it."""

    record: MembershipRecord
    user_is_active: bool
    owner: str | None
    project_state: ProjectState
    join_policy: Policy
    leave_policy: Policy
    max_members: int


def list_memberships_seen_by(
    connection: Connection, user: str | None, *, project: str | None, after: int, most: int
) -> Iterator[ListedMembership]:
    """List the memberships of a user and those in projects that they own, in the order of their ids.

    Args:
        connection: a connection in a snapshot.
        user: the uuid of the user; None for a project administrator, who sees all memberships.
        project: the uuid of the only project to list; None for all.
        after: the id before the first one.
        most: how many to list at most.
    """
    if user is None and project is None:
        return _list(connection, LIST, (), after, most)
    if project is None:
        return _list(connection, LIST_SEEN_BY, (user, user), after, most)
    if user is None:
        return _list(connection, LIST_OF_PROJECT, (project,), after, most)
    return _list(connection, LIST_OF_PROJECT_SEEN_BY, (project, user, user), after, most)


def _list(
    connection: Connection, statement: str, texts: Sequence[str | None], after: int, most: int
) -> Iterator[ListedMembership]:
    if not all(text is None or is_storable(text) for text in texts):
        return
    # A driver may hold all rows of a statement in memory.
    while most > 0:
        size = min(most, ROWS_AT_ONCE)
        rows = connection.execute(statement, (*texts, after, size)).fetchall()
        yield from map(_listed, rows)
        if len(rows) < size:
            return
        after, most = rows[-1][0], most - size


def _listed(row: tuple[Any, ...]) -> ListedMembership:
    active, owner, state, join_policy, leave_policy, most = row[5:]
    return ListedMembership(
        record_of(*row[:5]),
        bool(active),
        owner,
        ProjectState(state),
        Policy(join_policy),
        Policy(leave_policy),
        most,
    )
