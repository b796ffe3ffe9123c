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
from astakos.ledger.counts import MOST_LEVELS, NOTHING_ABOVE, Above, with_counted
from astakos.ledger.meters import NO_METERS, TIME_TO_LIVE
from astakos.ledger.operations import Changes, Pending, Remembered
from astakos.ledger.ports import MOST_EXPIRED, IdempotencyKey, Needs, OutcomeUnknownError, State
from astakos.ledger.rules import Holding, Key
from astakos.storage.errors import TransactionLostError
from astakos.storage.pending_cache import PendingCache
from astakos.storage.postgresql.connection import PostgreSQLConnection
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
    FIND_SETTLED,
    INSERT_CLOSED,
    INSERT_HOLDERS,
    INSERT_PENDING,
    INSERT_RESOLVED,
    LIST_METERS,
    LOCK_EXPIRED,
    LOCK_HOLDINGS,
    LOCK_PENDING,
    MOVE_TO_RESOLVED,
    NEXT_SERIALS,
    RECORD,
    REMEMBER,
    REVISE,
    ROLLBACK,
    SET_MARKS,
    SET_USAGE,
)
from astakos.storage.tables.commissions import LARGEST_SERIAL
from astakos.storage.tables.holdings import read_source, stored_source
from astakos.storage.tables.ledger_rows import Rows, rows_of
from astakos.storage.tables.meters import Told, meters_of, read_definition
from astakos.storage.tables.provisions import read_all_pending, read_granted, understood
from astakos.storage.texts import is_storable

MOST_KNOWN = 100_000
"""How many holdings are cached: about 30 MiB."""


MetersVersion = tuple[bytes, bytes]
"""What tells whether the known meters are still right: a number, and their time to live in seconds."""


class HasCommittedError(Exception):
    """An earlier attempt at this batch has been committed after all."""


