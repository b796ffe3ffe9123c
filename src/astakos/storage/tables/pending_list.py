"""Lists pending commissions of all components for administrators, the oldest first, page by page."""

import heapq
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

from astakos.ledger.rules import Key, Provision
from astakos.storage.protocol import Connection
from astakos.storage.tables.holdings import ids_of_holder, keys_by_id
from astakos.storage.tables.provisions import StoredPending, read_pending

MOST_LOOKED_AT = 4_000
"""How many commissions one page examines at most. It then ends even if it is not full."""
AT_A_TIME = 500
LIST_COMPONENTS = "SELECT id, name FROM components"
COMPONENT_OF_SERVICE = "SELECT component_id FROM services WHERE name = ?"
READ = """
SELECT serial, component_id, name, issue_time, expires, provisions FROM pending_commissions
WHERE component_id = ? AND serial > ? ORDER BY serial LIMIT ?
"""


Stored = tuple[int, int, str, int, int | None, str]
"""A row of `READ`."""


@dataclass(frozen=True, slots=True)
class PendingWanted:
    """Which pending commissions to list; None matches all.

    Attributes:
        component: the id of the component that issued it.
        holder: the ledger's name of a holder that it has a provision for, or of the key it was issued for.
        resource: the name of a resource that it has a provision of.
        issued_before: only those issued before this instant.
    """

    component: int | None = None
    holder: str | None = None
    resource: str | None = None
    issued_before: int | None = None


class PendingEntry(NamedTuple):
    """A pending commission; provisions of members come before those of projects.

    `key_holder` is the key that it was issued for, if it was.
    """

    serial: int
    component: str
    name: str
    issue_time: int
    expires: int | None
    provisions: tuple[Provision, ...]
    key_holder: str | None = None


class PendingPage(NamedTuple):
    """Pending commissions by serial.

    Attributes:
        entries: the commissions.
        end: the serial after which the next page begins; None on the last page.
    """

    entries: list[PendingEntry]
    end: int | None


def component_of_service(connection: Connection, service: str) -> int | None:
    """Returns the id of the component that has a service; None if there is no such service."""
    row = connection.execute(COMPONENT_OF_SERVICE, (service,)).fetchone()
    return None if row is None else int(row[0])


def read_pending_page(
    connection: Connection, wanted: PendingWanted, *, after: int = 0, most: int = 100
) -> PendingPage:
    """Reads pending commissions that match a filter.

    Args:
        connection: where to read.
        wanted: the filter.
        after: the `end` of the page before.
        most: how many at most.
    """
    names = dict(connection.execute(LIST_COMPONENTS).fetchall())
    streams = (
        _read(connection, component, after) for component in names if wanted.component in (None, component)
    )
    keys: dict[int, Key] = {}
    entries: list[PendingEntry] = []
    looked_at = 0
    own = None if wanted.holder is None else set(ids_of_holder(connection, wanted.holder))
    for part in _parts(islice(heapq.merge(*streams), MOST_LOOKED_AT), most):
        looked_at += len(part)
        matching = _matching(wanted, own, part)
        missing = {holding for _, stored in matching for holding, _ in stored.provisions} - keys.keys()
        keys |= keys_by_id(connection, missing)
        for (serial, component, name, issue_time, expires, _), stored in matching:
            provisions = [
                Provision(keys[holding], quantity) for holding, quantity in sorted(stored.provisions)
            ]
            if wanted.resource is not None and all(one.key.resource != wanted.resource for one in provisions):
                continue
            if len(entries) == most:
                return PendingPage(entries, entries[-1].serial)
            provisions.sort(key=lambda provision: provision.key.source is None)
            entries.append(
                PendingEntry(
                    serial, names[component], name, issue_time, expires, tuple(provisions), stored.key_holder
                )
            )
        if looked_at == MOST_LOOKED_AT:
            return PendingPage(entries, part[-1][0])
    return PendingPage(entries, None)


def _matching(
    wanted: PendingWanted, own: Collection[int] | None, part: Iterable[Stored]
) -> list[tuple[Stored, StoredPending]]:
    """Returns the rows that match a filter, as far as that is known without the keys of their holdings.

    `own` are the ids of the wanted holder's holdings: looking for them costs less than looking up all others.
    """
    read = [
        (row, read_pending(row[-1]))
        for row in part
        if wanted.issued_before is None or row[3] < wanted.issued_before
    ]
    if own is None:
        return read
    return [
        (row, stored)
        for row, stored in read
        if stored.key_holder == wanted.holder or any(holding in own for holding, _ in stored.provisions)
    ]


def _parts(rows: Iterable[Stored], most: int) -> Iterator[list[Stored]]:
    """Yields what is pending in parts: first what fills a page if all match, then larger ones."""
    remaining = iter(rows)
    size = most + 1
    while part := list(islice(remaining, size)):
        yield part
        size = AT_A_TIME


def _read(connection: Connection, component: int, after: int) -> Iterator[Stored]:
    while True:
        rows = connection.execute(READ, (component, after, AT_A_TIME)).fetchall()
        yield from rows
        if len(rows) < AT_A_TIME:
            return
        after = rows[-1][0]
