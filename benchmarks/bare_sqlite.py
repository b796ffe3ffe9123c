"""The writes of a batch of commissions and nothing else: the floor of a ledger on SQLite.

Nothing is read, checked or remembered but the figures that are written: it could not refuse anything.
"""

from collections.abc import Sequence

import msgspec

from astakos.storage.database import Connection

INSERT_PENDING = """
INSERT INTO pending_commissions (component_id, serial, name, issue_time, provisions) VALUES (?, ?, ?, ?, ?)
"""
MOVE_TO_RESOLVED = """
INSERT INTO resolved_commissions (component_id, serial, name, issue_time, resolve_time, verdict, provisions)
SELECT component_id, serial, name, issue_time, ?, 'ACCEPT', ? FROM pending_commissions
WHERE component_id = ? AND serial = ?
"""
DELETE_PENDING = "DELETE FROM pending_commissions WHERE component_id = ? AND serial = ?"
INSERT_HOLDER = "INSERT INTO commission_holders (holder, serial, component_id) VALUES (?, ?, ?)"
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

    def issue(self, commissions: Sequence[Sequence[Charge]], now: int) -> list[int]:
        """One transaction; the serials that it has given out."""
        serials = list(range(self._serial + 1, self._serial + 1 + len(commissions)))
        self._serial += len(commissions)
        rows = []
        usage = self._usage_max
        for serial, charges in zip(serials, commissions, strict=True):
            for holding, quantity in charges:
                usage[holding] = usage.get(holding, 0) + quantity
            rows.append((self._component, serial, "benchmark", now, _document(charges)))
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(INSERT_PENDING, rows)
        self._set_usage(commissions)
        connection.execute("COMMIT")
        return serials

    def accept(
        self,
        serials: Sequence[int],
        commissions: Sequence[Sequence[Charge]],
        holders: Sequence[str],
        now: int,
    ) -> None:
        """One transaction."""
        rows = []
        usage = self._usage_min
        for serial, charges in zip(serials, commissions, strict=True):
            settled = []
            for holding, quantity in charges:
                usage[holding] = usage.get(holding, 0) + quantity
                figures = self._limit, usage[holding], self._usage_max[holding]
                settled.append((holding, quantity, quantity, *figures))
            rows.append((now, _document(settled), self._component, serial))
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(MOVE_TO_RESOLVED, rows)
        connection.executemany(DELETE_PENDING, [(self._component, serial) for serial in serials])
        connection.executemany(
            INSERT_HOLDER,
            [(holder, serial, self._component) for holder, serial in zip(holders, serials, strict=True)],
        )
        self._set_usage(commissions)
        connection.execute("COMMIT")

    def _set_usage(self, commissions: Sequence[Sequence[Charge]]) -> None:
        changed = dict.fromkeys(holding for charges in commissions for holding, _ in charges)
        self._connection.executemany(
            SET_USAGE,
            [(self._usage_min.get(holding, 0), self._usage_max[holding], holding) for holding in changed],
        )


def _document(provisions: Sequence[tuple[int, ...]]) -> str:
    return msgspec.json.encode(provisions).decode()
