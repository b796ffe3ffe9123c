"""Which projects are within others, for administration and for the ledger."""

from collections import Counter
from collections.abc import Collection

from astakos.ledger.counts import MOST_LEVELS
from astakos.projects.limits import project_holder
from astakos.projects.project import INITIALIZED
from astakos.storage.protocol import Connection
from astakos.storage.tables.large_sums import halves, whole
from astakos.storage.tables.provisions import read_pending

# One level more than there can be, in case that there are more.
ABOVE = f"""
WITH RECURSIVE above (uuid, parent, level) AS (
    SELECT uuid, parent, 1 FROM projects WHERE uuid = ?
    UNION ALL
    SELECT p.uuid, p.parent, a.level + 1 FROM above a JOIN projects p ON p.uuid = a.parent
    WHERE a.level <= {MOST_LEVELS}
)
SELECT uuid FROM above ORDER BY level
"""
LEVELS = f"""
WITH RECURSIVE below (uuid, level) AS (
    SELECT uuid, 1 FROM projects WHERE uuid = ?
    UNION ALL
    SELECT p.uuid, b.level + 1 FROM below b JOIN projects p ON p.parent = b.uuid
    WHERE p.state <> 'deleted' AND b.level <= {MOST_LEVELS}
)
SELECT MAX(level) FROM below
"""
LIST_CHILDREN = "SELECT uuid FROM projects WHERE parent = ? AND state <> 'deleted' ORDER BY id"
SET_PARENT = "UPDATE projects SET parent = ? WHERE uuid = ?"
_found = """
SELECT q.id FROM holdings q WHERE q.holder = ? AND q.source = '' AND q.resource = holdings.resource
"""
LINK = f"UPDATE holdings SET parent_id = ({_found}) WHERE holder = ? AND source = ''"
_initialized = ", ".join(f"'{state}'" for state in INITIALIZED)
LINK_RESOURCE = f"""
UPDATE holdings SET parent_id = (
    SELECT q.id FROM projects p JOIN holdings q
        ON q.holder = 'project:' || p.parent AND q.source = '' AND q.resource = holdings.resource
    WHERE 'project:' || p.uuid = holdings.holder
)
WHERE resource = ? AND source = '' AND holder IN (
    SELECT 'project:' || uuid FROM projects WHERE parent IS NOT NULL AND state IN ({_initialized})
)
"""
LIST_HOLDINGS = "SELECT id, resource FROM holdings WHERE holder = ? AND source = '' ORDER BY id"
LIST_PENDING = """
SELECT component_id, serial, provisions FROM pending_commissions
WHERE (component_id, serial) > (?, ?) ORDER BY component_id, serial LIMIT ?
"""
AT_A_TIME = 1000
SETTLED_ON_CHILDREN = f"""
SELECT h.resource, {halves("h.settled")} FROM projects p
JOIN holdings h ON h.holder = 'project:' || p.uuid AND h.source = ''
WHERE p.parent = ? GROUP BY h.resource
"""
SETTLED_ON_MEMBERS = f"""
SELECT h.resource, {halves("h.settled")}
FROM projects p JOIN memberships m ON m.project_id = p.id JOIN users u ON u.id = m.user_id
JOIN holdings h ON h.holder = 'user:' || u.uuid AND h.source = 'project:' || p.uuid
WHERE p.uuid = ? GROUP BY h.resource
"""


def above(connection: Connection, project: str) -> list[str]:
    """Returns the uuids of a project and of those above it, the nearest first."""
    return [uuid for (uuid,) in connection.execute(ABOVE, (project,))]


def levels_of(connection: Connection, project: str) -> int:
    """Returns how many levels a project has with those below it; 1 if there are none."""
    (levels,) = connection.execute(LEVELS, (project,)).fetchone()
    return int(levels or 1)


def children_of(connection: Connection, project: str) -> list[str]:
    """Lists the uuids of the projects directly below one, without deleted ones."""
    return [uuid for (uuid,) in connection.execute(LIST_CHILDREN, (project,))]


def set_parent(connection: Connection, project: str, parent: str | None) -> None:
    """Sets the parent of a project, and what is above its holdings."""
    connection.execute(SET_PARENT, (parent, project))
    link(connection, project, parent)


def link(connection: Connection, project: str, parent: str | None) -> None:
    """Sets what is above the holdings of a project."""
    above = None if parent is None else project_holder(parent)
    connection.execute(LINK, (above, project_holder(project)))


def link_resource(connection: Connection, resource: str) -> None:
    """Sets what is above the holdings of a new resource, for all projects with a parent."""
    connection.execute(LINK_RESOURCE, (resource,))


def pending_resource(connection: Connection, project: str, resources: Collection[str]) -> str | None:
    """Returns one of these resources of which a commission is pending on a project, even one of nothing.

    Examines all pending commissions once; what the figures of the holdings tell should be known already.
    """
    listed = connection.execute(LIST_HOLDINGS, (project_holder(project),)).fetchall()
    own = {identifier: str(resource) for identifier, resource in listed if resource in resources}
    last = (0, 0)
    # Read in pages, because a database server would otherwise send all rows at once.
    while own and (rows := connection.execute(LIST_PENDING, (*last, AT_A_TIME)).fetchall()):
        for *_, document in rows:
            for identifier in read_pending(document).holdings():
                if identifier in own:
                    return own[identifier]
        last = rows[-1][:2]
    return None


def settled_below(connection: Connection, project: str) -> Counter[str]:
    """Returns how much is settled directly below a project, by resource: on its members, and projects in it.

    Memberships are kept when they end, so those who were members once are among them.
    """
    found = Counter[str]()
    for statement in (SETTLED_ON_CHILDREN, SETTLED_ON_MEMBERS):
        for resource, *sums in connection.execute(statement, (project,)):
            found[resource] += whole(*sums)
    return found
