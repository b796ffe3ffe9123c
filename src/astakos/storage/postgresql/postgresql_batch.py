"""One batch of the ledger on PostgreSQL: one round trip to lock and read, one to write and commit.

Several engines can share a database, so only immutable data is cached: the keys of holdings and the
provisions of pending commissions. Data that is not cached yet costs one more round trip.

What a member may use is stored in the holding of their project (`projects/limits.py`). So a batch locks the
project's holding together with the member's, even if no commission names it: a project that is suspended, or
gets another capacity, waits for the batches that charge its members, and later ones wait for it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence

from astakos import clock
from astakos.ledger.operations import Changes, Pending, Remembered
from astakos.ledger.ports import MOST_EXPIRED, IdempotencyKey, Needs, OutcomeUnknownError, State
from astakos.ledger.rules import Holding, Key, Provision
from astakos.storage.errors import TransactionLostError
from astakos.storage.pending_cache import PendingCache
from astakos.storage.postgresql.connection import PostgreSQLConnection
from astakos.storage.postgresql.pipeline import Pipelining, Query, Result, array_of_numbers, arrays, number
from astakos.storage.postgresql.statements import (
    BEGIN,
    CLOCK,
    COMMIT,
    CONFIRM,
    FIND_HOLDINGS,
    FIND_HOLDINGS_BY_ID,
    FIND_REMEMBERED,
    FIND_SETTLED,
    INSERT_HOLDERS,
    INSERT_PENDING,
    INSERT_RESOLVED,
    LOCK_EXPIRED,
    LOCK_HOLDINGS,
    LOCK_PENDING,
    MOVE_TO_RESOLVED,
    NEXT_SERIALS,
    RECORD,
    REMEMBER,
    ROLLBACK,
    SET_USAGE,
)
from astakos.storage.tables.commissions import LARGEST_SERIAL
from astakos.storage.tables.holdings import read_source, stored_source
from astakos.storage.tables.ledger_rows import rows_of
from astakos.storage.tables.provisions import read_pending
from astakos.storage.texts import is_storable

MOST_KNOWN = 100_000
"""How many holdings are cached: about 30 MiB."""
NO_ID = 0
"""No holding has this id."""


class HasCommittedError(Exception):
    """An earlier attempt at this batch has been committed after all."""


class Known:
    """A cache of immutable data: the keys of holdings, and the provisions of pending commissions.

    Attributes:
        identifiers: the ids of holdings.
        keys: the same the other way round.
        project_levels: the id of the project's holding that a member's holding draws from, by its id.
        alone: members' holdings without such a holding; there may be one by now.
        pending: pending commissions.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.identifiers: dict[Key, int] = {}
        self.keys: dict[int, Key] = {}
        self.project_levels: dict[int, int] = {}
        self.alone: set[Key] = set()
        self.pending = PendingCache()

    def forget_if_too_much(self) -> None:
        """Clear each part of the cache that has grown too large."""
        if len(self.keys) > MOST_KNOWN:
            self.identifiers.clear()
            self.keys.clear()
            self.project_levels.clear()
            self.alone.clear()
        if self.pending.is_too_large():
            self.pending.clear()

    def learn(self, holdings: Iterable[tuple[bytes, ...]]) -> None:
        """Add holdings, each given as id, holder, source, resource, and the id of its project's, if any."""
        for identifier, holder, source, resource, project_level in holdings:
            key = Key(holder.decode(), read_source(source.decode()), resource.decode())
            self._add(int(identifier), key)
            if project_level:
                self.project_levels[int(identifier)] = int(project_level)
                self._add(int(project_level), Key(source.decode(), None, key.resource))
                self.alone.discard(key)
            elif key.source is not None:
                self.alone.add(key)

    def _add(self, identifier: int, key: Key) -> None:
        self.identifiers[key] = identifier
        self.keys[identifier] = key


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
    ) -> None:
        """Set an engine's batch of that number. `read` begins the transaction; `commit` ends it."""
        self._connection = connection
        self._pipelining = pipelining
        self._run = pipelining.run
        self._known = known
        self._engine = engine
        self._batch = batch
        self._now = 0
        self._changes: Changes | None = None
        self._tells_of_others = False
        self.is_first = False
        self.is_committing = False
        self.offset: int | None = None

    def read(self, now: int, needs: Needs) -> State:
        """Begin the transaction; lock and read the state that the batch needs."""
        self._now = now
        commissions = [
            (component, int(serial))
            for component, serial in needs.commissions
            if 0 < serial <= LARGEST_SERIAL
        ]
        keys = self._keys_of(needs, commissions)
        named = needs.keys if keys is None else keys
        identifiers, alone = self._known.identifiers, self._known.alone
        unknown = [key for key in named if (key not in identifiers or key in alone) and _can_exist(key)]
        # If all keys are known already, the holdings are locked in the same round trip.
        at_once = self._wanted(keys) if keys and not unknown else []
        steps: dict[str, Query] = {
            "begin": (BEGIN, []),
            "clock": (CLOCK, []),
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
            steps["found"] = FIND_HOLDINGS, arrays("ttt", map(_stored, unknown))
        if at_once:
            steps["locked"] = LOCK_HOLDINGS, [array_of_numbers(at_once)]
        found = dict(zip(steps, self._run(*steps.values()), strict=True))
        ((time,),) = found["clock"].rows()
        self.offset = int(time) - clock.elapsed()
        if found["record"].changed == 0:
            raise HasCommittedError
        # The record locks the engine's row, for which a lost attempt that is still running would hold a lock.
        self.is_first = True
        if unknown:
            self._known.learn([row for row in found["found"].rows() if row[0]])
        expired = self._understand(found["expired"].rows())
        pending = self._understand(_asked_for(found["pending"], commissions)) if commissions else {}
        remembered = _remembered(found["remembered"].rows()) if needs.idempotency else {}
        self._tells_of_others = bool(remembered) or len(pending) < len(commissions)
        holdings = self._holdings(found["locked"]) if at_once else {}
        keys = set(needs.keys)
        for commission in (*expired.values(), *pending.values()):
            keys.update([key for key, _ in commission.provisions])
        missing = self._wanted(key for key in keys if key not in holdings)
        if missing:
            (locked,) = self._run((LOCK_HOLDINGS, [array_of_numbers(missing)]))
            holdings.update(self._holdings(locked))
        return State(
            expired,
            pending,
            holdings,
            remembered,
            sorted(int(serial) for (serial,) in found["serials"].rows()) if needs.serials else (),
        )

    def _keys_of(self, needs: Needs, commissions: Iterable[tuple[int, int]]) -> set[Key] | None:
        """Return the keys of all holdings of a batch; None if one of its commissions is not cached."""
        keys = set(needs.keys)
        for _, serial in commissions:
            pending = self._known.pending.get(serial)
            if pending is None:
                return None
            keys.update([key for key, _ in pending.provisions])
        return keys

    def _wanted(self, keys: Iterable[Key]) -> set[int]:
        """Return the ids of all known holdings, and of those of their projects."""
        identifiers, project_levels = self._known.identifiers, self._known.project_levels
        wanted = {identifiers[key] for key in keys if key in identifiers}
        wanted.update([project_levels[member] for member in wanted if member in project_levels])
        return wanted

    def _holdings(self, locked: Result) -> dict[Key, Holding]:
        """Return locked holdings with the limits that apply (`storage/tables/holdings.py`)."""
        keys, project_levels = self._known.keys, self._known.project_levels
        rows = [tuple(map(int, row)) for row in locked.rows()]
        member_limits = {row[0]: row[4] for row in rows}
        found = {}
        for identifier, limit, usage_min, usage_max, _ in rows:
            member_limit = member_limits.get(project_levels.get(identifier, NO_ID), limit)
            found[keys[identifier]] = Holding(min(limit, member_limit), usage_min, usage_max)
        return found

    def _understand(self, rows: Sequence[tuple[bytes, ...]]) -> dict[int, Pending]:
        """Decode pending commissions; read those of their keys that are not cached."""
        known = self._known.pending
        new = [
            (int(row[0]), serial, read_pending(row[2]))
            for row in rows
            if (serial := int(row[1])) not in known
        ]
        keys = self._known.keys
        unknown = {holding for *_, provisions in new for holding, _ in provisions if holding not in keys}
        if unknown:
            (found,) = self._run((FIND_HOLDINGS_BY_ID, [array_of_numbers(unknown)]))
            self._known.learn(found.rows())
        for component, serial, provisions in new:
            understood = tuple([Provision(keys[holding], quantity) for holding, quantity in provisions])
            known.add(serial, Pending(component, understood))
        return {serial: known[serial] for serial in (int(row[1]) for row in rows)}

    def settled(self, keys: Collection[Key]) -> Mapping[Key, int]:
        """Return the sum of all that was settled on each of these holdings before this transaction."""
        (found,) = self._run((FIND_SETTLED, [array_of_numbers(self._wanted(keys))]))
        known = self._known.keys
        return {known[int(identifier)]: int(settled) for identifier, settled in found.rows()}

    def write(self, _now: int, changes: Changes) -> None:
        """Keep the changes; `commit` sends them."""
        self._changes = changes

    def commit(self) -> None:
        """Write the changes and commit."""
        if self._changes is None:
            if self._tells_of_others:
                # The outcomes depend on another transaction's commit. Our own commit makes sure that it is
                # durable before the caller is told.
                self._commit([])
            else:
                self._run((ROLLBACK, []))
            return
        rows = rows_of(self._now, self._changes, self._known.identifiers)
        steps: list[Query] = []
        if rows.pending:
            steps.append((INSERT_PENDING, arrays("nntnnt", rows.pending)))
        if rows.resolved:
            steps.append((INSERT_RESOLVED, arrays("nntnntt", rows.resolved)))
        if rows.moved:
            steps.append((MOVE_TO_RESOLVED, [*arrays("nntt", rows.moved), number(self._now)]))
        if rows.holders:
            steps.append((INSERT_HOLDERS, arrays("tnn", rows.holders)))
        if rows.remembered:
            steps.append((REMEMBER, arrays("ntbnn", rows.remembered)))
        if rows.usage:
            steps.append((SET_USAGE, arrays("nnnn", rows.usage)))
        self._commit(steps)
        for serial, issue in self._changes.issued:
            self._known.pending.add(serial, Pending(issue.component, issue.provisions))
        for resolution in self._changes.resolved:
            self._known.pending.remove(resolution.serial)

    def confirm(self) -> None:
        """End a retry that found its batch committed, once that commit is durable."""
        self._commit([(CONFIRM, [self._engine, number(self._now)])])

    def _commit(self, steps: Sequence[Query]) -> None:
        self.is_committing = True
        *_, committed = self._run(*steps, (COMMIT, []))
        if committed.command != b"COMMIT":
            raise TransactionLostError("the transaction could not be committed")
        if self._pipelining.warning is not None:
            # Committed here, but the wait for the standby was canceled: the retry finds it and waits again.
            raise OutcomeUnknownError(f"the commit returned a warning: {self._pipelining.warning}")


def _asked_for(found: Result, commissions: Collection[tuple[int, int]]) -> list[tuple[bytes, ...]]:
    """Drop rows that match the component of one requested commission and the serial of another."""
    asked = set(commissions)
    return [row for row in found.rows() if (int(row[0]), int(row[1])) in asked]


def _stored(key: Key) -> tuple[str, str, str]:
    return key.holder, stored_source(key.source), key.resource


def _remembered(rows: Iterable[tuple[bytes, ...]]) -> dict[IdempotencyKey, Remembered]:
    return {
        (int(component), key.decode()): Remembered(bytes.fromhex(fingerprint[2:].decode()), int(serial))
        for component, key, fingerprint, serial in rows
    }


def _can_exist(key: Key) -> bool:
    # A source of "" would be read as null.
    return key.source != "" and all(map(is_storable, _stored(key)))
