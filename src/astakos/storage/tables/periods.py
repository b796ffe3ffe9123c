"""Reads what was used in which period: of the one that is running, and of those that are over."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from astakos.ledger.key_levels import key_holder
from astakos.ledger.rules import Holding
from astakos.projects.limits import project_holder, user_holder
from astakos.storage.protocol import Connection
from astakos.storage.tables.holdings import LIMIT, PROJECT_LEVEL
from astakos.storage.tables.metered_figures import MeteredFigures, Span
from astakos.storage.texts import is_storable

RUNNING = f"""
SELECT h.id, substr(h.source, 9), {LIMIT}, h.usage_min, h.usage_max, h.mark
FROM holdings h {PROJECT_LEVEL}
WHERE h.holder = 'user:' || ? AND h.resource = ? AND substr(h.source, 1, 8) = 'project:'
  AND h.mark IS NOT NULL
ORDER BY h.id
"""
RUNNING_OF_ONE = """
SELECT id, "limit", usage_min, usage_max, mark FROM holdings
WHERE holder = ? AND source = ? AND resource = ? AND mark IS NOT NULL
"""
OVER = """
SELECT start, "end", total FROM closed_periods WHERE holding_id = ? AND start < ? ORDER BY start DESC LIMIT ?
"""
FAR = 2**62


class PeriodUsage(NamedTuple):
    """What a user has used of a resource from a project in a period, or a key, or a whole project.

    Attributes:
        project: the uuid of the project from which a user draws; None for a key, which counts what is drawn
            from any, and for a whole project.
        start: when the period began.
        end: when it ended or will end.
        used: what was settled in it.
        is_over: whether it has ended.
    """

    project: str | None
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
    """Reads periods of a budget, the newest first.

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
    figures, found = MeteredFigures(connection, now), list[PeriodUsage]()
    for identifier, drawn_from, *holding, mark in connection.execute(RUNNING, (user, resource)).fetchall():
        if project in (None, drawn_from):
            spans = figures.spans(resource, identifier, Holding(*holding), mark)
            found += _of_holding(connection, identifier, drawn_from, spans, before, most)
    return sorted(found, key=lambda period: (-period.start, period.project))[:most]


def periods_of_key(
    connection: Connection,
    user: str,
    prefix: str,
    resource: str,
    *,
    before: int | None,
    most: int,
    now: int,
) -> list[PeriodUsage]:
    """Reads periods of the budget of a key of a user, the newest first. The arguments are the same."""
    key = (key_holder(prefix), user_holder(user), resource)
    return _of_one(connection, key, before=before, most=most, now=now)


def periods_of_project(
    connection: Connection, project: str, resource: str, *, before: int | None, most: int, now: int
) -> list[PeriodUsage]:
    """Reads periods of the budget of a whole project, the newest first. The arguments are the same."""
    key = (project_holder(project), "", resource)
    return _of_one(connection, key, before=before, most=most, now=now)


def _of_one(
    connection: Connection, key: tuple[str, str, str], *, before: int | None, most: int, now: int
) -> list[PeriodUsage]:
    *_, resource = key
    if not is_storable(resource):
        return []
    figures, found = MeteredFigures(connection, now), list[PeriodUsage]()
    for identifier, *holding, mark in connection.execute(RUNNING_OF_ONE, key).fetchall():
        spans = figures.spans(resource, identifier, Holding(*holding), mark)
        found += _of_holding(connection, identifier, None, spans, before, most)
    return sorted(found, key=lambda period: -period.start)[:most]


def _of_holding(
    connection: Connection,
    identifier: int,
    project: str | None,
    spans: Iterable[Span],
    before: int | None,
    most: int,
) -> Iterator[PeriodUsage]:
    last = FAR if before is None else before
    yield from (PeriodUsage(project, *span) for span in spans if span.start < last)
    for start, end, total in connection.execute(OVER, (identifier, last, most)).fetchall():
        yield PeriodUsage(project, start, end, total, is_over=True)
