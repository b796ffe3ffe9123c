"""Reads what was used in which period: of the one that is running, and of those that are over."""

from typing import NamedTuple

from astakos.ledger.rules import Holding
from astakos.storage.protocol import Connection
from astakos.storage.tables.holdings import LIMIT, PROJECT_LEVEL
from astakos.storage.tables.metered_figures import MeteredFigures
from astakos.storage.texts import is_storable

RUNNING = f"""
SELECT h.id, substr(h.source, 9), {LIMIT}, h.usage_min, h.usage_max, h.mark
FROM holdings h {PROJECT_LEVEL}
WHERE h.holder = 'user:' || ? AND h.resource = ? AND substr(h.source, 1, 8) = 'project:'
  AND h.mark IS NOT NULL
ORDER BY h.id
"""
OVER = """
SELECT start, "end", total FROM closed_periods WHERE holding_id = ? AND start < ? ORDER BY start DESC LIMIT ?
"""
FAR = 2**62


class PeriodUsage(NamedTuple):
    """What a user has used of a resource from a project in a period.

    Attributes:
        project: the uuid of the project.
        start: when the period began.
        end: when it ended or will end.
        used: what was settled in it.
        is_over: whether it has ended.
    """

    project: str
    start: int
    end: int
    used: int
    is_over: bool


def periods_of(
    connection: Connection,
    user: str,
    resource: str,
    *,
    before: int | None,
    most: int,
    now: int,
    project: str | None = None,
) -> list[PeriodUsage]:
    """Read periods of a budget, the newest first.

    Args:
        connection: the connection.
        user: the uuid of the user.
        resource: the name of the meter.
        before: only periods that began before this instant; None for all.
        most: how many of each project at most.
        now: the instant, where the database has no clock of its own.
        project: only periods in this project, given by its uuid; None for all.
    """
    if not (is_storable(user) and is_storable(resource)):
        return []
    figures = MeteredFigures(connection, now)
    last = FAR if before is None else before
    found: list[PeriodUsage] = []
    rows = connection.execute(RUNNING, (user, resource)).fetchall()
    for identifier, drawn_from, limit, usage_min, usage_max, mark in rows:
        if project not in (None, drawn_from):
            continue
        spans = figures.spans(resource, identifier, Holding(limit, usage_min, usage_max), mark)
        found += [PeriodUsage(drawn_from, *span) for span in spans if span.start < last]
        found += [
            PeriodUsage(drawn_from, start, end, total, is_over=True)
            for start, end, total in connection.execute(OVER, (identifier, last, most)).fetchall()
        ]
    return sorted(found, key=lambda period: (-period.start, period.project))[:most]
