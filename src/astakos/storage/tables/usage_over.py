"""Finds holdings whose usage has reached a part of their limit, page by page of all holdings."""

from typing import NamedTuple

from astakos.ledger.rules import UNLIMITED, Holding, Key
from astakos.storage.protocol import Connection
from astakos.storage.tables.holdings import LIMIT, read_source

IDS_AT_A_TIME = 50_000
"""How many holdings one page reads at most: some 20 ms on SQLite. It then ends even if it is not full."""

# In decimal numbers, which do not overflow, and a little generous: the caller compares exactly.
REACHED = "h.usage_max > 0 AND {limit} < {unlimited} AND h.usage_max * 1.000001 >= {limit} * 0.01 * ?"
OF_PROJECTS = f"""
SELECT h.id, h.holder, h.source, h.resource, h."limit", h.usage_min, h.usage_max, h.mark
FROM holdings h WHERE h.id > ? AND h.id <= ? AND h.source = ''
    AND {REACHED.format(limit='h."limit"', unlimited=UNLIMITED)} ORDER BY h.id
"""
# Members of shared projects: what users have in their own is the project's own holding.
OF_MEMBERS = f"""
SELECT h.id, h.holder, h.source, h.resource, {LIMIT}, h.usage_min, h.usage_max, h.mark
FROM holdings h JOIN holdings p ON p.holder = h.source AND p.source = '' AND p.resource = h.resource
WHERE h.id > ? AND h.id <= ? AND substr(h.source, 9) <> substr(h.holder, 6)
    AND {REACHED.format(limit=f"({LIMIT})", unlimited=UNLIMITED)} ORDER BY h.id
"""
LAST_ID = "SELECT max(id) FROM holdings"


class Reached(NamedTuple):
    """The stored figures of a holding."""

    id: int
    key: Key
    holding: Holding
    mark: int | None


def read_reached(connection: Connection, percent: int, after: int) -> tuple[list[Reached], int | None]:
    """Return holdings that have reached a part of their limit, and where to go on; None after the last.

    The stored usage of a meter may be of a period that is over: look at the present figures.
    """
    last = int(connection.execute(LAST_ID).fetchone()[0] or 0)
    end = after + IDS_AT_A_TIME
    found = [
        Reached(identifier, Key(holder, read_source(source), resource), Holding(limit, low, high), mark)
        for statement in (OF_PROJECTS, OF_MEMBERS)
        for identifier, holder, source, resource, limit, low, high, mark in connection.execute(
            statement, (after, end, percent)
        ).fetchall()
    ]
    return sorted(found), end if end < last else None
