"""Reads the history of resolved commissions, newest first (`quota-semantics.md` §4)."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from astakos.ledger.operations import Verdict
from astakos.ledger.rules import Holding, Key
from astakos.storage.protocol import Connection
from astakos.storage.tables.holdings import find_by_id, stored_source
from astakos.storage.tables.provisions import StoredResolved, read_resolved
from astakos.storage.texts import is_storable

AT_A_TIME = 500
LARGEST_ID = 2**63 - 1
NOTHING = StoredResolved([])
MOST_LOOKED_AT = 5_000
"""How many commissions one page examines at most: some 20 ms. It then ends even if it is not full, so that a
filter with few matches does not cause a long read."""

COLUMNS = "r.serial, r.component_id, r.name, r.issue_time, r.resolve_time, r.verdict, r.provisions"
BY_COMPONENT = f"SELECT {COLUMNS} FROM resolved_commissions r WHERE r.component_id = ?"
# A project's own holdings have no source, so `commission_holders` does not list their commissions.
BY_HOLDER = f"""
SELECT {COLUMNS} FROM commission_holders x
JOIN resolved_commissions r ON r.component_id = x.component_id AND r.serial = x.serial
WHERE x.holder = ?
"""
HAS_OWN_HOLDINGS = "SELECT EXISTS (SELECT 1 FROM holdings WHERE holder = ? AND source = '')"
LIST_COMPONENTS = "SELECT id, name FROM components"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A filter for entries; None matches everything.

    Attributes:
        component: the component that issued the commission.
        holder, source, resource: the key of the holding; a `source` of "" matches null.
        serial: the serial of the commission.
        since, until: the time of the resolution; `until` is exclusive.
        verdict: how the commission ended.
        before: the position where the previous page ended; only later entries match.
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
    """The position of an entry: newest commissions first, then by the id of the holding.

    `place` tells apart what several provisions of a commission have counted on one holding.
    """

    serial: int
    holding: int
    place: int = 0


class Entry(NamedTuple):
    """A resolved provision, and its holding afterwards; `key_holder` is the key of its commission."""

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
    key_holder: str | None = None


class Page(NamedTuple):
    """Entries, and the position after which the next page begins; None on the last page."""

    entries: list[Entry]
    end: Position | None


class _Commission(NamedTuple):
    serial: int
    component: int
    name: str
    issue_time: int
    resolve_time: int
    verdict: str
    provisions: str


def read_history(connection: Connection, wanted: Wanted, most: int) -> Page:
    """Reads the newest entries that match a filter, at most `most` of them."""
    if wanted.holder is not None and not is_storable(wanted.holder):
        return Page([], None)
    components = dict(connection.execute(LIST_COMPONENTS).fetchall())
    keys: dict[int, Key] = {}
    entries: list[Entry] = []
    looked_at = 0
    for commission in _walk(connection, wanted, components):
        looked_at += 1
        resolved = read_resolved(commission.provisions) if _may_match(wanted, commission) else NOTHING
        last = place = 0
        for settled in sorted(resolved.provisions, key=lambda one: one.holding):
            identifier = settled.holding
            place = place + 1 if identifier == last else 0
            last = identifier
            key = keys.get(identifier)
            if key is None:
                key = keys[identifier] = find_by_id(connection, identifier).key
            position = Position(commission.serial, identifier, place)
            if not _is_wanted(wanted, key, position):
                continue
            if len(entries) == most:
                return Page(entries, entries[-1].position)
            entries.append(
                Entry(
                    commission.serial,
                    components[commission.component],
                    commission.name,
                    commission.issue_time,
                    commission.resolve_time,
                    Verdict(commission.verdict),
                    key,
                    settled.quantity,
                    settled.settled,
                    settled.after,
                    position,
                    resolved.key_holder,
                )
            )
        if looked_at == MOST_LOOKED_AT:
            return Page(entries, Position(commission.serial, LARGEST_ID))
    return Page(entries, None)


def _may_match(wanted: Wanted, commission: _Commission) -> bool:
    """Returns whether a commission matches, as far as no index tells.

    The statements do not have these conditions: where few rows match, one statement would examine all.
    """
    return (
        wanted.component in (None, commission.component)
        and wanted.verdict in (None, commission.verdict)
        and (wanted.since is None or commission.resolve_time >= wanted.since)
        and (wanted.until is None or commission.resolve_time < wanted.until)
    )


def _is_wanted(wanted: Wanted, key: Key, position: Position) -> bool:
    before = wanted.before
    return (
        wanted.holder in (None, key.holder)
        and wanted.source in (None, stored_source(key.source))
        and wanted.resource in (None, key.resource)
        and (before is None or position.serial < before.serial or position[1:] > before[1:])
    )


def _walk(connection: Connection, wanted: Wanted, components: Iterable[int]) -> Iterator[_Commission]:
    """Yields the commissions that may contain matching entries, newest first."""
    if wanted.holder is not None and not _has_own_holdings(connection, wanted.holder):
        return _read(connection, BY_HOLDER, "x.serial", wanted.holder, wanted)
    return heapq.merge(
        *(
            _read(connection, BY_COMPONENT, "r.serial", component, wanted)
            for component in components
            if wanted.component in (None, component)
        ),
        key=lambda commission: -commission.serial,
    )


def _has_own_holdings(connection: Connection, holder: str) -> bool:
    return bool(connection.execute(HAS_OWN_HOLDINGS, (holder,)).fetchone()[0])


def _read(
    connection: Connection, statement: str, serial: str, where: object, wanted: Wanted
) -> Iterator[_Commission]:
    """Reads in pages, because a database server would otherwise send all rows at once."""
    statement = f"{statement} AND {serial} <= ? AND {serial} >= ? ORDER BY {serial} DESC LIMIT ?"
    last = LARGEST_ID if wanted.before is None else wanted.before.serial
    first = 0
    if wanted.serial is not None:
        last, first = min(last, wanted.serial), wanted.serial
    while True:
        rows = connection.execute(statement, (where, last, first, AT_A_TIME)).fetchall()
        yield from map(_Commission._make, rows)
        if len(rows) < AT_A_TIME:
            return
        last = rows[-1][0] - 1
