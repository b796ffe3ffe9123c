"""The writes of a batch of commissions and nothing else: the floor of a ledger on SQLite and on PostgreSQL.

Nothing is read, checked or remembered but the figures that are written: it could not refuse anything.
"""

from collections.abc import Callable, Sequence

import msgspec

from astakos.storage.postgresql.connection import PostgreSQLConnection
from astakos.storage.postgresql.pipeline import Pipelining, Query, arrays
from astakos.storage.postgresql.statements import BEGIN, COMMIT, INSERT_HOLDERS
from astakos.storage.postgresql.statements import INSERT_PENDING as INSERT_ALL_PENDING
from astakos.storage.postgresql.statements import MOVE_TO_RESOLVED as MOVE_ALL_TO_RESOLVED
from astakos.storage.postgresql.statements import SET_USAGE as SET_ALL_USAGE
from astakos.storage.protocol import Connection
from astakos.storage.tables.ledger_rows import (
    DELETE_PENDING,
    INSERT_HOLDER,
    INSERT_PENDING,
    MOVE_TO_RESOLVED,
    SET_USAGE,
    Rows,
)

Charge = tuple[int, int]
"""The id of a holding, and a quantity."""
Write = Callable[[Rows], None]
"""Write rows at a time, in one transaction."""


class BareWriter:
    """Writes batches of issues and of accepts."""

    def __init__(self, write: Write, component: int, limit: int) -> None:
        self._write = write
        self._component = component
        self._limit = limit
        self._serial = 0
        self._usage_min: dict[int, int] = {}
        self._usage_max: dict[int, int] = {}

    def issue(self, commissions: Sequence[Sequence[Charge]], now: int) -> list[int]:
        """One transaction; the serials that it has given out."""
        serials = list(range(self._serial + 1, self._serial + 1 + len(commissions)))
        self._serial += len(commissions)
        rows = Rows()
        usage = self._usage_max
        for serial, charges in zip(serials, commissions, strict=True):
            for holding, quantity in charges:
                usage[holding] = usage.get(holding, 0) + quantity
            rows.pending.append((self._component, serial, "benchmark", now, None, _document(charges)))
        rows.usage.extend(self._usage(commissions, settles=False))
        self._write(rows)
        return serials

    def accept(
        self,
        serials: Sequence[int],
        commissions: Sequence[Sequence[Charge]],
        holders: Sequence[str],
        now: int,
    ) -> None:
        """One transaction."""
        rows = Rows()
        usage = self._usage_min
        for serial, charges in zip(serials, commissions, strict=True):
            settled = []
            for holding, quantity in charges:
                usage[holding] = usage.get(holding, 0) + quantity
                figures = self._limit, usage[holding], self._usage_max[holding]
                settled.append((holding, quantity, quantity, *figures))
            rows.moved.append((now, "ACCEPT", _document(settled), self._component, serial))
        rows.holders.extend(
            [(holder, serial, self._component) for holder, serial in zip(holders, serials, strict=True)]
        )
        rows.usage.extend(self._usage(commissions, settles=True))
        self._write(rows)

    def _usage(
        self, commissions: Sequence[Sequence[Charge]], *, settles: bool
    ) -> list[tuple[int, int, int, int]]:
        changed: dict[int, int] = {}
        for charges in commissions:
            for holding, quantity in charges:
                changed[holding] = changed.get(holding, 0) + quantity
        return [
            (self._usage_min.get(holding, 0), self._usage_max[holding], settled if settles else 0, holding)
            for holding, settled in changed.items()
        ]


def bare_write(connection: Connection) -> Write:
    """The writing that suits a connection."""
    if isinstance(connection, PostgreSQLConnection):
        return _together(Pipelining(connection.raw))
    return _row_by_row(connection)


def _row_by_row(connection: Connection) -> Write:
    def write(rows: Rows) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(INSERT_PENDING, rows.pending)
        connection.executemany(MOVE_TO_RESOLVED, rows.moved)
        connection.executemany(DELETE_PENDING, [row[3:] for row in rows.moved])
        connection.executemany(INSERT_HOLDER, rows.holders)
        connection.executemany(SET_USAGE, rows.usage)
        connection.execute("COMMIT")

    return write


def _together(pipelining: Pipelining) -> Write:
    def write(rows: Rows) -> None:
        steps: list[Query] = [(BEGIN, [])]
        if rows.pending:
            steps.append((INSERT_ALL_PENDING, arrays("nntnnt", rows.pending)))
        if rows.moved:
            steps.append((MOVE_ALL_TO_RESOLVED, arrays("nttnn", rows.moved)))
            steps.append((INSERT_HOLDERS, arrays("tnn", rows.holders)))
        pipelining.run(*steps, (SET_ALL_USAGE, arrays("nnnn", rows.usage)), (COMMIT, []))

    return write


def _document(provisions: Sequence[tuple[int, ...]]) -> str:
    return msgspec.json.encode(provisions).decode()
