"""Converts the changes of a ledger batch into table rows, and writes them.

The engines on PostgreSQL write them in a way of their own, with fewer round trips.
"""

from collections.abc import Mapping
from typing import NamedTuple

from astakos.ledger.operations import Changes, Resolution
from astakos.ledger.rules import Key
from astakos.storage.protocol import Connection
from astakos.storage.tables import quota_alerts, rollovers
from astakos.storage.tables.provisions import write_granted, write_pending, write_resolved

INSERT_PENDING = """
INSERT INTO pending_commissions (component_id, serial, name, issue_time, expires, provisions)
VALUES (?, ?, ?, ?, ?, ?)
"""
INSERT_RESOLVED = """
INSERT INTO resolved_commissions (component_id, serial, name, issue_time, resolve_time, verdict, provisions)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
MOVE_TO_RESOLVED = """
INSERT INTO resolved_commissions (component_id, serial, name, issue_time, resolve_time, verdict, provisions)
SELECT component_id, serial, name, issue_time, ?, ?, ? FROM pending_commissions
WHERE component_id = ? AND serial = ?
"""
DELETE_PENDING = "DELETE FROM pending_commissions WHERE component_id = ? AND serial = ?"
REVISE = "UPDATE pending_commissions SET provisions = ? WHERE component_id = ? AND serial = ?"
EXTEND = "UPDATE pending_commissions SET expires = ? WHERE component_id = ? AND serial = ?"
FIND_EXPIRY = "SELECT expires FROM pending_commissions WHERE component_id = ? AND serial = ?"
INSERT_HOLDER = "INSERT INTO commission_holders (holder, serial, component_id) VALUES (?, ?, ?)"
REMEMBER = """
INSERT INTO idempotency_keys (component_id, key, fingerprint, serial, time, granted)
VALUES (?, ?, ?, ?, ?, ?)
"""
SET_USAGE = "UPDATE holdings SET usage_min = ?, usage_max = ?, settled = settled + ? WHERE id = ?"
SET_MARK = "UPDATE holdings SET mark = ? WHERE id = ?"
# Another definition of the meter can have made the same period end before.
INSERT_CLOSED = """
INSERT INTO closed_periods (holding_id, start, "end", total, kept_until) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (holding_id, start) DO UPDATE SET
    "end" = excluded."end", total = closed_periods.total + excluded.total
