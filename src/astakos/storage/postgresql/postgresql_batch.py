"""One batch of the ledger on PostgreSQL: one round trip to lock and read, one to write and commit.

Several engines can share a database, so only immutable data is cached: the keys of holdings and the
provisions of pending commissions. Data that is not cached yet costs one more round trip.

What a member may use is stored in the holding of their project (`projects/limits.py`). So a batch locks the
project's holding together with the member's, even if no commission names it: a project that is suspended, or
gets another capacity, waits for the batches that charge its members, and later ones wait for it.

The project above another one stands in the holdings of the other, too. So a batch reads it together with the
figures that it has locked. What it has read before is only a guess that lets it lock all levels at once.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from astakos import clock
from astakos.ledger.counts import NOTHING_ABOVE
from astakos.ledger.grants import Grant, Rank
from astakos.ledger.meters import Rolled
from astakos.ledger.operations import Changes, Remembered
from astakos.ledger.ports import MOST_EXPIRED, IdempotencyKey, Needs, OutcomeUnknownError, State
from astakos.ledger.rules import Holding, Key
from astakos.storage.errors import TransactionLostError
from astakos.storage.postgresql.connection import PostgreSQLConnection
from astakos.storage.postgresql.known import Known, MetersVersion, are_of_api_keys, stored
from astakos.storage.postgresql.pipeline import (
    Pipelining,
    Query,
    Result,
    Statement,
    array_of_numbers,
    arrays,
    number,
)
from astakos.storage.postgresql.statements import (
    BEGIN,
    CLOCK,
    COMMIT,
    CONFIRM,
    EXTEND,
    FIND_EXPIRY,
    FIND_HOLDINGS,
    FIND_HOLDINGS_BY_ID,
    FIND_REMEMBERED,
    FIND_ROLLED,
    FIND_SETTLED,
    INSERT_ALERTS,
    INSERT_CLOSED,
    INSERT_HOLDERS,
    INSERT_PENDING,
    INSERT_RESOLVED,
    LIST_METERS,
    LOCK_EXPIRED,
    LOCK_GRANTS,
    LOCK_HOLDINGS,
    LOCK_PENDING,
    MOVE_TO_RESOLVED,
    NEXT_SERIALS,
    RECORD,
    REMEMBER,
    REVISE,
    ROLLBACK,
    SAVE_ROLLED,
    SET_MARKS,
    SET_USAGE,
    USE_UP,
)
from astakos.storage.tables.commissions import LARGEST_SERIAL
from astakos.storage.tables.grants import drawable, drawable_at
from astakos.storage.tables.ledger_rows import Rows, rows_of
from astakos.storage.tables.provisions import read_granted, read_pending, understood

StoredRow = tuple[int, int, str]
"""Component, serial and document of a pending commission."""


class HasCommittedError(Exception):
    """An earlier attempt at this batch has been committed after all."""


class ServerChangedError(TransactionLostError):
    """A pooler has moved on to another server, which may not have what the cache was read from."""


class PostgreSQLTransaction:
    """The reads and writes of one batch.

    Attributes:
        is_first: whether no earlier attempt at the batch has been committed, or can be; false until known.
        is_committing: whether the commit may have reached the server.
        offset: the server's clock minus `astakos.clock.elapsed`; None before `read`.
    """

    def __init__(
        self,
        connection: PostgreSQLConnection,
        pipelining: Pipelining,
        known: Known,
        engine: bytes,
        batch: int,
        settings: Query | None = None,
    ) -> None:
        """Prepares an engine's batch of that number. `read` begins the transaction; `commit` ends it.

        Args:
            connection: the engine's connection.
            pipelining: the same connection.
            known: the engine's cache.
            engine: the engine's name.
            batch: the number.
            settings: what the transaction begins with behind a pooler; `pooling.query_that_sets`.
        """
        self._connection = connection
        self._pipelining = pipelining
        self._run = pipelining.run
        self._known = known
        self._engine = engine
        self._batch = batch
        self._settings = settings
        self._now = 0
        self._time = 0
        self._figures: dict[Key, Holding] = {}
        self._marks: dict[Key, int] = {}
        self._changes: Changes | None = None
        self._tells_of_others = False
        self.is_first = False
        self.is_committing = False
        self.offset: int | None = None

    def read(self, now: int, needs: Needs) -> State:
        """Begins the transaction; locks and reads the state that the batch needs."""
        self._now = now
        known = self._known
        commissions = [
            (component, int(serial))
            for component, serial in needs.commissions
            if 0 < serial <= LARGEST_SERIAL
        ]
        keys = self._keys_of(needs, commissions)
        unknown = known.to_find(needs.keys if keys is None else keys)
        # If all keys are known already, the holdings are locked in the same round trip. Those of API keys may
        # well not exist.
        at_once = known.to_lock(keys) if keys and (not unknown or are_of_api_keys(unknown)) else None
        steps: dict[str, Query] = {
            "begin": (BEGIN, []),
            **({"settings": self._settings} if self._settings else {}),
            "record": (RECORD, [self._engine, number(self._batch), number(now)]),
            "expired": (LOCK_EXPIRED, [number(needs.due), number(MOST_EXPIRED)]),
        }
        if commissions:
            steps["pending"] = LOCK_PENDING, [*arrays("nn", commissions), number(needs.due)]
        if needs.idempotency:
            steps["remembered"] = FIND_REMEMBERED, arrays("nt", needs.idempotency)
        if needs.serials:
            steps["serials"] = NEXT_SERIALS, [number(needs.serials)]
        if unknown:
            steps["found"] = FIND_HOLDINGS, arrays("ttt", map(stored, unknown))
        if at_once:
            steps["locked"] = LOCK_HOLDINGS, [array_of_numbers(at_once)]
        # Read after the holdings are locked, so periods end and definitions change in the order of commits.
        steps["clock"] = CLOCK, []
        found = dict(zip(steps, self._run(*steps.values()), strict=True))
        version = self._look_at(found["clock"])
        if found["record"].changed == 0:
            raise HasCommittedError
        # The record locks the engine's row, for which a lost attempt that is still running would hold a lock.
        self.is_first = True
        if self._settings:
            self._require_known_server(found["settings"])
        if unknown:
            known.learn([row for row in found["found"].rows() if row[0]])
        expired_rows = _stored_pending(found["expired"])
        pending_rows = _asked_for(found["pending"], commissions) if commissions else []
        has_news = self._learn_pending([*expired_rows, *pending_rows])
        expired = {serial: known.pending[serial] for _, serial, _ in expired_rows}
        pending = {serial: known.pending[serial] for _, serial, _ in pending_rows}
        remembered = _remembered(found["remembered"].rows()) if needs.idempotency else {}
        self._tells_of_others = bool(remembered) or len(pending) < len(commissions)
        if at_once:
            self._learn_figures(found["locked"])
        above = NOTHING_ABOVE
        is_incomplete = not at_once or (bool(unknown) and known.knows_any(unknown))
        if is_incomplete or expired or has_news or known.parents or version != known.meters_version:
            keys = set(needs.keys)
            for commission in (*expired.values(), *pending.values()):
                keys.update(commission.keys())
            self._lock(keys, {*needs.keys, *unknown}, version)
            above = known.above(keys)
        meters = known.meters
        return State(
            expired,
            pending,
            self._figures,
            remembered,
            sorted(int(serial) for (serial,) in found["serials"].rows()) if needs.serials else (),
            self._time,
            meters,
            {key: self._marks.get(key) for key in self._figures if key.resource in meters.named}
            if meters
            else {},
            above,
            known.told,
        )

    def _require_known_server(self, told: Result) -> None:
        ((server, *_),) = told.rows()
        if self._known.server not in (b"", server):
            raise ServerChangedError("the pooler has moved on to another server")
        self._known.server = server

    def _look_at(self, told: Result) -> MetersVersion:
        """Takes the server's clock; returns the version of the definitions of meters."""
        ((time, *version),) = told.rows()
        self._time = int(time)
        self.offset = self._time - clock.elapsed()
        return version[0], version[1]

    def _lock(self, keys: set[Key], searched: set[Key], version: MetersVersion) -> None:
        """Locks and reads those of these holdings, and of those they count on, that are not locked yet.

        Args:
            keys: the holdings.
            searched: those whose ids are known, if they exist.
            version: the version of the definitions of meters, as read after the last lock.
        """
        known = self._known
        while True:
            if version != known.meters_version:
                (defined,) = self._run((LIST_METERS, []))
                known.learn_meters(version, defined)
            wanted = known.with_counted(keys)
            unknown = [key for key in known.to_find(wanted) if key not in searched]
            if unknown:
                (found,) = self._run((FIND_HOLDINGS, arrays("ttt", map(stored, unknown))))
                known.learn([row for row in found.rows() if row[0]])
                searched.update(unknown)
            missing = known.to_lock(key for key in wanted if key not in self._figures)
            if not missing:
                return
            locked, told = self._run((LOCK_HOLDINGS, [array_of_numbers(missing)]), (CLOCK, []))
            self._learn_figures(locked)
            version = self._look_at(told)

    def _keys_of(self, needs: Needs, commissions: Iterable[tuple[int, int]]) -> set[Key] | None:
        """Returns the keys of all holdings of a batch; None if one of its commissions is not cached."""
        keys = set(self._known.with_counted(needs.keys))
        for _, serial in commissions:
            pending = self._known.pending.get(serial)
            if pending is None:
                return None
            keys.update(pending.keys())
        return keys

    def _learn_figures(self, locked: Result) -> None:
        """Learns locked holdings with the limits that apply (`storage/tables/holdings.py`)."""
        keys, project_levels, figures = self._known.keys, self._known.project_levels, self._figures
        identifiers, limits, least, most, member_limits, marked, marks, lower, higher = locked.arrays()
        allowed = dict(zip(identifiers, member_limits, strict=True))
        for identifier, limit, usage_min, usage_max in zip(identifiers, limits, least, most, strict=True):
            level = project_levels.get(identifier)
            applied = limit if level is None else min(limit, allowed.get(level, limit))
            figures[keys[identifier]] = Holding(applied, usage_min, usage_max)
        for identifier, mark in zip(marked, marks, strict=True):
            self._marks[keys[identifier]] = mark
        if self._known.parents or lower:
            self._known.learn_parents(identifiers, dict(zip(lower, higher, strict=True)))
            unknown = {parent for parent in higher if parent not in keys}
            if unknown:
                (found,) = self._run((FIND_HOLDINGS_BY_ID, [array_of_numbers(unknown)]))
                self._known.learn(found.rows())

    def _learn_pending(self, rows: Iterable[StoredRow]) -> bool:
        """Decodes commissions that are not cached as they are stored; returns whether there are any.

        Keys that are not cached are read.
        """
        known = self._known
        new = [
            (component, serial, document, read_pending(document))
            for component, serial, document in rows
            if not known.pending.is_current(serial, document)
        ]
        keys = known.keys
        unknown = {holding for *_, pending in new for holding in pending.holdings() if holding not in keys}
        if unknown:
            (found,) = self._run((FIND_HOLDINGS_BY_ID, [array_of_numbers(unknown)]))
            known.learn(found.rows())
        for component, serial, document, pending in new:
            known.pending.put(serial, understood(component, pending, keys), document)
        return bool(new)

    def settled(self, keys: Collection[Key]) -> Mapping[Key, int]:
        """Returns the sum of all that was settled on each of these holdings before this transaction."""
        (found,) = self._run((FIND_SETTLED, [array_of_numbers(self._known.to_lock(keys))]))
        known = self._known.keys
        return {known[int(identifier)]: int(settled) for identifier, settled in found.rows()}

    def expires(self, component: int, serial: int) -> int | None:
        """Returns when a commission that `read` has found pending expires; None for never."""
        (found,) = self._run((FIND_EXPIRY, [number(component), number(serial)]))
        ((expires,),) = found.rows()
        return int(expires) if expires else None

    def grants(
        self, base: Key, now: int, after: Rank | None, most: int, *, only_named: bool
    ) -> Sequence[Grant]:
        """Returns grants that can be drawn on now and are not used up, in order; locks them."""
        values = drawable_at(self._known.identifiers[base], now, after, most, only_named=only_named)
        (found,) = self._run((LOCK_GRANTS, [number(value) for value in values]))
        grants = []
        for row_number, expires, priority, lifts, *figures in found.rows():
            identifier, grant = drawable(
                base, int(row_number), int(expires), int(priority), lifts, *map(int, figures)
            )
            self._known.add(identifier, grant.key)
            grants.append(grant)
        return grants

    def rolled(self, key: Key) -> Rolled | None:
        """Returns what was last left over on a holding of a meter."""
        (found,) = self._run((FIND_ROLLED, [number(self._known.identifiers[key])]))
        return next((Rolled(int(start), int(amount)) for start, amount in found.rows()), None)

    def write(self, _now: int, changes: Changes) -> None:
        """Keeps the changes; `commit` sends them."""
        self._changes = changes

    def commit(self) -> None:
        """Writes the changes and commits."""
        if self._changes is None:
            if self._tells_of_others:
                # The outcomes depend on another transaction's commit. This commit makes sure that it is
                # durable before the caller is told.
                self._commit([])
            else:
                self._run((ROLLBACK, []))
            return
        rows = rows_of(self._now, self._changes, self._known.identifiers)
        self._commit(_writes(rows))
        pending = {new.serial: new.pending for new in self._changes.issued} | self._changes.revised
        documents = [(row[1], row[5]) for row in rows.pending] + [row[1:] for row in rows.revised]
        for serial, document in documents:
            self._known.pending.put(serial, pending[serial], document)
        for resolution in self._changes.resolved:
            self._known.pending.remove(resolution.serial)
        self._known.told.update([alert.identity for alert in self._changes.alerts])

    def confirm(self) -> None:
        """Ends a retry that found its batch committed, once that commit is durable."""
        self._commit([(CONFIRM, [self._engine, number(self._now)])])

    def _commit(self, steps: Sequence[Query]) -> None:
        self.is_committing = True
        *_, committed = self._run(*steps, (COMMIT, []))
        if committed.command != b"COMMIT":
            raise TransactionLostError("the transaction could not be committed")
        if self._pipelining.warning is not None:
            # Committed here, but the wait for the standby was cancelled: the retry finds it and waits again.
            raise OutcomeUnknownError(f"the commit returned a warning: {self._pipelining.warning}")


