"""Finds the pending commissions that a holding waits for."""

from collections.abc import Iterator
from typing import NamedTuple

from astakos.ledger.rules import Key
from astakos.storage.protocol import Connection
from astakos.storage.tables.holdings import stored_source
from astakos.storage.tables.provisions import read_all_pending

MOST_LOOKED_AT = 5_000
"""How many pending commissions of a component are examined, the newest first: no index has their holders."""
AT_A_TIME = 500
LARGEST_SERIAL = 2**63 - 1

FIND_HOLDING = "SELECT id FROM holdings WHERE holder = ? AND source = ? AND resource = ?"
LIST_COMPONENTS = "SELECT id, name FROM components ORDER BY id"
NEWEST = """
SELECT serial, name, issue_time, expires, provisions FROM pending_commissions
WHERE component_id = ? AND serial < ? ORDER BY serial DESC LIMIT ?
"""


class PendingProvision(NamedTuple):
    """What a pending commission would change of the holding.

    Attributes:
        serial: the serial of the commission.
        component: the name of the component that issued it.
        name: the name of the commission.
        issued: when it was issued.
        expires: when it expires; None if never.
        quantity: what it would add, or, if negative, give back.
    """

    serial: int
    component: str
    name: str
    issued: int
    expires: int | None
    quantity: int


def list_pending_of(connection: Connection, key: Key, pending: int, most: int) -> list[PendingProvision]:
    """List pending provisions on a holding, the oldest first.

    Args:
        connection: the connection.
        key: the key of the holding.
        pending: how much is pending there; when that is found, nothing more is examined.
        most: how many at most.
    """
    row = connection.execute(FIND_HOLDING, (key.holder, stored_source(key.source), key.resource)).fetchone()
    found: list[PendingProvision] = []
    if row is None or pending <= 0:
        return found
    left = pending
    for component, name in connection.execute(LIST_COMPONENTS).fetchall():
        for serial, title, issued, expires, document in _newest(connection, component):
            stored = read_all_pending(document)
            changes = [quantity for holding, quantity in stored.provisions if holding == row[0]]
            changes += [count.quantity for count in stored.counts if count.holding == row[0]]
            for quantity in changes:
                found.append(PendingProvision(serial, name, title, issued, expires, quantity))
                left -= abs(quantity)
            if left <= 0 or len(found) >= most:
                break
        if left <= 0 or len(found) >= most:
            break
    return sorted(found, key=lambda one: one.issued)[:most]


def _newest(connection: Connection, component: int) -> Iterator[tuple[int, str, int, int | None, str]]:
    last = LARGEST_SERIAL
    for _ in range(MOST_LOOKED_AT // AT_A_TIME):
        rows = connection.execute(NEWEST, (component, last, AT_A_TIME)).fetchall()
        yield from rows
        if len(rows) < AT_A_TIME:
            return
        last = rows[-1][0]
