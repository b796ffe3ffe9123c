"""Reading what became of commissions: the provision log, newest first (`quota-semantics.md` §4)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from astakos.ledger.operations import Verdict
from astakos.ledger.rules import Holding, Key
from astakos.storage.database import Connection
from astakos.storage.ledger import read_source
from astakos.storage.texts import is_storable

COLUMNS = """
c.serial, k.name, c.name, c.issue_time, c.resolve_time, c.verdict, h.id, h.holder, h.source, h.resource,
p.quantity, p.settled, p."limit", p.usage_min, p.usage_max
"""
# Commissions are walked in the order that is wanted; SQLite joins a CROSS JOIN as it is written. Those of one
# holder are found in `commission_holders`, unless it is a project, whose own holdings draw from no source.
BY_COMMISSION = """
FROM commissions c CROSS JOIN provisions p JOIN holdings h ON h.id = p.holding_id
"""
BY_HOLDER = """
FROM commission_holders x
CROSS JOIN commissions c
CROSS JOIN provisions p
JOIN holdings h ON h.id = p.holding_id
"""
HAS_OWN_HOLDINGS = "SELECT EXISTS (SELECT 1 FROM holdings WHERE holder = ? AND source = '')"
COMPONENT = "JOIN components k ON k.id = c.component_id"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries are asked for; None means all.

    Attributes:
        component: only commissions that this component issued.
        holder, source, resource: only provisions on such holdings; of `source`, "" stands for null.
        serial: only of this commission.
        since, until: only what was resolved in this time, the end excluded.
        verdict: only what ended like this.
        before: only what comes after this entry, which was the last of the page before.
    """

    component: int | None = None
    holder: str | None = None
    source: str | None = None
    resource: str | None = None
    serial: int | None = None
    since: int | None = None
    until: int | None = None
    verdict: Verdict | None = None
    before: "Position | None" = None


class Position(NamedTuple):
    """Where an entry stands: newer commissions first, then by holding."""

    serial: int
    holding: int


class Entry(NamedTuple):
    """A provision that was resolved, and its holding as that left it."""

    serial: int
    component: str
    name: str
    issue_time: int
    resolve_time: int
    verdict: Verdict
    key: Key
    quantity: int
    settled: int
    after: Holding
    position: Position


def read_history(connection: Connection, wanted: Wanted, most: int) -> list[Entry]:
    """The newest entries that are wanted, at most so many."""
    texts = (wanted.holder, wanted.source, wanted.resource)
    if not all(is_storable(text) for text in texts if text is not None):
        return []
    conditions, parameters = _conditions(wanted)
    tables, order = BY_COMMISSION, "c.serial"
    if wanted.holder is not None and not _has_own_holdings(connection, wanted.holder):
        tables, order = BY_HOLDER, "x.serial"
        conditions += ["c.serial = x.serial", "x.holder = ?"]
        parameters.append(wanted.holder)
    statement = (
        f"SELECT {COLUMNS} {tables} {COMPONENT} WHERE {' AND '.join(conditions)} "
        f"ORDER BY {order} DESC, p.holding_id LIMIT ?"
    )
    return list(map(_entry, connection.execute(statement, (*parameters, most))))


def _has_own_holdings(connection: Connection, holder: str) -> bool:
    return bool(connection.execute(HAS_OWN_HOLDINGS, (holder,)).fetchone()[0])


def _conditions(wanted: Wanted) -> tuple[list[str], list[Any]]:
    conditions = ["p.serial = c.serial", "c.verdict IS NOT NULL"]
    parameters: list[Any] = []
    exact = {
        "c.component_id": wanted.component,
        "h.holder": wanted.holder,
        "h.source": wanted.source,
        "h.resource": wanted.resource,
        "c.serial": wanted.serial,
        "c.verdict": wanted.verdict,
    }
    for column, value in exact.items():
        if value is not None:
            conditions.append(f"{column} = ?")
            parameters.append(value)
    for condition, instant in (("c.resolve_time >= ?", wanted.since), ("c.resolve_time < ?", wanted.until)):
        if instant is not None:
            conditions.append(condition)
            parameters.append(instant)
    if wanted.before is not None:
        conditions.append("(c.serial < ? OR (c.serial = ? AND p.holding_id > ?))")
        parameters += [wanted.before.serial, *wanted.before]
    return conditions, parameters


def _entry(row: Sequence[Any]) -> Entry:
    (
        serial,
        component,
        name,
        issue_time,
        resolve_time,
        verdict,
        holding,
        holder,
        source,
        resource,
        *figures,
    ) = row
    quantity, settled, limit, usage_min, usage_max = figures
    return Entry(
        serial=serial,
        component=component,
        name=name,
        issue_time=issue_time,
        resolve_time=resolve_time,
        verdict=Verdict(verdict),
        key=Key(holder, read_source(source), resource),
        quantity=quantity,
        settled=settled,
        after=Holding(limit, usage_min, usage_max),
        position=Position(serial, holding),
    )
