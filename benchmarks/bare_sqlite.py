"""The writes of a batch of commissions and nothing else: the floor of a ledger on SQLite.

Nothing is read, checked or remembered but the figures that are written: it could not refuse anything.
"""

from collections.abc import Sequence

from astakos.storage.database import Connection

INSERT_COMMISSION = "INSERT INTO commissions (serial, component_id, name, issue_time) VALUES (?, ?, ?, ?)"
INSERT_HOLDER = "INSERT INTO commission_holders (holder, serial) VALUES (?, ?)"
INSERT_PROVISION = "INSERT INTO provisions (serial, holding_id, quantity) VALUES (?, ?, ?)"
RESOLVE_COMMISSION = "UPDATE commissions SET verdict = 'ACCEPT', resolve_time = ? WHERE serial = ?"
RESOLVE_PROVISION = """
UPDATE provisions SET settled = ?, "limit" = ?, usage_min = ?, usage_max = ?
WHERE serial = ? AND holding_id = ?
"""
SET_USAGE = "UPDATE holdings SET usage_min = ?, usage_max = ? WHERE id = ?"

Charge = tuple[int, int]
"""The id of a holding, and a quantity."""


class BareWriter:
    """Writes batches of issues and of accepts."""

    def __init__(self, connection: Connection, component: int, limit: int) -> None:
        self._connection = connection
        self._component = component
        self._limit = limit
        self._serial = 0
        self._usage_min: dict[int, int] = {}
        self._usage_max: dict[int, int] = {}

    def issue(self, commissions: Sequence[Sequence[Charge]], holders: Sequence[str], now: int) -> list[int]:
        """One transaction; the serials that it has given out."""
        serials = list(range(self._serial + 1, self._serial + 1 + len(commissions)))
        self._serial += len(commissions)
        rows = []
        usage = self._usage_max
        for serial, charges in zip(serials, commissions, strict=True):
            for holding, quantity in charges:
                usage[holding] = usage.get(holding, 0) + quantity
                rows.append((serial, holding, quantity))
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(
            INSERT_COMMISSION, [(serial, self._component, "benchmark", now) for serial in serials]
        )
        connection.executemany(INSERT_PROVISION, rows)
        connection.executemany(INSERT_HOLDER, zip(holders, serials, strict=True))
        self._set_usage(commissions)
        connection.execute("COMMIT")
        return serials

    def accept(self, serials: Sequence[int], commissions: Sequence[Sequence[Charge]], now: int) -> None:
        """One transaction."""
        rows = []
        usage = self._usage_min
        for serial, charges in zip(serials, commissions, strict=True):
            for holding, quantity in charges:
                usage[holding] = usage.get(holding, 0) + quantity
                figures = self._limit, usage[holding], self._usage_max[holding]
                rows.append((quantity, *figures, serial, holding))
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(RESOLVE_COMMISSION, [(now, serial) for serial in serials])
        connection.executemany(RESOLVE_PROVISION, rows)
        self._set_usage(commissions)
        connection.execute("COMMIT")

    def _set_usage(self, commissions: Sequence[Sequence[Charge]]) -> None:
        changed = dict.fromkeys(holding for charges in commissions for holding, _ in charges)
        self._connection.executemany(
            SET_USAGE,
            [(self._usage_min.get(holding, 0), self._usage_max[holding], holding) for holding in changed],
        )
