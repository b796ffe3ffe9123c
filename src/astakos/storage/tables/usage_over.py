"""Finds holdings whose usage has reached a part of their limit, page by page of all holdings."""

from typing import NamedTuple

from astakos.ledger.rules import UNLIMITED, Holding, Key
from astakos.storage.protocol import Connection
from astakos.storage.tables.holdings import read_source

IDS_AT_A_TIME = 20_000
"""How many holdings one page reads at most: some 10 ms on SQLite. It then ends even if it is not full."""

# Shares are in floating point, which does not overflow, and a little generous: the caller compares exactly.
# Of those with a source, only members of shared projects count: what users have in their own is the project's
# own holding. The limit of each member is looked up row by row, because PostgreSQL would read all holdings
# for a join.
REACHED = f"""
SELECT h.id, h.holder, h.source, h.resource, h."limit", (
        SELECT p.member_limit FROM holdings p
        WHERE p.holder = h.source AND p.source = '' AND p.resource = h.resource
    ), h.usage_min, h.usage_max, h.mark
FROM holdings h WHERE h.id > ? AND h.id <= ? AND h.usage_max > 0 AND (
    h.source = '' AND h."limit" < {UNLIMITED}
        AND CAST(h.usage_max AS DOUBLE PRECISION) * 100.0001 >= CAST(h."limit" AS DOUBLE PRECISION) * ?
    OR substr(h.source, 1, 8) = 'project:' AND substr(h.source, 9) <> substr(h.holder, 6)
)
"""
NEXT_ID = "SELECT min(id) FROM holdings WHERE id > ?"


class Reached(NamedTuple):
    """The stored figures of a holding."""

    id: int
    key: Key
    holding: Holding
    mark: int | None


def read_reached(connection: Connection, percent: int, after: int) -> tuple[list[Reached], int | None]:
    """Returns holdings that may have reached a part of their limit, and where to go on; None after the last.

    The stored usage of a meter may be of a period that is over: look at the present figures, and compare.
    """
    end = after + IDS_AT_A_TIME
    rows = connection.execute(REACHED, (after, end, percent)).fetchall()
    found = [
        Reached(
            identifier,
            Key(holder, read_source(source), resource),
            Holding(min(limit, limit if of_each is None else of_each), low, high),
            mark,
        )
        for identifier, holder, source, resource, limit, of_each, low, high, mark in rows
    ]
    (following,) = connection.execute(NEXT_ID, (end,)).fetchone()
    return sorted(found), None if following is None else following - 1