class Known:
    """A cache of immutable data: the keys of holdings, and the provisions of pending commissions.

    Attributes:
        identifiers: the ids of holdings.
        keys: the same the other way round.
        project_levels: the id of the project's holding that a member's holding draws from, by its id.
        alone: members' holdings without such a holding; there may be one by now.
        parents: the id of the holding above a project's, by its id, as they were last read.
        pending: pending commissions.
    """

    def __init__(self) -> None:
        """Start empty."""
        self.identifiers: dict[Key, int] = {}
        self.keys: dict[int, Key] = {}
        self.project_levels: dict[int, int] = {}
        self.alone: set[Key] = set()
        self.parents: dict[int, int] = {}
        self.pending = PendingCache()
        self.meters = NO_METERS
        self.meters_version: MetersVersion = (b"", b"")

    def forget_if_too_much(self) -> None:
        """Clear each part of the cache that has grown too large."""
        if len(self.keys) > MOST_KNOWN:
            self.identifiers.clear()
            self.keys.clear()
            self.project_levels.clear()
            self.alone.clear()
            self.parents.clear()
        if self.pending.is_too_large():
            self.pending.clear()

    def learn_parents(self, holdings: Iterable[tuple[int, bytes]]) -> None:
        """Replace what is above some holdings, each given as its id and that of the one above, if any."""
        for identifier, parent in holdings:
            if parent:
                self.parents[identifier] = int(parent)
            else:
                self.parents.pop(identifier, None)

    def above(self, keys: Iterable[Key]) -> Above:
        """Return the holdings above others, as far as they are known."""
        found: dict[Key, tuple[Key, ...]] = {}
        for key in keys:
            chain: list[Key] = []
            parent = self.parents.get(self.identifiers.get(key, 0))
            # What is only a guess could go round in a circle.
            while parent in self.keys and len(chain) < MOST_LEVELS:
                chain.append(self.keys[parent])
                parent = self.parents.get(parent)
            if chain:
                found[key] = tuple(chain)
        return found

    def with_counted(self, keys: Collection[Key]) -> Collection[Key]:
        """Return holdings, and those that are known on which provisions on them count."""
        above = self.above(keys) if self.parents else NOTHING_ABOVE
        return with_counted(keys, self.meters, above) if above or self.meters else keys

    def learn_meters(self, version: MetersVersion, defined: Result) -> None:
        """Replace the meters with those of a newer version, each given as in `LIST_METERS`."""
        told = [
            Told(name.decode(), read_definition(text) if text else None, int(max_debt))
            for name, text, max_debt in defined.rows()
        ]
        _, seconds = version
        self.meters = meters_of(told, int(seconds) * clock.MICROSECONDS if seconds else TIME_TO_LIVE)
        self.meters_version = version

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
        self._time = 0
        self._figures: dict[Key, Holding] = {}
        self._marks: dict[Key, int] = {}
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
        unknown = [key for key in named if key not in identifiers and _can_exist(key)]
        if alone:
            unknown += [key for key in named if key in alone]
        # If all keys are known already, the holdings are locked in the same round trip.
        at_once = self._wanted(keys) if keys and not unknown else []
        steps: dict[str, Query] = {
            "begin": (BEGIN, []),
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
        # Read after the holdings are locked, so periods end and definitions change in the order of commits.
        steps["clock"] = CLOCK, []
        found = dict(zip(steps, self._run(*steps.values()), strict=True))
        version = self._look_at(found["clock"])
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
        if at_once:
            self._learn_figures(found["locked"])
        keys = set(needs.keys)
        for commission in (*expired.values(), *pending.values()):
            keys.update(commission.keys())
        self._lock(keys, {*needs.keys, *unknown}, version)
        meters = self._known.meters
        above = self._known.above(keys) if self._known.parents else NOTHING_ABOVE
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
        )

    def _look_at(self, told: Result) -> MetersVersion:
        """Take the server's clock; return the version of the definitions of meters."""
        ((time, *version),) = told.rows()
        self._time = int(time)
        self.offset = self._time - clock.elapsed()
        return version[0], version[1]

    def _lock(self, keys: set[Key], searched: set[Key], version: MetersVersion) -> None:
        """Lock and read those of these holdings, and of those they count on, that are not locked yet.

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
            identifiers, alone = known.identifiers, known.alone
            unknown = [
                key
                for key in wanted
                if (key not in identifiers or key in alone) and key not in searched and _can_exist(key)
            ]
            if unknown:
                (found,) = self._run((FIND_HOLDINGS, arrays("ttt", map(_stored, unknown))))
                known.learn([row for row in found.rows() if row[0]])
                searched.update(unknown)
            missing = self._wanted(key for key in wanted if key not in self._figures)
            if not missing:
                return
            locked, told = self._run((LOCK_HOLDINGS, [array_of_numbers(missing)]), (CLOCK, []))
            self._learn_figures(locked)
            version = self._look_at(told)

    def _keys_of(self, needs: Needs, commissions: Iterable[tuple[int, int]]) -> set[Key] | None:
        """Return the keys of all holdings of a batch; None if one of its commissions is not cached."""
        keys = set(self._known.with_counted(needs.keys))
        for _, serial in commissions:
            pending = self._known.pending.get(serial)
            if pending is None:
                return None
            keys.update(pending.keys())
        return keys

    def _wanted(self, keys: Iterable[Key]) -> set[int]:
        """Return the ids of all known holdings, and of those of their projects."""
        identifiers, project_levels = self._known.identifiers, self._known.project_levels
        wanted = {identifiers[key] for key in keys if key in identifiers}
        wanted.update([project_levels[member] for member in wanted if member in project_levels])
        return wanted

    def _learn_figures(self, locked: Result) -> None:
        """Learn locked holdings with the limits that apply (`storage/tables/holdings.py`)."""
        keys, project_levels = self._known.keys, self._known.project_levels
        *figures, marks, parents = locked.columns()
        identifiers, limits, *usages, member_limits = (map(int, column) for column in figures)
        listed = list(identifiers)
        allowed = dict(zip(listed, member_limits, strict=True))
        for identifier, limit, usage_min, usage_max, mark in zip(listed, limits, *usages, marks, strict=True):
            applied = limit
            if identifier in project_levels:
                applied = min(limit, allowed.get(project_levels[identifier], limit))
            key = keys[identifier]
            self._figures[key] = Holding(applied, usage_min, usage_max)
            if mark:
                self._marks[key] = int(mark)
        if self._known.parents or any(parents):
            self._known.learn_parents(zip(listed, parents, strict=True))
            unknown = {int(parent) for parent in parents if parent and int(parent) not in keys}
            if unknown:
                (found,) = self._run((FIND_HOLDINGS_BY_ID, [array_of_numbers(unknown)]))
                self._known.learn(found.rows())

    def _understand(self, rows: Sequence[tuple[bytes, ...]]) -> dict[int, Pending]:
        """Decode pending commissions; read those of their keys that are not cached."""
        known = self._known.pending
        new = [
            (int(row[0]), serial, document, read_all_pending(document))
            for row in rows
            if not known.is_current(serial := int(row[1]), document := row[2].decode())
        ]
        keys = self._known.keys
        unknown = {holding for *_, stored in new for holding in stored.holdings() if holding not in keys}
        if unknown:
            (found,) = self._run((FIND_HOLDINGS_BY_ID, [array_of_numbers(unknown)]))
            self._known.learn(found.rows())
        for component, serial, document, stored in new:
            known.put(serial, understood(component, stored, keys), document)
        return {serial: known[serial] for serial in (int(row[1]) for row in rows)}

    def settled(self, keys: Collection[Key]) -> Mapping[Key, int]:
        """Return the sum of all that was settled on each of these holdings before this transaction."""
        (found,) = self._run((FIND_SETTLED, [array_of_numbers(self._wanted(keys))]))
        known = self._known.keys
        return {known[int(identifier)]: int(settled) for identifier, settled in found.rows()}

    def expires(self, component: int, serial: int) -> int | None:
        """Return when a commission that `read` has found pending expires; None for never."""
        (found,) = self._run((FIND_EXPIRY, [number(component), number(serial)]))
        ((expires,),) = found.rows()
        return int(expires) if expires else None

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
        self._commit(_writes(rows, self._now))
        pending = {new.serial: new.pending() for new in self._changes.issued} | self._changes.revised
        documents = [(row[1], row[5]) for row in rows.pending] + [row[1:] for row in rows.revised]
        for serial, document in documents:
            self._known.pending.put(serial, pending[serial], document)
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


def _writes(rows: Rows, now: int) -> list[Query]:
    written: tuple[tuple[Statement, str, Sequence[Sequence[Any]], list[bytes]], ...] = (
        (INSERT_PENDING, "nntnnt", rows.pending, []),
        (INSERT_RESOLVED, "nntnntt", rows.resolved, []),
        (REVISE, "nnt", rows.revised, []),
        (EXTEND, "nnn", rows.extended, []),
        (MOVE_TO_RESOLVED, "nntt", rows.moved, [number(now)]),
        (INSERT_HOLDERS, "tnn", rows.holders, []),
        (REMEMBER, "ntbnnt", [(*row[:-1], row[-1] or "") for row in rows.remembered], []),
        (SET_USAGE, "nnnn", rows.usage, []),
        (SET_MARKS, "nn", rows.marks, []),
        (INSERT_CLOSED, "nnnnn", rows.closed, []),
    )
    return [(statement, [*arrays(types, lines), *more]) for statement, types, lines, more in written if lines]


def _asked_for(found: Result, commissions: Collection[tuple[int, int]]) -> list[tuple[bytes, ...]]:
    """Drop rows that match the component of one requested commission and the serial of another."""
    asked = set(commissions)
    return [row for row in found.rows() if (int(row[0]), int(row[1])) in asked]


def _stored(key: Key) -> tuple[str, str, str]:
    return key.holder, stored_source(key.source), key.resource


def _remembered(rows: Iterable[tuple[bytes, ...]]) -> dict[IdempotencyKey, Remembered]:
    return {
        (int(component), key.decode()): Remembered(
            bytes.fromhex(fingerprint[2:].decode()), int(serial), read_granted(granted)
        )
        for component, key, fingerprint, serial, granted in rows
    }


def _can_exist(key: Key) -> bool:
    # A source of "" would be read as null.
    return key.source != "" and all(map(is_storable, _stored(key)))
