"""Who uses most of each resource: found by reading all holdings now and then, and remembered.

Usage changes with every commission, so no index sorts holdings by it: keeping one would slow the ledger down.
Only the ids of the leaders are stored; their figures are read when somebody asks.

Projects' own holdings count each unit once: those of users' own projects stand for the users.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NamedTuple

from astakos.ledger.rules import UNLIMITED, Holding, Key
from astakos.storage.protocol import Connection
from astakos.storage.tables import settings
from astakos.storage.tables.id_ranges import filled_ranges

REFRESHED = "usage_leaders_refreshed"
"""The setting that says when the leaders were found."""
MOST_LEADERS = 200
"""How many holders of each resource are remembered in each ranking."""
IDS_AT_A_TIME = 200_000
"""How many holdings one statement reads at most: some 20 ms on SQLite."""

MILLION = 1_000_000

NEXT_ID = "SELECT min(id) FROM holdings WHERE id > ?"
# A meter's holding that has not been used in its period has an older mark, and stands for nothing now.
CANDIDATES = """
FROM holdings h
WHERE h.id > ? AND h.id <= ? AND h.source = '' AND h.resource = ? AND h.usage_max > 0
    AND (h.mark IS NULL OR h.mark >= ?)
"""
BY_USAGE = f"SELECT h.usage_max, h.id {CANDIDATES} ORDER BY h.usage_max DESC LIMIT ?"
# The same on all databases, and exact enough to choose by: figures are compared exactly when they are read.
SHARE = 'CAST(h.usage_max AS DOUBLE PRECISION) / CAST(h."limit" AS DOUBLE PRECISION)'
BY_SHARE = f"""
SELECT h.usage_max, h."limit", h.id {CANDIDATES} AND h."limit" > 0 AND h."limit" < {UNLIMITED}
ORDER BY {SHARE} DESC LIMIT ?
"""
HAS_ANY = "SELECT 1 FROM usage_leaders LIMIT 1"
FORGET = "DELETE FROM usage_leaders WHERE resource = ?"
REMEMBER = "INSERT INTO usage_leaders (resource, ranking, holding_id) VALUES (?, ?, ?)"
FIGURES = 'h.id, h.holder, h.resource, h."limit", h.usage_min, h.usage_max, h.mark'
LEADERS = f"""
SELECT {FIGURES} FROM usage_leaders l JOIN holdings h ON h.id = l.holding_id
WHERE l.resource = ? AND l.ranking = ?
"""
FIND = f"SELECT {FIGURES} FROM holdings h WHERE h.id = ?"
OVER = f"""
SELECT {FIGURES} FROM usage_leaders l JOIN holdings h ON h.id = l.holding_id
WHERE l.ranking = 'share' AND h.usage_max > h."limit" ORDER BY h.id LIMIT ?
"""
IN_PERIOD = f"""
SELECT {FIGURES}, c.total FROM closed_periods c JOIN holdings h ON h.id = c.holding_id
WHERE c.resource = ? AND c.start = ? ORDER BY c.total DESC LIMIT ?
"""
# Stored as they were when the holding was last used, in the period that began at its mark. Another definition
# of the meter can have closed a part of the same period before.
NOT_CLOSED = f"""
SELECT {FIGURES}, COALESCE(c.total, 0) FROM holdings h
LEFT JOIN closed_periods c ON c.holding_id = h.id AND c.start = h.mark
WHERE h.id > ? AND h.id <= ? AND h.source = '' AND h.resource = ? AND h.mark = ? AND h.usage_min > 0
"""


class Ranking(StrEnum):
    """What makes a leader."""

    USAGE = "usage"
    SHARE = "share"


class Found(NamedTuple):
    """The stored figures of a holding; `total` is what was settled in a period that is over."""

    id: int
    key: Key
    holding: Holding
    mark: int | None
    total: int | None = None


def pages(connection: Connection) -> Iterator[int]:
    """Yields the ids that precede the pages of `IDS_AT_A_TIME` in which all holdings are."""
    return (after for after, _ in filled_ranges(connection, NEXT_ID, IDS_AT_A_TIME))


def read_by_usage(
    connection: Connection, resource: str, since: int, after: int, most: int
) -> list[tuple[int, int]]:
    """Returns the largest among the next `IDS_AT_A_TIME` holdings: their usage, and their ids.

    Args:
        connection: where to read.
        resource: the name of the resource.
        since: for a meter, when its present period began; 0 for others.
        after: the id that precedes the holdings.
        most: how many at most.
    """
    values = (after, after + IDS_AT_A_TIME, resource, since, most)
    return [tuple(row) for row in connection.execute(BY_USAGE, values).fetchall()]


def read_by_share(
    connection: Connection, resource: str, since: int, after: int, most: int
) -> list[tuple[int, int]]:
    """Returns those of them that use most of their limit: their shares, in millionths, and their ids."""
    values = (after, after + IDS_AT_A_TIME, resource, since, most)
    rows = connection.execute(BY_SHARE, values).fetchall()
    return [(usage * MILLION // limit, identifier) for usage, limit, identifier in rows]


def remember(connection: Connection, resource: str, leaders: dict[Ranking, list[int]]) -> None:
    """Stores the ids of the leaders of a resource, in place of those before."""
    connection.execute(FORGET, (resource,))
    rows = [(resource, ranking.value, holding) for ranking, found in leaders.items() for holding in found]
    connection.executemany(REMEMBER, rows)


def note_refreshed(connection: Connection, now: int) -> None:
    """Stores when the leaders were found."""
    settings.save(connection, REFRESHED, now)


def refreshed(connection: Connection) -> int | None:
    """Returns when the leaders were found; None if they never were."""
    found: int | None = settings.find(connection, REFRESHED)
    return found


def has_any(connection: Connection) -> bool:
    """Returns whether anybody was found to use anything."""
    return connection.execute(HAS_ANY).fetchone() is not None


def list_leaders(connection: Connection, resource: str, ranking: Ranking) -> list[Found]:
    """Returns the figures of the leaders of a resource, in no order."""
    return [_found(row) for row in connection.execute(LEADERS, (resource, ranking.value)).fetchall()]


def list_over(connection: Connection, most: int) -> list[Found]:
    """Returns the leaders whose usage is above their limit, or was in a meter's period that is over."""
    return [_found(row) for row in connection.execute(OVER, (most,)).fetchall()]


def find(connection: Connection, identifier: int) -> Found:
    """Returns the figures of a holding."""
    return _found(connection.execute(FIND, (identifier,)).fetchone())


def list_in_period(connection: Connection, resource: str, start: int, most: int) -> list[Found]:
    """Returns who used most of a meter in the past period that began at an instant, the largest first."""
    return [_with_total(row) for row in connection.execute(IN_PERIOD, (resource, start, most)).fetchall()]


def read_not_closed(connection: Connection, resource: str, start: int, after: int) -> list[Found]:
    """Returns those of the next `IDS_AT_A_TIME` holdings last used in the period that began at `start`.

    `total` is what was settled in a part of the period that is closed already.
    """
    values = (after, after + IDS_AT_A_TIME, resource, start)
    return [_with_total(row) for row in connection.execute(NOT_CLOSED, values).fetchall()]


def _with_total(row: Any) -> Found:
    return _found(row[:-1])._replace(total=row[-1])


def _found(row: tuple[int, str, str, int, int, int, int | None]) -> Found:
    identifier, holder, resource, limit, usage_min, usage_max, mark = row
    return Found(identifier, Key(holder, None, resource), Holding(limit, usage_min, usage_max), mark)
