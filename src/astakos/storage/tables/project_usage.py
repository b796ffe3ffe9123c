"""Reads who uses how much of a project, page by page."""

from collections.abc import Callable
from typing import Any, NamedTuple

from astakos.ledger.rules import Holding, Key
from astakos.projects.limits import project_holder, user_holder
from astakos.projects.project import MembershipState
from astakos.storage.protocol import Connection
from astakos.storage.tables.holdings import LIMIT, PROJECT_LEVEL
from astakos.storage.tables.metered_figures import MeteredFigures
from astakos.storage.texts import is_storable

# Memberships are kept when they end, and so are the holdings of those who were members once.
USAGE = f"""
SELECT u.uuid, m.state, h.resource, {LIMIT}, h.usage_min, h.usage_max, h.mark, h.id
FROM projects project
JOIN memberships m ON m.project_id = project.id
JOIN users u ON u.id = m.user_id
JOIN holdings h ON h.holder = 'user:' || u.uuid AND h.source = 'project:' || project.uuid
JOIN resources r ON r.name = h.resource
{PROJECT_LEVEL}
WHERE project.uuid = ? AND r.api_visible
"""

MOST_LOOKED_AT = 5_000
"""How many memberships a page examines at most: some 10 ms on SQLite, and 45 on PostgreSQL."""
BOUND = """
SELECT id FROM memberships WHERE project_id = (SELECT id FROM projects WHERE uuid = ?) ORDER BY id
LIMIT 1 OFFSET ?
"""


class Position(NamedTuple):
    """Where a page ended: the reported usage and the number of its last holding."""

    usage: int
    holding: int


class MemberUsage(NamedTuple):
    """What a member, or somebody who was one, uses of a resource; `user` is a uuid."""

    user: str
    state: MembershipState
    resource: str
    holding: Holding
    position: Position


class Order(NamedTuple):
    """An order of the rows, and the rows after a position in it."""

    by: str
    after: str
    values: Callable[[Position], tuple[int, ...]]


BY_MEMBER = Order("h.id", "h.id > ?", lambda position: (position.holding,))
BY_USAGE = Order(
    "h.usage_max DESC, h.id",
    "(h.usage_max < ? OR h.usage_max = ? AND h.id > ?)",
    lambda position: (position.usage, position.usage, position.holding),
)


def bound_of(connection: Connection, project: str) -> int | None:
    """Returns the id of the membership after a project's first `MOST_LOOKED_AT`; None if none follows."""
    row = connection.execute(BOUND, (project, MOST_LOOKED_AT)).fetchone()
    return None if row is None else int(row[0])


def read_usage(
    connection: Connection,
    project: str,
    *,
    resource: str | None,
    user: str | None,
    order: Order,
    after: Position | None,
    most: int,
    now: int,
    bound: int | None = None,
) -> list[MemberUsage]:
    """Reads a page of the usage of API-visible resources in a project.

    Args:
        connection: the connection.
        project: the uuid of the project.
        resource: only this resource; None for all.
        user: only this user, by uuid; None for all.
        order: `BY_MEMBER`, or `BY_USAGE`, the largest first.
        after: where the page before ended; None for the first page.
        most: the size of the page.
        now: the instant; usage of meters is sorted as it was when they were last changed.
        bound: only memberships with ids below this one; see `bound_of`.
    """
    if not all(map(is_storable, filter(None, (resource, user)))):
        return []
    statement, values = USAGE, list[Any]([project])
    conditions: list[tuple[str, list[Any]]] = []
    if resource is not None:
        conditions.append(("h.resource = ?", [resource]))
    if user is not None:
        conditions.append(("u.uuid = ?", [user]))
    if bound is not None:
        conditions.append(("m.id < ?", [bound]))
    if after is not None:
        conditions.append((order.after, [*order.values(after)]))
    for condition, parameters in conditions:
        statement += f" AND {condition}"
        values += parameters
    rows = connection.execute(f"{statement} ORDER BY {order.by} LIMIT ?", [*values, most])
    figures = MeteredFigures(connection, now)
    return [
        MemberUsage(
            user,
            MembershipState(state),
            resource,
            figures.at_present(
                Key(user_holder(user), project_holder(project), resource),
                identifier,
                Holding(limit, usage_min, usage_max),
                mark,
            ).holding,
            Position(usage_max, identifier),
        )
        for user, state, resource, limit, usage_min, usage_max, mark, identifier in rows.fetchall()
    ]
