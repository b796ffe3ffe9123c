"""What the ledger has to tell of holdings, from where it is taken into the audit log.

The ledger writes these rows with the charges that they tell of. It must not wait for the audit log, which one
transaction at a time writes to; so it never changes a row, and looks for one before it writes another.
"""

from collections.abc import Iterable
from typing import NamedTuple

from astakos.clock import DAY
from astakos.ledger.alerts import AlertIdentity, AlertKind
from astakos.ledger.rules import Key
from astakos.storage.protocol import Connection
from astakos.storage.tables.holdings import read_source, stored_source

KEPT = 7 * DAY
"""How long after its period an alert is kept, and so is not told again."""
NOT_TOLD = 0
"""Stands for the number of an event that is not in the audit log, and need not be."""

INSERT = """
INSERT INTO quota_alerts (holding_id, kind, percent, start, "end", time, usage, "limit")
VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (holding_id, kind, percent, start) DO NOTHING
"""
HAS_NEW = "SELECT 1 FROM quota_alerts WHERE event IS NULL LIMIT 1"
LIST_NEW = """
SELECT a.holding_id, h.holder, h.source, h.resource, a.kind, a.percent, a.start, a."end",
       a.time, a.usage, a."limit"
FROM quota_alerts a JOIN holdings h ON h.id = a.holding_id
WHERE a.event IS NULL ORDER BY a.time, a.holding_id, a.kind, a.percent LIMIT ?
"""
SET_EVENT = """
UPDATE quota_alerts SET event = ? WHERE holding_id = ? AND kind = ? AND percent = ? AND start = ?
"""
IS_TOLD_OF_MEMBER = """
SELECT 1 FROM quota_alerts a JOIN holdings h ON h.id = a.holding_id
WHERE h.holder = ? AND h.source = ? AND h.resource = ? AND a.kind = ? AND a.percent = ? AND a.start = ?
"""


class StoredAlert(NamedTuple):
    """An alert with the id of its holding; see `astakos.ledger.alerts.Alert`."""

    holding: int
    identity: AlertIdentity
    end: int
    time: int
    usage: int
    limit: int


def has_new(connection: Connection) -> bool:
    """Whether there are alerts that are not in the audit log yet."""
    return connection.execute(HAS_NEW).fetchone() is not None


def list_new(connection: Connection, most: int) -> list[StoredAlert]:
    """Lists alerts that are not in the audit log yet, the oldest first."""
    return [
        StoredAlert(
            holding,
            AlertIdentity(Key(holder, read_source(source), resource), AlertKind(kind), percent, start),
            *figures,
        )
        for holding, holder, source, resource, kind, percent, start, *figures in connection.execute(
            LIST_NEW, (most,)
        ).fetchall()
    ]


def set_events(connection: Connection, numbers: Iterable[tuple[StoredAlert, int]]) -> None:
    """Notes the numbers that alerts have in the audit log."""
    connection.executemany(
        SET_EVENT,
        [
            (number, alert.holding, alert.identity.kind, alert.identity.percent, alert.identity.start)
            for alert, number in numbers
        ],
    )


def is_told_of_member(connection: Connection, alert: StoredAlert, member: str) -> bool:
    """Whether there is the same alert of a member's holding that draws from this project's."""
    (project, _, resource), kind, percent, start = alert.identity
    key = (member, stored_source(project), resource, kind, percent, start)
    return connection.execute(IS_TOLD_OF_MEMBER, key).fetchone() is not None
