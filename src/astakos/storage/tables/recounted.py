"""Adds up what the history, pending commissions and closed periods say of each holding.

Holdings are taken a million at a time, by their ids: what is in memory does not grow with their number, and
for each million the history is read once.
"""

from array import array
from collections.abc import Callable, Iterator
from typing import NamedTuple

import msgspec

from astakos.ledger.rules import Key
from astakos.storage.protocol import Connection
from astakos.storage.tables.holdings import PROJECT_LEVEL, read_source
from astakos.storage.tables.id_ranges import filled_ranges
from astakos.storage.tables.provisions import StoredPending, read_pending, read_resolved

AT_A_TIME = 1000
MOST_HOLDINGS = 2**20
"""How many ids are taken at a time: about 50 MB."""
MASK, HALF, WHOLE = 2**64 - 1, 2**63, 2**64

NEXT_ID = "SELECT min(id) FROM holdings WHERE id > ?"
LAST_ID = "SELECT coalesce(max(id), 0) FROM holdings"
COUNT_HISTORY = "SELECT count(*) FROM resolved_commissions"
LIST_HOLDINGS = """
SELECT id, holder, source, resource, usage_min, usage_max, settled FROM holdings
WHERE id > ? AND id <= ? ORDER BY id LIMIT ?
"""
LIST_SETTLED = f"""
SELECT h.id, h.resource, h.settled, coalesce(p.id, h.parent_id) FROM holdings h {PROJECT_LEVEL}
WHERE h.id > ? ORDER BY h.id LIMIT ?
"""
LIST_HISTORY = """
SELECT component_id, serial, resolve_time, provisions FROM resolved_commissions
WHERE (component_id, serial) > (?, ?) ORDER BY component_id, serial LIMIT ?
"""
LIST_PENDING = """
SELECT component_id, serial, provisions FROM pending_commissions
WHERE (component_id, serial) > (?, ?) ORDER BY component_id, serial LIMIT ?
"""
LIST_CLOSED = """
SELECT holding_id, start, total FROM closed_periods
WHERE (holding_id, start) > (?, ?) AND holding_id <= ? ORDER BY holding_id, start LIMIT ?
"""

Count = Callable[[int], None]
"""Called with how many rows have been read since the last call."""


class Totals:
    """A sum for each of a range of ids.

    Sums are kept modulo 2**64: on the way, they can be larger than what a column holds. In the end none is,
    unless the figures are wrong, and then they are still unequal.
    """

    def __init__(self, first: int, number: int) -> None:
        """Begins with nothing for `number` ids from `first` on."""
        self._first = first
        self._sums = array("Q", bytes(8 * number))

    def add(self, identifier: int, quantity: int) -> None:
        """Adds a quantity to the sum of an id; ids outside of the range are left out."""
        place = identifier - self._first
        if 0 <= place < len(self._sums):
            self._sums[place] = (self._sums[place] + quantity) & MASK

    def of(self, identifier: int) -> int:
        """Returns the sum of an id of the range."""
        found = self._sums[identifier - self._first]
        return found - WHOLE if found >= HALF else found


class Unreadable(NamedTuple):
    """A commission whose provisions cannot be read.

    Attributes:
        component: the id of its component.
        serial: its serial.
    """

    component: int
    serial: int


class StoredFigures(NamedTuple):
    """A holding as it is stored."""

    id: int
    key: Key
    usage_min: int
    usage_max: int
    settled: int


