"""Finds commissions that have been pending for long, and those that should have expired."""

from typing import NamedTuple

from astakos.storage.protocol import Connection

LIST_COMPONENTS = "SELECT id, name FROM components ORDER BY id"
# Serials ascend with the time of issue, so this reads one row.
FIND_OLDEST = """
SELECT serial, issue_time FROM pending_commissions WHERE component_id = ? ORDER BY serial LIMIT 1
"""
COUNT = """
SELECT count(*) FROM (
    SELECT 1 FROM pending_commissions WHERE component_id = ? AND issue_time <= ? LIMIT ?
) AS counted
"""
COUNT_EXPIRED = """
SELECT count(*) FROM (SELECT 1 FROM pending_commissions WHERE expires <= ? LIMIT ?) AS counted
"""
MOST_COUNTED = 1000


class Overdue(NamedTuple):
    """What a component has pending for too long.

    Attributes:
        component: its name.
        serial: of the oldest commission.
        issued: when that was issued.
        number: how many there are, counted up to `MOST_COUNTED`.
    """

    component: str
    serial: int
    issued: int
    number: int


def list_overdue(connection: Connection, before: int) -> list[Overdue]:
    """Lists the components with pending commissions that were issued before an instant, or at it."""
    found = []
    for component, name in connection.execute(LIST_COMPONENTS).fetchall():
        oldest = connection.execute(FIND_OLDEST, (component,)).fetchone()
        if oldest is not None and oldest[1] <= before:
            (number,) = connection.execute(COUNT, (component, before, MOST_COUNTED)).fetchone()
            serial, issued = oldest
            found.append(Overdue(name, serial, issued, number))
    return found


def count_expired(connection: Connection, before: int) -> int:
    """Counts pending commissions that expired before an instant, or at it, up to `MOST_COUNTED`."""
    (number,) = connection.execute(COUNT_EXPIRED, (before, MOST_COUNTED)).fetchone()
    return int(number)
