"""Finds the projects whose end dates have passed or are near, and records notices of end dates."""

from collections.abc import Iterator
from typing import NamedTuple

from astakos.storage.protocol import Connection

AT_A_TIME = 100

# The first two conditions are those of the index.
FROM_ENDING = """
SELECT id, uuid, name, end_date FROM projects WHERE NOT system_project AND state IN ('active', 'suspended')
"""
BEHIND = "(end_date, id) > (?, ?) ORDER BY end_date, id LIMIT ?"
LIST_OVER = f"{FROM_ENDING} AND end_date <= ? AND {BEHIND}"
LIST_NEAR = f"{FROM_ENDING} AND end_date <= ? AND COALESCE(announced_end, -1) <> end_date AND {BEHIND}"
IS_ANNOUNCED = "SELECT 1 FROM projects WHERE uuid = ? AND announced_end = end_date"
NOTE_NOTICE = "UPDATE projects SET announced_end = end_date WHERE uuid = ?"


class Ending(NamedTuple):
    """An active or suspended project that ends; no system project."""

    id: int
    uuid: str
    name: str
    end_date: int


def list_over(connection: Connection, now: int) -> Iterator[Ending]:
    """Lists the projects whose end date has passed, holding one page of them; the longest overdue first."""
    return _pages(connection, LIST_OVER, now, 0)


def list_near(connection: Connection, now: int, until: int) -> Iterator[Ending]:
    """Lists the projects that end after `now`, until an instant, and of whose end date no notice has told."""
    return _pages(connection, LIST_NEAR, until, now + 1)


def is_announced(connection: Connection, project: str) -> bool:
    """Whether a notice has told of the end date that a project has now."""
    return connection.execute(IS_ANNOUNCED, (project,)).fetchone() is not None


def note_notice(connection: Connection, project: str) -> None:
    """Records that a notice has told of the end date that a project has now."""
    connection.execute(NOTE_NOTICE, (project,))


def _pages(connection: Connection, statement: str, until: int, since: int) -> Iterator[Ending]:
    position = (since, 0)
    while page := [Ending(*row) for row in connection.execute(statement, (until, *position, AT_A_TIME))]:
        yield from page
        position = (page[-1].end_date, page[-1].id)
