"""Deletes what is past its retention: idempotency keys, periods, alerts and commissions.

Commissions stay unless the setting `history_days` says for how long they are kept.
"""

from collections.abc import Mapping
from typing import Protocol

from astakos.clock import DAY
from astakos.storage.protocol import Connection
from astakos.storage.tables import quota_alerts, settings
from astakos.storage.tables.holdings import find_by_id
from astakos.storage.tables.provisions import read_resolved

KEYS_KEPT = 2 * DAY
"""How long idempotency keys are kept; the documentation promises one day."""
MOST_FORGOTTEN = 2000
"""How many records of each kind one turn looks at, so that other writers do not wait long."""

MOST_COUNTED = 10_000_000
"""How many keys are counted at most: enough for an alert, in half a second."""

COUNT_KEYS = "SELECT count(*) FROM (SELECT 1 FROM idempotency_keys LIMIT ?) AS counted"
FORGET_KEYS = """
DELETE FROM idempotency_keys WHERE (component_id, key) IN (
    SELECT component_id, key FROM idempotency_keys WHERE time < ? ORDER BY time LIMIT ?
)
RETURNING serial
"""
FORGET_PERIODS = """
DELETE FROM closed_periods WHERE (holding_id, start) IN (
    SELECT holding_id, start FROM closed_periods WHERE kept_until < ? ORDER BY kept_until LIMIT ?
)
RETURNING start
"""
FORGET_ALERTS = """
DELETE FROM quota_alerts WHERE (holding_id, kind, percent, start) IN (
    SELECT holding_id, kind, percent, start FROM quota_alerts
    WHERE "end" < ? AND event IS NOT NULL ORDER BY "end" LIMIT ?
)
RETURNING start
"""
NEXT_COMPONENT = "SELECT id FROM components WHERE id >= ? ORDER BY id LIMIT 1"
# Serials ascend with the time of issue, so the first rows of each component were issued first. They may have
# been resolved long after others.
LIST_OLDEST = """
SELECT serial, issue_time, resolve_time, provisions FROM resolved_commissions
WHERE component_id = ? AND serial > ? ORDER BY serial LIMIT ?
"""
FORGET_HOLDER = "DELETE FROM commission_holders WHERE holder = ? AND serial = ?"
FORGET_COMMISSION = "DELETE FROM resolved_commissions WHERE component_id = ? AND serial = ?"


class Delete(Protocol):
    """Deletes commissions of a component from the log."""

    def __call__(self, connection: Connection, component: int, holdings: Mapping[int, set[int]], /) -> None:
        """Deletes the commissions with these serials, each given with the ids of its holdings."""
        ...


def delete_one_by_one(connection: Connection, component: int, holdings: Mapping[int, set[int]]) -> None:
    """Deletes commissions from a database to which statements make no journey."""
    holders = {
        (find_by_id(connection, identifier).key.holder, serial)
        for serial, identifiers in holdings.items()
        for identifier in identifiers
    }
    connection.executemany(FORGET_HOLDER, sorted(holders))
    connection.executemany(FORGET_COMMISSION, [(component, serial) for serial in holdings])


class Retention:
    """Deletes some records past their retention in each turn, and remembers where the next one continues.

    A pass goes through the log of each component by serial, past what is young: a commission that was pending
    for long does not keep those behind it.
    """

    def __init__(self, delete: Delete = delete_one_by_one) -> None:
        """Begins a pass."""
        self._delete = delete
        self._component = 0
        self._serial = 0

    def forget(self, connection: Connection, now: int) -> bool:
        """Does one turn, within a transaction; returns true if the pass is not over."""
        keys = connection.execute(FORGET_KEYS, (now - KEYS_KEPT, MOST_FORGOTTEN)).fetchall()
        days = settings.find(connection, settings.HISTORY_DAYS)
        more = days is not None and self._forget_commissions(connection, now - int(days * DAY))
        periods = connection.execute(FORGET_PERIODS, (now, MOST_FORGOTTEN)).fetchall()
        alerts = connection.execute(FORGET_ALERTS, (now - quota_alerts.KEPT, MOST_FORGOTTEN)).fetchall()
        return more or MOST_FORGOTTEN in (len(keys), len(periods), len(alerts))

    def _forget_commissions(self, connection: Connection, before: int) -> bool:
        left = MOST_FORGOTTEN
        while left > 0:
            found = connection.execute(NEXT_COMPONENT, (self._component,)).fetchone()
            if found is None:
                self._component = self._serial = 0
                return False
            if found[0] != self._component:
                self._component, self._serial = found[0], 0
            rows = connection.execute(LIST_OLDEST, (self._component, self._serial, left)).fetchall()
            old = {
                serial: {provision.holding for provision in read_resolved(document).provisions}
                for serial, _, resolve_time, document in rows
                if resolve_time < before
            }
            if old:
                self._delete(connection, self._component, old)
            if len(rows) < left or rows[-1][1] >= before:
                # What was issued later is young.
                self._component, self._serial = self._component + 1, 0
            else:
                self._serial = rows[-1][0]
            left -= max(len(rows), 1)
        return True


def count_keys(connection: Connection) -> int:
    """Counts the idempotency keys that are kept, up to `MOST_COUNTED`."""
    return int(connection.execute(COUNT_KEYS, (MOST_COUNTED,)).fetchone()[0])
