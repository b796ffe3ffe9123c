"""Reads pending commissions for their components."""

from astakos.ledger.operations import Commission
from astakos.ledger.rules import Provision
from astakos.storage.protocol import Connection
from astakos.storage.tables.holdings import find_by_id
from astakos.storage.tables.provisions import read_pending

LARGEST_SERIAL = 2**63 - 1

LIST = """
SELECT serial FROM pending_commissions WHERE component_id = ? AND serial > ? ORDER BY serial LIMIT ?
"""
FIND = """
SELECT name, issue_time, expires, provisions FROM pending_commissions WHERE component_id = ? AND serial = ?
"""


def list_pending(
    connection: Connection, component: int, *, after: int = 0, most: int = LARGEST_SERIAL
) -> list[int]:
    """Lists the serials of a component's pending commissions in ascending order.

    Args:
        connection: where to read.
        component: the component.
        after: only list serials above this one.
        most: list at most so many.
    """
    return [serial for (serial,) in connection.execute(LIST, (component, after, most))]


def find_pending(connection: Connection, component: int, serial: int) -> Commission | None:
    """Finds a component's pending commission; provisions of members come before those of projects."""
    if not 0 < serial <= LARGEST_SERIAL:
        return None
    row = connection.execute(FIND, (component, serial)).fetchone()
    if row is None:
        return None
    name, issue_time, expires, document = row
    pending = read_pending(document)
    provisions = [
        Provision(find_by_id(connection, identifier).key, quantity)
        for identifier, quantity in sorted(pending.provisions)
    ]
    provisions.sort(key=lambda provision: provision.key.source is None)
    return Commission(serial, name, issue_time, tuple(provisions), expires, pending.key_holder)
