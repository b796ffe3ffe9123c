"""Changes the limits of users who have the default of a resource, page by page of projects."""

from astakos.storage.protocol import Connection

AT_A_TIME = 2_000
"""How many projects one transaction looks at, so that commissions do not wait long for their holdings."""

MOST_LOOKED_AT = 10_000
"""How many users a page counts among at most: some 15 ms on SQLite, and 30 on PostgreSQL."""

FOLLOWING = """
c.resource_id = ? AND c.project_capacity = ? AND c.member_capacity = ? AND p.system_project
"""
COUNT = f"""
SELECT count(*) FROM project_resources c JOIN projects p ON p.id = c.project_id WHERE {FOLLOWING}
"""
COUNT_ABOVE = f"""
SELECT count(*) FROM project_resources c JOIN projects p ON p.id = c.project_id
JOIN holdings h ON h.holder = 'project:' || p.uuid AND h.source = '' AND h.resource = ?
WHERE {FOLLOWING} AND h.usage_max > ?
"""
# Both tables are bounded, as below.
AMONG = " AND p.id >= ? AND c.project_id >= ?"
NEWEST = """
SELECT min(newest.id), count(*) FROM (
    SELECT id FROM projects WHERE system_project ORDER BY id DESC LIMIT ?
) AS newest
"""
FIND_PAGE = """
SELECT max(page.id), count(*) FROM (SELECT id FROM projects WHERE id > ? ORDER BY id LIMIT ?) AS page
"""
# Both tables are bounded, so that PostgreSQL reads a page of the second by its key, and not all of it.
SET_HOLDINGS = f"""
UPDATE holdings SET "limit" = ?, member_limit = ? WHERE source = '' AND resource = ? AND holder IN (
    SELECT 'project:' || p.uuid FROM projects p JOIN project_resources c ON c.project_id = p.id
    WHERE p.id > ? AND p.id <= ? AND c.project_id > ? AND c.project_id <= ? AND p.state = 'active'
        AND {FOLLOWING}
)
"""
SET_CAPACITIES = """
UPDATE project_resources SET project_capacity = ?, member_capacity = ?
WHERE project_id > ? AND project_id <= ? AND resource_id = ? AND project_capacity = ? AND member_capacity = ?
    AND project_id IN (SELECT id FROM projects WHERE id > ? AND id <= ? AND system_project)
RETURNING project_id
"""


def find_newest(connection: Connection) -> tuple[int, int]:
    """Returns the id of the first of the newest `MOST_LOOKED_AT` system projects, and how many there are."""
    first, number = connection.execute(NEWEST, (MOST_LOOKED_AT,)).fetchone()
    return int(first or 0), int(number)


def count_following(connection: Connection, resource: int, limit: int, *, since: int = 0) -> int:
    """Counts users whose own project has a limit of a resource, given by id, and an id from `since` on."""
    return int(connection.execute(f"{COUNT}{AMONG}", (resource, limit, limit, since, since)).fetchone()[0])


def count_above(
    connection: Connection, resource: int, name: str, limit: int, usage: int, *, since: int = 0
) -> int:
    """Counts those of them who use more than an amount."""
    values = (name, resource, limit, limit, usage, since, since)
    return int(connection.execute(f"{COUNT_ABOVE}{AMONG}", values).fetchone()[0])


def change_page(
    connection: Connection, resource: int, name: str, before: int, limit: int, after: int
) -> tuple[int, int | None]:
    """Gives users with the limit `before` another one, as far as a page of projects goes.

    Args:
        connection: a connection in a transaction.
        resource: the id of the resource.
        name: its name.
        before: the limit that they have.
        limit: the limit that they get.
        after: the id of the project that precedes the page.

    Returns:
        How many users were changed, and the id of the last project of the page; None after the last page.
    """
    last, number = connection.execute(FIND_PAGE, (after, AT_A_TIME)).fetchone()
    if not number:
        return 0, None
    following = (resource, before, before)
    connection.execute(SET_HOLDINGS, (limit, limit, name, after, last, after, last, *following))
    changed = connection.execute(
        SET_CAPACITIES, (limit, limit, after, last, *following, after, last)
    ).fetchall()
    return len(changed), last if number == AT_A_TIME else None