def _writes(rows: Rows) -> list[Query]:
    written: tuple[tuple[Statement, str, Sequence[Sequence[Any]]], ...] = (
        (INSERT_PENDING, "nntnnt", rows.pending),
        (INSERT_RESOLVED, "nntnntt", rows.resolved),
        (REVISE, "nnt", rows.revised),
        (EXTEND, "nnn", rows.extended),
        (MOVE_TO_RESOLVED, "nttnn", rows.moved),
        (INSERT_HOLDERS, "tnn", rows.holders),
        (REMEMBER, "ntbnnt", [(*row[:-1], row[-1] or "") for row in rows.remembered]),
        (SET_USAGE, "nnnn", rows.usage),
        (SET_MARKS, "nn", rows.marks),
        (INSERT_CLOSED, "nnnnnt", [(*row[:-1], row[-1] or "") for row in rows.closed]),
        (INSERT_ALERTS, "ntnnnnnn", rows.alerts),
        (SAVE_ROLLED, "nnn", rows.rolled),
        (USE_UP, "n", rows.used_up),
    )
    return [(statement, arrays(types, lines)) for statement, types, lines in written if lines]


def _stored_pending(found: Result) -> list[StoredRow]:
    return [(int(component), int(serial), document.decode()) for component, serial, document in found.rows()]


def _asked_for(found: Result, commissions: Collection[tuple[int, int]]) -> list[StoredRow]:
    """Drops rows that match the component of one requested commission and the serial of another."""
    asked = set(commissions)
    return [row for row in _stored_pending(found) if row[:2] in asked]


def _remembered(rows: Iterable[tuple[bytes, ...]]) -> dict[IdempotencyKey, Remembered]:
    return {
        (int(component), key.decode()): Remembered(
            bytes.fromhex(fingerprint[2:].decode()), int(serial), read_granted(granted)
        )
        for component, key, fingerprint, serial, granted in rows
    }
