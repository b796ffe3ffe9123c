"""Converts the changes of a ledger batch into table rows, and writes them.

The engines on PostgreSQL write them in a way of their own, with fewer round trips.
"""

from collections.abc import Mapping

import msgspec

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
INSERT INTO closed_periods (holding_id, start, "end", total, kept_until, resource)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (holding_id, start) DO UPDATE SET
    "end" = excluded."end", total = closed_periods.total + excluded.total
"""
# A grant that was revoked stays so.
USE_UP = "UPDATE grants SET state = 'used' WHERE holding_id = ? AND state = 'open'"
FIND_SETTLED = "SELECT settled FROM holdings WHERE id = ?"


class Rows(msgspec.Struct):
    """The rows of a batch, with columns in the order of their statements. Each list may be empty.

    Attributes:
        pending: new rows of `pending_commissions`.
        resolved: new rows of `resolved_commissions`, for commissions resolved in the batch that issued them.
        moved: resolve_time, verdict, provisions, component, and serial of each commission that moves from
            `pending_commissions` to `resolved_commissions`.
        revised: component, serial, and provisions of each changed row of `pending_commissions`.
        extended: component, serial, and the new instant at which it expires, of such rows.
        holders: new rows of `commission_holders`.
        remembered: new rows of `idempotency_keys`.
        usage: usage_min and usage_max of each changed holding, what the batch has settled on it, and its id.
        marks: id and mark of each changed holding of a meter.
        closed: new rows of `closed_periods`.
        alerts: rows of `quota_alerts`, some of which there may be already.
        rolled: rows of `rollovers`, which replace what is there.
        used_up: the ids of holdings of grants of which all is settled.
    """

    pending: list[tuple[int, int, str, int, int | None, str]] = []
    resolved: list[tuple[int, int, str, int, int, str, str]] = []
    moved: list[tuple[int, str, str, int, int]] = []
    revised: list[tuple[int, int, str]] = []
    extended: list[tuple[int, int, int]] = []
    holders: list[tuple[str, int, int]] = []
    remembered: list[tuple[int, str, bytes, int, int, str | None]] = []
    usage: list[tuple[int, int, int, int]] = []
    marks: list[tuple[int, int | None]] = []
    closed: list[tuple[int, int, int, int, int, str | None]] = []
    alerts: list[tuple[int, str, int, int, int, int, int, int]] = []
    rolled: list[tuple[int, int, int]] = []
    used_up: list[tuple[int]] = []


def rows_of(now: int, changes: Changes, identifiers: Mapping[Key, int]) -> Rows:
    """Returns the rows for the changes of a batch; `identifiers` has the ids of all holdings involved."""
    rows = Rows()
    resolved = {resolution.serial: resolution for resolution in changes.resolved}
    revised, extended = dict(changes.revised), dict(changes.extended)
    for new in changes.issued:
        serial, issue = new.serial, new.issue
        resolution = resolved.pop(serial, None)
        if resolution is None:
            expires = None if issue.time_to_live is None else now + issue.time_to_live
            if serial in extended:
                _, expires = extended.pop(serial)
            provisions = write_pending(revised.pop(serial, new.pending), identifiers)
            rows.pending.append((issue.component, serial, issue.name, now, expires, provisions))
        else:
            provisions = write_resolved(resolution, identifiers)
            rows.resolved.append(
                (issue.component, serial, issue.name, now, now, resolution.verdict, provisions)
            )
        if issue.idempotency is not None:
            rows.remembered.append(
                (issue.component, *issue.idempotency, serial, now, write_granted(new.granted))
            )
    rows.revised = [
        (pending.component, serial, write_pending(pending, identifiers))
        for serial, pending in revised.items()
        if serial not in resolved
    ]
    rows.extended = [(component, serial, expires) for serial, (component, expires) in extended.items()]
    rows.moved = [
        (now, one.verdict, write_resolved(one, identifiers), one.component, one.serial)
        for one in resolved.values()
    ]
    settled: dict[Key, int] = {}
    for resolution in changes.resolved:
        rows.holders.extend(
            [(holder, resolution.serial, resolution.component) for holder in _drawing_holders(resolution)]
        )
        for one in resolution.settlements:
            settled[one.key] = settled.get(one.key, 0) + one.settled
    rows.usage = [
        (holding.usage_min, holding.usage_max, settled.get(key, 0), identifiers[key])
        for key, holding in changes.holdings.items()
    ]
    rows.marks = [(identifiers[key], mark) for key, mark in changes.marks.items()]
    rows.closed = [
        (identifiers[key], *period, period.kept_until, key.resource if key.source is None else None)
        for key, period in changes.closed
    ]
    rows.alerts = [
        (identifiers[key], kind, percent, start, one.end, one.time, one.usage, one.limit)
        for one in changes.alerts
        for key, kind, percent, start in (one.identity,)
    ]
    rows.rolled = [(identifiers[key], *over) for key, over in changes.rolled.items()]
    rows.used_up = [(identifiers[key],) for key in changes.used_up]
    return rows


def write_rows(connection: Connection, rows: Rows) -> None:
    """Writes the rows of a batch, in one pass over each table."""
    many = connection.executemany
    # Each statement costs time, even for no row.
    if rows.pending:
        many(INSERT_PENDING, rows.pending)
    if rows.resolved:
        many(INSERT_RESOLVED, rows.resolved)
    if rows.moved:
        many(MOVE_TO_RESOLVED, rows.moved)
        many(DELETE_PENDING, [row[3:] for row in rows.moved])
    if rows.holders:
        many(INSERT_HOLDER, rows.holders)
    if rows.remembered:
        many(REMEMBER, rows.remembered)
    if rows.usage:
        many(SET_USAGE, rows.usage)
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
    """Returns the holders whose history lists the commission by way of `commission_holders`."""
    return {one.key.holder for one in resolution.settlements if one.key.source is not None}
