"""Finds projects in places where the service never puts them: tables can come from elsewhere."""

from collections.abc import Iterator
from typing import NamedTuple

from astakos.ledger.counts import MOST_LEVELS
from astakos.projects.limits import project_holder, uuid_of_project
from astakos.storage.protocol import Connection

# A deleted project never was anything but an application, and stays where it was.
LIST_PARENTS = """
SELECT uuid, parent FROM projects WHERE parent IS NOT NULL AND state <> 'deleted' ORDER BY id
"""
LIST_UUIDS = "SELECT uuid FROM projects WHERE uuid = ?"
LIST_LINKS = """
SELECT h.id, h.holder, h.source, h.resource, q.holder, q.source, q.resource
FROM holdings h LEFT JOIN holdings q ON q.id = h.parent_id
WHERE h.id > ? AND h.parent_id IS NOT NULL ORDER BY h.id LIMIT ?
"""
LIST_UNLINKED = """
SELECT h.holder, h.resource FROM projects p
JOIN holdings h ON h.holder = 'project:' || p.uuid AND h.source = '' AND h.parent_id IS NULL
JOIN holdings q ON q.holder = 'project:' || p.parent AND q.source = '' AND q.resource = h.resource
WHERE p.parent IS NOT NULL ORDER BY h.id
"""
AT_A_TIME = 1000


class Misplaced(NamedTuple):
    """A project whose place cannot be.

    Attributes:
        project: its uuid.
        reason: why, as the end of a sentence about the project.
    """

    project: str
    reason: str


class WrongLink(NamedTuple):
    """A holding that counts on another one than on that of the parent.

    Attributes:
        holder: the holder.
        resource: the resource.
    """

    holder: str
    resource: str


def misplaced(connection: Connection) -> Iterator[Misplaced]:
    """Yields one project of each circle, those below what does not exist, and those too deep."""
    parents = dict(connection.execute(LIST_PARENTS).fetchall())
    levels: dict[str, int] = {}
    for project in parents:
        chain: dict[str, None] = {}
        one: str | None = project
        while one is not None and one not in levels and one not in chain:
            chain[one] = None
            one = parents.get(one)
        if one is not None and one in chain:
            circle = list(chain)[list(chain).index(one) :]
            yield Misplaced(one, f"is within itself, by way of {', '.join([*circle[1:], one])}")
        # A circle has one finding; what is in it or below it has no depth.
        level = 0 if one is None or one in chain else levels[one]
        for found in reversed(chain):
            level += 1
            levels[found] = level
            if one not in chain and level == MOST_LEVELS + 1:
                yield Misplaced(found, f"is more than {MOST_LEVELS} levels deep")
    for project, parent in parents.items():
        if parent not in parents and not connection.execute(LIST_UUIDS, (parent,)).fetchall():
            yield Misplaced(project, f"is within {parent}, which does not exist")


def wrong_links(connection: Connection) -> Iterator[WrongLink]:
    """Yields holdings of projects that are not below that of the parent, or below another one."""
    parents = dict(connection.execute(LIST_PARENTS).fetchall())
    last = 0
    while rows := connection.execute(LIST_LINKS, (last, AT_A_TIME)).fetchall():
        for _, holder, source, resource, *above in rows:
            parent = parents.get(uuid_of_project(holder) or "")
            right = None if parent is None or source else [project_holder(parent), "", resource]
            if above != right:
                yield WrongLink(holder, resource)
        last = rows[-1][0]
    for row in connection.execute(LIST_UNLINKED):
        yield WrongLink(*row)
