"""Deletes records past their retention: idempotency keys, and with `history_days`, resolved commissions."""

from astakos.clock import DAY
from astakos.storage.protocol import Connection
from astakos.storage.tables import settings
from astakos.storage.tables.holdings import find_by_id
from astakos.storage.tables.provisions import read_settled

KEYS_KEPT = 2 * DAY
"""How long idempotency keys are kept; the documentation promises one day."""
MOST_FORGOTTEN = 2000
"""How many records of each kind one pass deletes, so that other writers do not wait long."""

MOST_COUNTED = 10_000_000
"""How many keys are counted at most: enough for an alert, in half a second."""

COUNT_KEYS = "SELECT count(*) FROM (SELECT 1 FROM idempotency_keys LIMIT ?) AS counted"
FORGET_KEYS = """
DELETE FROM idempotency_keys WHERE (component_id, key) IN (
    SELECT component_id, key FROM idempotency_keys WHERE time < ? ORDER BY time LIMIT ?
)
RETURNING serial
"""
LIST_COMPONENTS = "SELECT id FROM components"
# Serials ascend with time, so the first rows of each component are its oldest.
LIST_OLDEST = """
SELECT serial, resolve_time, provisions FROM resolved_commissions WHERE component_id = ?
ORDER BY serial LIMIT ?
"""
FORGET_HOLDER = "DELETE FROM commission_holders WHERE holder = ? AND serial = ?"
FORGET_COMMISSION = "DELETE FROM resolved_commissions WHERE component_id = ? AND serial = ?"


def forget(connection: Connection, now: int) -> bool:
    """Delete some records past their retention; return true if more may remain."""
    keys = connection.execute(FORGET_KEYS, (now - KEYS_KEPT, MOST_FORGOTTEN)).fetchall()
    more = len(keys) == MOST_FORGOTTEN
    days = settings.find(connection, settings.HISTORY_DAYS)
    if days is not None:
        for (component,) in connection.execute(LIST_COMPONENTS).fetchall():
            more |= _forget_commissions(connection, component, now - int(days * DAY))
    return more


def count_keys(connection: Connection) -> int:
    """Count the idempotency keys that are kept, up to `MOST_COUNTED`."""
    return int(connection.execute(COUNT_KEYS, (MOST_COUNTED,)).fetchone()[0])


def _forget_commissions(connection: Connection, component: int, before: int) -> bool:
    serials: list[int] = []
    holders: set[tuple[str, int]] = set()
    for serial, resolve_time, document in connection.execute(LIST_OLDEST, (component, MOST_FORGOTTEN)):
        if resolve_time < before:
            serials.append(serial)
            for provision in read_settled(document):
                holders.add((find_by_id(connection, provision.holding).key.holder, serial))
    connection.executemany(FORGET_HOLDER, sorted(holders))
    connection.executemany(FORGET_COMMISSION, [(component, serial) for serial in serials])
    return len(serials) == MOST_FORGOTTEN
