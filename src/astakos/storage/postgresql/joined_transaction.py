"""The ledger's part of a transaction of administration on PostgreSQL.

It lets a change issue commissions of its own: the change and they are committed together, or not at all.
Such changes are rare, so nothing is cached, and the statements are those that all databases share.
"""

from collections.abc import Collection, Mapping, Sequence

from astakos.ledger.counts import MOST_LEVELS, with_counted
from astakos.ledger.grants import Grant, Rank
from astakos.ledger.meters import Rolled
from astakos.ledger.operations import Changes
from astakos.ledger.ports import Needs, State
from astakos.ledger.rules import Holding, Key
from astakos.storage.protocol import Connection
from astakos.storage.tables import rollovers
from astakos.storage.tables.grants import list_drawable
from astakos.storage.tables.holdings import Row, find, find_by_id
from astakos.storage.tables.ledger_rows import FIND_SETTLED, rows_of, write_rows
from astakos.storage.tables.meters import read_meters

# In the order in which the engines lock them, so that they cannot deadlock.
LOCK_HOLDINGS = "SELECT id FROM holdings WHERE id = ANY (?) ORDER BY id FOR UPDATE"
NEXT_SERIALS = "SELECT nextval('commission_serials') FROM generate_series(1, CAST(? AS integer))"


class JoinedTransaction:
    """The reads and writes of one batch that only issues commissions."""

    def __init__(self, connection: Connection) -> None:
        """Uses a connection with an open transaction, which its owner commits."""
        self._connection = connection
        self._identifiers: dict[Key, int] = {}

    def read(self, _now: int, needs: Needs) -> State:
        """Locks and reads the holdings, and takes serials.

        Raises:
            ValueError: the batch also resolves or expires commissions, or has idempotency keys.
        """
        if needs.commissions or needs.idempotency or needs.due:
            raise ValueError("a transaction of administration can only issue commissions without keys")
        meters = read_meters(self._connection)
        # Only administration changes what is above what, one change at a time.
        above = {row.key: chain for row in self._find(needs.keys) if (chain := self._chain(row))}
        counted = with_counted(needs.keys, meters, above)
        self._identifiers = {row.key: row.id for row in self._find(counted)}
        self._connection.execute(LOCK_HOLDINGS, (list(self._identifiers.values()),))
        # The figures before the lock may have changed while it was waited for.
        rows = self._find(self._identifiers)
        return State(
            {},
            {},
            {row.key: row.holding for row in rows},
            {},
            self._next_serials(needs.serials) if needs.serials else (),
            meters=meters,
            marks={row.key: row.mark for row in rows if row.key.resource in meters.named},
            above=above,
        )

    def _chain(self, row: Row) -> tuple[Key, ...]:
        chain: list[Key] = []
        while row.parent is not None and len(chain) < MOST_LEVELS:
            row = find_by_id(self._connection, row.parent)
            chain.append(row.key)
        return tuple(chain)

    def _find(self, keys: Collection[Key]) -> list[Row]:
        rows = (find(self._connection, key) for key in keys)
        return [row for row in rows if row is not None]

    def _next_serials(self, count: int) -> list[int]:
        return sorted(serial for (serial,) in self._connection.execute(NEXT_SERIALS, (count,)))

    def settled(self, keys: Collection[Key]) -> Mapping[Key, int]:
        """Returns the sum of all that was settled on each of these holdings before this batch."""
        execute = self._connection.execute
        return {key: execute(FIND_SETTLED, (self._identifiers[key],)).fetchone()[0] for key in keys}

    def expires(self, component: int, serial: int) -> int | None:
        """Returns nothing, because `read` finds no pending commissions."""
        raise ValueError(f"commission {serial} of component {component} was not read")

    def grants(
        self, base: Key, now: int, after: Rank | None, most: int, *, only_named: bool
    ) -> Sequence[Grant]:
        """Returns grants that can be drawn on now and are not used up, in order; locks them."""
        row = Row(self._identifiers[base], base, Holding(0))
        found = list_drawable(self._connection, row, now, after, most, only_named=only_named, lock=True)
        self._identifiers.update((grant.key, identifier) for identifier, grant in found)
        return [grant for _, grant in found]

    def rolled(self, key: Key) -> Rolled | None:
        """Returns what was last left over on a holding of a meter."""
        return rollovers.find(self._connection, self._identifiers[key])

    def write(self, now: int, changes: Changes) -> None:
        """Stores the changes of the batch."""
        write_rows(self._connection, rows_of(now, changes, self._identifiers))
