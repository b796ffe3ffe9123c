"""Lists the memberships that a user can see, with what decides about the actions on them."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from astakos.projects.project import MembershipRecord
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects
from astakos.storage.tables.memberships import COLUMNS, record_of
from astakos.storage.texts import is_storable

ROWS_AT_ONCE = 10_000
SELECT = f"""
SELECT {COLUMNS}, u.is_active, p.owner, p.state, p.join_policy, p.leave_policy, p.max_members
FROM memberships m JOIN users u ON u.id = m.user_id JOIN projects p ON p.id = m.project_id
"""
PAGE = "m.id > ? ORDER BY m.id LIMIT ?"
LIST = f"{SELECT} WHERE {PAGE}"
# The page is found by index alone, before anything is joined to it.
LIST_OF_PROJECT = f"""
{SELECT} WHERE m.id IN (
    SELECT id FROM (
        SELECT id FROM memberships WHERE project_id = (SELECT id FROM projects WHERE uuid = ?)
        AND id > ? ORDER BY id LIMIT ?
    ) AS page
) ORDER BY m.id
"""
LIST_OWN_OF_PROJECT = f"{SELECT} WHERE p.uuid = ? AND u.uuid = ? AND {PAGE}"
# Two look-ups by index, each for one page at most. Not every database makes them of a condition with OR.
LIST_SEEN_BY = f"""
{SELECT} WHERE m.id IN (
    SELECT id FROM (
        SELECT o.id FROM users u JOIN memberships o ON o.user_id = u.id
        WHERE u.uuid = ? AND o.id > ? ORDER BY o.id LIMIT ?
    ) AS own
    UNION
    SELECT id FROM (
        SELECT o.id FROM projects p JOIN memberships o ON o.project_id = p.id
        WHERE p.owner = ? AND o.id > ? ORDER BY o.id LIMIT ?
    ) AS in_owned_projects
) AND {PAGE}
"""


class Standing(NamedTuple):
    """What decides about the actions on a membership, beside its own state, as it is stored."""

    user_is_active: int
    owner: str | None
    project_state: str
    join_policy: str
    leave_policy: str
    max_members: int


class ListedMembership(NamedTuple):
    """A membership in a list."""

    record: MembershipRecord
    standing: Standing


def list_memberships_seen_by(
    connection: Connection, user: str | None, *, project: str | None, after: int, most: int
) -> Iterator[ListedMembership]:
    """Lists the memberships of a user and those in projects that they own, in the order of their ids.

    Args:
        connection: a connection in a snapshot.
        user: the uuid of the user; None for a project administrator, who sees all memberships.
        project: the uuid of the only project to list; None for all.
        after: the id before the first one.
        most: how many to list at most.
    """
    # A driver may hold all rows of a statement in memory.
    while most > 0:
        size = min(most, ROWS_AT_ONCE)
        rows = _read_page(connection, user, project, after, size)
        for row in rows:
            yield ListedMembership(record_of(*row[:5]), Standing(*row[5:]))
        if len(rows) < size:
            return
        after, most = rows[-1][0], most - size


def _read_page(
    connection: Connection, user: str | None, project: str | None, after: int, size: int
) -> Sequence[Any]:
    if project is not None and not is_storable(project):
        return []
    page = (after, size)
    if user is None and project is None:
        found = connection.execute(LIST, page)
    elif project is None:
        found = connection.execute(LIST_SEEN_BY, (user, *page, user, *page, *page))
    elif user is None or _owns(connection, user, project):
        found = connection.execute(LIST_OF_PROJECT, (project, *page))
    else:
        found = connection.execute(LIST_OWN_OF_PROJECT, (project, user, *page))
    return found.fetchall()


def _owns(connection: Connection, user: str, project: str) -> bool:
    found = projects.find(connection, project)
    return found is not None and found.owner == user
