"""What has become of one holding of a user: its course, and the pending commissions that it waits for."""

from collections.abc import Iterator
from typing import NamedTuple

from astakos.ledger.rules import Key
from astakos.storage.protocol import Connection
from astakos.storage.tables.holdings import stored_source
from astakos.storage.tables.provisions import read_pending, read_resolved

MOST_LOOKED_AT = 5_000
"""How many pending commissions of a component are examined, the newest first. No index has their holders: one
would make an issue and its accept 6 to 8 % dearer."""
AT_A_TIME = 500
LARGEST_SERIAL = 2**63 - 1

MOST_CHANGES = 5_000
"""How many resolved commissions are read at most: some 65 ms."""

FIND_HOLDING = "SELECT id FROM holdings WHERE holder = ? AND source = ? AND resource = ?"
LIST_COMPONENTS = "SELECT id, name FROM components ORDER BY id"
NEWEST = """
SELECT serial, name, issue_time, expires, provisions FROM pending_commissions
WHERE component_id = ? AND serial < ? ORDER BY serial DESC LIMIT ?
"""

RESOLVED = """
SELECT r.serial, r.resolve_time, r.provisions FROM commission_holders x
JOIN resolved_commissions r ON r.component_id = x.component_id AND r.serial = x.serial
WHERE x.holder = ? AND x.serial < ? ORDER BY x.serial DESC LIMIT ?
"""


class UsageChange(NamedTuple):
    """A resolved provision: when, what it has added (or given back, negative), and the usage afterwards."""

    time: int
    settled: int
    usage: int


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


class PendingList(NamedTuple):
    """Pending provisions on a holding.

    Attributes:
        shown: some of them, the oldest first.
        is_complete: whether these are all.
    """

    shown: list[PendingProvision]
    is_complete: bool


def list_changes(connection: Connection, key: Key, since: int) -> tuple[list[UsageChange], int | None]:
    """Lists what has changed the usage of a holding that has a source, the newest first.

    Args:
        connection: the connection.
        key: the key of the holding.
        since: from when on; one change before it is included, which says what was used until then.

    Returns:
        The changes, and, if there are too many, the time of the earliest one that was read.
    """
    identifier = _find(connection, key)
    found: list[UsageChange] = []
    if identifier is None:
        return found, None
    last = LARGEST_SERIAL
    for _ in range(MOST_CHANGES // AT_A_TIME):
        rows = connection.execute(RESOLVED, (key.holder, last, AT_A_TIME)).fetchall()
        for serial, time, document in rows:
            last = serial
            found.extend(
                UsageChange(time, one.settled, one.usage_max)
                for one in reversed(read_resolved(document).provisions)
                if one.holding == identifier
            )
            if found and found[-1].time < since:
                return found, None
        if len(rows) < AT_A_TIME:
            return found, None
    return found, found[-1].time if found else since


def _find(connection: Connection, key: Key) -> int | None:
    holding = (key.holder, stored_source(key.source), key.resource)
    row = connection.execute(FIND_HOLDING, holding).fetchone()
    return None if row is None else int(row[0])


def list_pending_of(connection: Connection, key: Key, pending: int, most: int) -> PendingList:
    """Lists pending provisions on a holding, looking at the newest `MOST_LOOKED_AT` of each component.

    Args:
        connection: the connection.
        key: the key of the holding.
        pending: how much is pending there; when that is found, nothing more is examined.
        most: how many at most.
    """
    identifier = _find(connection, key)
    found: list[PendingProvision] = []
    if identifier is None or pending <= 0:
        return PendingList(found, is_complete=True)
    left = pending
    for component, name in connection.execute(LIST_COMPONENTS).fetchall():
        for serial, title, issued, expires, document in _newest(connection, component):
            stored = read_pending(document)
            changes = [quantity for holding, quantity in stored.provisions if holding == identifier]
            changes += [count.quantity for count in stored.counts if count.holding == identifier]
            for quantity in changes:
                found.append(PendingProvision(serial, name, title, issued, expires, quantity))
                left -= abs(quantity)
            if left <= 0 or len(found) >= most:
                break
        if left <= 0 or len(found) >= most:
            break
    found.sort(key=lambda one: one.issued)
    return PendingList(found[:most], is_complete=left <= 0 and len(found) <= most)


def _newest(connection: Connection, component: int) -> Iterator[tuple[int, str, int, int | None, str]]:
    last = LARGEST_SERIAL
    for _ in range(MOST_LOOKED_AT // AT_A_TIME):
        rows = connection.execute(NEWEST, (component, last, AT_A_TIME)).fetchall()
        yield from rows
        if len(rows) < AT_A_TIME:
            return
        last = rows[-1][0]
