"""Lists pending commissions of all components for administrators, the oldest first, page by page."""

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from astakos.ledger.rules import Provision
from astakos.storage.protocol import Connection
from astakos.storage.tables.holdings import find_by_id
from astakos.storage.tables.provisions import read_all_pending

MOST_LOOKED_AT = 5_000
"""How many commissions one page examines at most. It then ends even if it is not full."""
AT_A_TIME = 500
LIST_COMPONENTS = "SELECT id, name FROM components"
COMPONENT_OF_SERVICE = "SELECT component_id FROM services WHERE name = ?"
READ = """
SELECT serial, component_id, name, issue_time, expires, provisions FROM pending_commissions
WHERE component_id = ? AND serial > ? ORDER BY serial LIMIT ?
"""


@dataclass(frozen=True, slots=True)
class PendingWanted:
    """Which pending commissions to list; None matches all.

    Attributes:
        component: the id of the component that issued it.
        holder: the ledger's name of a holder that it has a provision for.
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
    """Return the id of the component that has a service; None if there is no such service."""
    row = connection.execute(COMPONENT_OF_SERVICE, (service,)).fetchone()
    return None if row is None else int(row[0])


def read_pending_page(
    connection: Connection, wanted: PendingWanted, *, after: int = 0, most: int = 100
) -> PendingPage:
    """Read pending commissions that match a filter.

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
    entries: list[PendingEntry] = []
    for looked_at, row in enumerate(heapq.merge(*streams), start=1):
        serial, component, name, issue_time, expires, document = row
        pending = read_all_pending(document)
        provisions = _provisions(connection, wanted, issue_time, pending.provisions)
        if provisions is not None:
            if len(entries) == most:
                return PendingPage(entries, entries[-1].serial)
            entries.append(
                PendingEntry(
                    serial, names[component], name, issue_time, expires, provisions, pending.key_holder
                )
            )
        if looked_at == MOST_LOOKED_AT:
            return PendingPage(entries, serial)
    return PendingPage(entries, None)


def _provisions(
    connection: Connection, wanted: PendingWanted, issue_time: int, stored: Iterable[tuple[int, int]]
) -> tuple[Provision, ...] | None:
    """Return the provisions of a commission; None if it does not match."""
    if wanted.issued_before is not None and issue_time >= wanted.issued_before:
        return None
    found = [Provision(find_by_id(connection, holding).key, quantity) for holding, quantity in sorted(stored)]
    for attribute, value in (("holder", wanted.holder), ("resource", wanted.resource)):
        if value is not None and all(getattr(one.key, attribute) != value for one in found):
            return None
    found.sort(key=lambda provision: provision.key.source is None)
    return tuple(found)


def _read(
    connection: Connection, component: int, after: int
) -> Iterator[tuple[int, int, str, int, int | None, str]]:
    while True:
        rows = connection.execute(READ, (component, after, AT_A_TIME)).fetchall()
        yield from rows
        if len(rows) < AT_A_TIME:
            return
        after = rows[-1][0]