class Recounted:
    """What other tables say of the holdings with a range of ids.

    Attributes:
        settled: what the history has settled on each.
        settled_since: the same of commissions that were resolved since an instant.
        imports: what is pending and would raise the usage.
        releases: what is pending and would lower it; negative.
        counted: what is pending, and a rate has counted already.
        closed: the totals of periods that are over.
        unreadable: commissions that could not be read; they are part of no sum.
    """

    def __init__(self, first: int, number: int) -> None:
        """Begins with nothing for `number` ids from `first` on."""
        self.first = first
        self.last = first + number - 1
        self.settled = Totals(first, number)
        self.settled_since = Totals(first, number)
        self.imports = Totals(first, number)
        self.releases = Totals(first, number)
        self.counted = Totals(first, number)
        self.closed = Totals(first, number)
        self.unreadable: list[Unreadable] = []

    def read(self, connection: Connection, since: int, count: Count) -> None:
        """Adds everything up. All reads have to see the same state."""
        self._read_history(connection, since, count)
        self._read_pending(connection)
        self._read_closed(connection)

    def _read_history(self, connection: Connection, since: int, count: Count) -> None:
        place = (0, 0)
        while rows := connection.execute(LIST_HISTORY, (*place, AT_A_TIME)).fetchall():
            for component, serial, resolve_time, document in rows:
                try:
                    provisions = read_resolved(document).provisions
                except msgspec.MsgspecError:
                    self._note(component, serial)
                    continue
                for provision in provisions:
                    if provision.settled:
                        self.settled.add(provision.holding, provision.settled)
                        if resolve_time >= since:
                            self.settled_since.add(provision.holding, provision.settled)
            place = rows[-1][:2]
            count(len(rows))

    def _read_pending(self, connection: Connection) -> None:
        for component, serial, stored in pending_commissions(connection):
            if stored is None:
                self._note(component, serial)
                continue
            for holding, quantity in stored.provisions:
                (self.imports if quantity >= 0 else self.releases).add(holding, quantity)
            for counted in stored.counts:
                if counted.at_issue is not None:
                    self.counted.add(counted.holding, counted.quantity)
                else:
                    sums = self.imports if counted.quantity >= 0 else self.releases
                    sums.add(counted.holding, counted.quantity)

    def _read_closed(self, connection: Connection) -> None:
        place = (self.first - 1, HALF - 1)
        while rows := connection.execute(LIST_CLOSED, (*place, self.last, AT_A_TIME)).fetchall():
            for identifier, _, total in rows:
                self.closed.add(identifier, total)
            place = rows[-1][:2]

    def _note(self, component: int, serial: int) -> None:
        if len(self.unreadable) < AT_A_TIME:
            self.unreadable.append(Unreadable(component, serial))


def stored_holdings(connection: Connection, first: int, number: int) -> Iterator[StoredFigures]:
    """Yields the holdings with `number` ids from `first` on."""
    last, end = first - 1, first + number - 1
    while rows := connection.execute(LIST_HOLDINGS, (last, end, AT_A_TIME)).fetchall():
        for identifier, holder, source, resource, *figures in rows:
            yield StoredFigures(identifier, Key(holder, read_source(source), resource), *figures)
        last = rows[-1][0]


def pending_commissions(connection: Connection) -> Iterator[tuple[int, int, StoredPending | None]]:
    """Yields component, serial and provisions of all pending commissions; None for what cannot be read."""
    place = (0, 0)
    while rows := connection.execute(LIST_PENDING, (*place, AT_A_TIME)).fetchall():
        for component, serial, document in rows:
            try:
                stored = read_pending(document)
            except msgspec.MsgspecError:
                stored = None
            yield component, serial, stored
        place = rows[-1][:2]


def count_history(connection: Connection) -> int:
    """Counts the commissions in the history."""
    (number,) = connection.execute(COUNT_HISTORY).fetchone()
    return int(number)


def ranges(connection: Connection) -> list[tuple[int, int]]:
    """Returns the ranges of ids in which all holdings are: the first id of each, and how many ids it has."""
    (last,) = connection.execute(LAST_ID).fetchone()
    return [
        (after + 1, min(MOST_HOLDINGS, last - after))
        for after, _ in filled_ranges(connection, NEXT_ID, MOST_HOLDINGS)
    ]


def settled_below(
    connection: Connection, first: int, number: int, is_added: Callable[[str], bool], count: Count
) -> Totals:
    """Adds up what is settled directly below holdings: on members of a project, and on projects in it.

    Args:
        connection: the connection.
        first, number: the ids of the holdings above.
        is_added: whether the holdings of a resource add up.
        count: told how many holdings were read.
    """
    totals, last = Totals(first, number), 0
    while rows := connection.execute(LIST_SETTLED, (last, AT_A_TIME)).fetchall():
        for _, resource, settled, above in rows:
            if above is not None and is_added(resource):
                totals.add(above, settled)
        last = rows[-1][0]
        count(len(rows))
    return totals