"""
# A grant that was revoked stays so.
USE_UP = "UPDATE grants SET state = 'used' WHERE holding_id = ? AND state = 'open'"
FIND_SETTLED = "SELECT settled FROM holdings WHERE id = ?"


class Rows(NamedTuple):
    """The rows of a batch, with columns in the order of their tables. Each list may be empty.

    Attributes:
        pending: new rows of `pending_commissions`.
        resolved: new rows of `resolved_commissions`, for commissions resolved in the batch that issued them.
        moved: component, serial, verdict, and provisions of each commission that moves from
            `pending_commissions` to `resolved_commissions`.
        revised: component, serial, and provisions of each changed row of `pending_commissions`.
        extended: component, serial, and the new instant at which it expires, of such rows.
        holders: new rows of `commission_holders`.
        remembered: new rows of `idempotency_keys`.
        usage: id, usage_min, and usage_max of each changed holding, and what the batch has settled on it.
        marks: id and mark of each changed holding of a meter.
        closed: new rows of `closed_periods`.
        alerts: rows of `quota_alerts`, some of which there may be already.
        rolled: rows of `rollovers`, which replace what is there.
        used_up: the ids of holdings of grants of which all is settled.
    """

    pending: list[tuple[int, int, str, int, int | None, str]]
    resolved: list[tuple[int, int, str, int, int, str, str]]
    moved: list[tuple[int, int, str, str]]
    revised: list[tuple[int, int, str]]
    extended: list[tuple[int, int, int]]
    holders: list[tuple[str, int, int]]
    remembered: list[tuple[int, str, bytes, int, int, str | None]]
    usage: list[tuple[int, int, int, int]]
    marks: list[tuple[int, int | None]]
    closed: list[tuple[int, int, int, int, int]]
    alerts: list[tuple[int, str, int, int, int, int, int, int]]
    rolled: list[tuple[int, int, int]]
    used_up: list[tuple[int]]

    @classmethod
    def none(cls) -> "Rows":
        """Return no rows, to which some can be added."""
        return cls(*([] for _ in cls._fields))


def rows_of(now: int, changes: Changes, identifiers: Mapping[Key, int]) -> Rows:
    """Return the rows for the changes of a batch; `identifiers` has the ids of all holdings involved."""
    rows = Rows.none()
    resolved = {resolution.serial: resolution for resolution in changes.resolved}
    revised, extended = dict(changes.revised), dict(changes.extended)
    for serial, issue, pending, granted in changes.issued:
        resolution = resolved.pop(serial, None)
        if resolution is None:
            expires = None if issue.time_to_live is None else now + issue.time_to_live
            if serial in extended:
                _, expires = extended.pop(serial)
            provisions = write_pending(revised.pop(serial, pending), identifiers)
            rows.pending.append((issue.component, serial, issue.name, now, expires, provisions))
        else:
            provisions = write_resolved(resolution, identifiers)
            rows.resolved.append(
                (issue.component, serial, issue.name, now, now, resolution.verdict, provisions)
            )
        if issue.idempotency is not None:
            rows.remembered.append((issue.component, *issue.idempotency, serial, now, write_granted(granted)))
    rows.revised.extend(
        [
            (pending.component, serial, write_pending(pending, identifiers))
            for serial, pending in revised.items()
            if serial not in resolved
        ]
    )
    rows.extended.extend([(component, serial, expires) for serial, (component, expires) in extended.items()])
    rows.moved.extend(
        [
            (one.component, one.serial, one.verdict, write_resolved(one, identifiers))
            for one in resolved.values()
        ]
    )
    settled: dict[Key, int] = {}
    for resolution in changes.resolved:
        rows.holders.extend(
            [(holder, resolution.serial, resolution.component) for holder in _drawing_holders(resolution)]
        )
        for key, _, quantity, _ in resolution.settlements:
            settled[key] = settled.get(key, 0) + quantity
    rows.usage.extend(
        [
            (identifiers[key], holding.usage_min, holding.usage_max, settled.get(key, 0))
            for key, holding in changes.holdings.items()
        ]
    )
    rows.marks.extend([(identifiers[key], mark) for key, mark in changes.marks.items()])
    rows.closed.extend([(identifiers[key], *period, period.kept_until) for key, period in changes.closed])
    rows.alerts.extend(
        [
            (identifiers[key], kind, percent, start, one.end, one.time, one.usage, one.limit)
            for one in changes.alerts
            for key, kind, percent, start in (one.identity,)
        ]
    )
    rows.rolled.extend([(identifiers[key], *over) for key, over in changes.rolled.items()])
    rows.used_up.extend([(identifiers[key],) for key in changes.used_up])
    return rows


def write_rows(connection: Connection, rows: Rows, now: int) -> None:
    """Write the rows of a batch, in one pass over each table."""
    many = connection.executemany
    many(INSERT_PENDING, rows.pending)
    many(INSERT_RESOLVED, rows.resolved)
    many(MOVE_TO_RESOLVED, [(now, *row[2:], *row[:2]) for row in rows.moved])
    many(DELETE_PENDING, [row[:2] for row in rows.moved])
    many(INSERT_HOLDER, rows.holders)
    many(REMEMBER, rows.remembered)
    many(SET_USAGE, [(*figures, identifier) for identifier, *figures in rows.usage])
    # Few batches have any of these, and each statement costs time, even for no row.
    if rows.revised or rows.extended:
        many(REVISE, [(document, *key) for *key, document in rows.revised])
        many(EXTEND, [(expires, *key) for *key, expires in rows.extended])
    if rows.marks:
        many(SET_MARK, [(mark, identifier) for identifier, mark in rows.marks])
        many(INSERT_CLOSED, rows.closed)
        many(rollovers.SAVE, rows.rolled)
    if rows.used_up:
        many(USE_UP, rows.used_up)
    if rows.alerts:
        many(quota_alerts.INSERT, rows.alerts)


def _drawing_holders(resolution: Resolution) -> set[str]:
    """Return the holders whose history lists the commission by way of `commission_holders`."""
    return {key.holder for key, *_ in resolution.settlements if key.source is not None}
