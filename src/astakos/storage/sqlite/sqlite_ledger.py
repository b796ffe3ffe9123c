"""The ledger's transactions on SQLite: one writer, which caches what it has read and written."""

import contextlib
import sqlite3
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

from astakos.ledger.alerts import AlertIdentity
from astakos.ledger.clock_guard import ClockAnchor, ClockRecord
from astakos.ledger.counts import MOST_LEVELS, NOTHING_ABOVE, Above, with_counted
from astakos.ledger.grants import Grant, Rank
from astakos.ledger.meters import NO_METERS, Meters, Rolled
from astakos.ledger.operations import Changes, Pending, Remembered
from astakos.ledger.ports import MOST_EXPIRED, IdempotencyKey, LedgerTransaction, Needs, State
from astakos.ledger.rules import Holding, Key
from astakos.storage.pending_cache import PendingCache
from astakos.storage.sqlite import sqlite_database
from astakos.storage.sqlite.file_identity import FileIdentity, identity_of, log_of, require_same
from astakos.storage.sqlite.log_state import log_state
from astakos.storage.sqlite.sqlite_connection import recognized
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase, writing
from astakos.storage.sqlite.write_lock import WAIT_BRIEFLY, begin_first
from astakos.storage.tables import clock_records, rollovers, write_proof
from astakos.storage.tables.commissions import LARGEST_SERIAL
from astakos.storage.tables.grants import list_drawable
from astakos.storage.tables.holdings import Row, find, find_by_id
from astakos.storage.tables.ledger_rows import FIND_EXPIRY, FIND_SETTLED, rows_of, write_rows
from astakos.storage.tables.meters import read_meters
from astakos.storage.tables.provisions import read_granted, read_pending, understood
from astakos.storage.tables.retention import Retention

COPIED_PAGES = 1000
"""A commit that makes the log longer than this copies it into the file."""
MOST_KNOWN = 100_000
"""How many holdings a connection caches: about 30 MiB."""

LIST_EXPIRED = """
SELECT component_id, serial, provisions FROM pending_commissions
WHERE expires IS NOT NULL AND expires <= ? ORDER BY expires LIMIT ?
"""
FIND_PENDING = """
SELECT provisions FROM pending_commissions
WHERE component_id = ? AND serial = ? AND (expires IS NULL OR expires > ?)
"""
FIND_REMEMBERED = """
SELECT fingerprint, serial, granted FROM idempotency_keys WHERE component_id = ? AND key = ?
"""
LAST_SERIAL = "SELECT value FROM settings WHERE name = 'last_serial'"
SET_LAST_SERIAL = """
INSERT INTO settings (name, value) VALUES ('last_serial', ?)
ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""


class Known:
    """A cache of the rows that a connection has read or written and no other connection has changed.

    Most commissions are resolved soon after they are issued, and busy holdings are charged repeatedly, so the
    cache saves most reads.
    """

    def __init__(self) -> None:
        """Starts empty."""
        self.identifiers: dict[Key, int] = {}
        self.keys: dict[int, Key] = {}
        self.holdings: dict[Key, Holding] = {}
        self.meters = NO_METERS
        self.knows_meters = False
        self.marks: dict[Key, int | None] = {}
        self.parents: dict[Key, int] = {}
        self.pending = PendingCache()
        self.told = set[AlertIdentity]()
        self._version = -1

    def begin(self, connection: sqlite3.Connection) -> None:
        """Clears the cache if another connection has committed, or if it has grown too large."""
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        is_too_large = max(len(self.holdings), len(self.told)) > MOST_KNOWN or self.pending.is_too_large()
        if version != self._version or is_too_large:
            self.forget()
            self._version = version

    def forget(self) -> None:
        """Clears the cache, for example after a rollback."""
        self.identifiers.clear()
        self.keys.clear()
        self.holdings.clear()
        self.knows_meters = False
        self.marks.clear()
        self.parents.clear()
        self.pending.clear()
        self.told.clear()

    def meters_of(self, connection: sqlite3.Connection) -> Meters:
        """Returns the meters; reads them if they are not cached."""
        if not self.knows_meters:
            self.meters = read_meters(connection)
            self.knows_meters = True
        return self.meters

    def learn(self, row: Row) -> None:
        """Adds a holding that was read."""
        self.identifiers[row.key] = row.id
        self.keys[row.id] = row.key
        self.holdings[row.key] = row.holding
        if row.key.resource in self.meters.named:
            self.marks[row.key] = row.mark
        if row.parent is not None:
            self.parents[row.key] = row.parent

    def update(self, changes: Changes) -> None:
        """Adds the changes of a batch that is being written."""
        self.holdings.update(changes.holdings)
        self.marks.update(changes.marks)
        for new in changes.issued:
            self.pending.put(new.serial, new.pending)
        for serial, pending in changes.revised.items():
            self.pending.put(serial, pending)
        for resolution in changes.resolved:
            self.pending.remove(resolution.serial)
        self.told.update([alert.identity for alert in changes.alerts])


class SQLiteLedger:
    """The ledger's storage on one connection, for one thread at a time.

    `repeats` is always 0: each transaction holds the write lock from the start, so none conflicts.
    """

    repeats = 0
    closing_seconds = 5.0
    """Closing copies the log into the file, so that the file alone has everything. The disk may be slow."""

    def __init__(self, database: SQLiteDatabase) -> None:
        """Sets the database; the first use connects, on the thread that uses it."""
        self._database = database
        # Plain, because each statement costs less: `writing` translates the errors.
        self._connection: sqlite3.Connection | None = None
        self._log_path = log_of(database.path)
        self._log: FileIdentity | None = None
        self._known = Known()
        self._retention = Retention()

    def transact(self, work: Callable[[LedgerTransaction], None], *, is_awaited: bool = True) -> None:  # noqa: ARG002 - as the protocol
        """Runs `work` in one durable transaction; see `astakos.ledger.ports.LedgerStorage`."""
        with self._writing() as connection:
            self._known.begin(connection)
            work(SQLiteTransaction(connection, self._known))

    def read_clock_record(self) -> ClockRecord:
        """Returns what is recorded about the clock."""
        try:
            return clock_records.read(self._connected())
        except sqlite3.Error as error:
            raise recognized(error) from error

    def save_clock_record(self, *, anchor: ClockAnchor | None, is_held: bool) -> None:
        """Records what the clock has to show, and whether it is held."""
        with self._writing() as connection:
            clock_records.save(connection, anchor=anchor, is_held=is_held)

    def prove_writable(self) -> None:
        """Commits a change that means nothing."""
        with self._writing() as connection:
            write_proof.prove_writable(connection)

    def tidy(self, now: int) -> bool:
        """Deletes some records past their retention, and shortens the log; returns true if more remain."""
        with self._writing() as connection:
            more = self._retention.forget(connection, now)
        self._copy_log()
        return more

    def _copy_log(self) -> None:
        """Copies into the file what other connections have written and no commit of the ledger has copied."""
        state = log_state(self._database.path)
        # If nothing waits, a commit could begin the log anew meanwhile; see `PRAGMAS`.
        if state is None or not state.waiting:
            return
        try:
            self._connected().execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except sqlite3.Error as error:
            raise recognized(error) from error

    @contextlib.contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            with writing(self._connected(), self._begin) as connection:
                yield connection
                self._require_same_files()
        except BaseException:
            # The connection may be in any state; the next transaction opens a new one.
            self.close()
            raise

    def _begin(self, connection: sqlite3.Connection) -> None:
        begin_first(connection, sqlite_database.BUSY_SECONDS)

    def _connected(self) -> sqlite3.Connection:
        if self._connection is None:
            self._connection = self._database.connect_plainly()
            self._connection.execute(WAIT_BRIEFLY)
            self._connection.execute(f"PRAGMA wal_autocheckpoint = {COPIED_PAGES}")
            self._log = None
        return self._connection

    def _require_same_files(self) -> None:
        """Checks, within a transaction, that others see what it commits: not so if they have other files."""
        self._database.require_same_file()
        if self._log is None:
            self._log = identity_of(self._log_path)
        else:
            require_same(self._log_path, self._log)

    def close(self) -> None:
        """Closes the connection, if it is open."""
        self._known.forget()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()


class SQLiteTransaction:
    """The reads and writes of one batch."""

    def __init__(self, connection: sqlite3.Connection, known: Known) -> None:
        """Uses the open transaction of a connection, and the cache of that connection."""
        self._connection = connection
        self._known = known

    def read(self, _now: int, needs: Needs) -> State:
        """Reads the state that the batch needs."""
        meters = self._known.meters_of(self._connection)
        expired = self._expired(needs.due)
        # If more are past their time to live, one of them can be cached as pending.
        more = len(expired) == MOST_EXPIRED
        pending = self._pending(needs.commissions, needs.due, use_cache=not more)
        keys = meters.with_meters(needs.keys) if meters else set(needs.keys)
        for commission in (*expired.values(), *pending.values()):
            keys.update(commission.keys())
        holdings = self._holdings(keys)
        above = NOTHING_ABOVE
        if self._known.parents:
            above = self._above(needs.keys)
            keys |= with_counted(needs.keys, meters, above)
            holdings = self._holdings(keys)
        return State(
            expired,
            pending,
            holdings,
            self._remembered(needs.idempotency),
            self._next_serials(needs.serials) if needs.serials else (),
            meters=meters,
            marks={key: self._known.marks[key] for key in keys if key in self._known.marks} if meters else {},
            above=above,
            told=self._known.told,
        )

    def _expired(self, due: int) -> dict[int, Pending]:
        rows = self._connection.execute(LIST_EXPIRED, (due, MOST_EXPIRED)).fetchall()
        return {serial: self._understand(component, document) for component, serial, document in rows}

    def _pending(
        self, commissions: Collection[tuple[int, int]], due: int, *, use_cache: bool
    ) -> dict[int, Pending]:
        known = self._known.pending
        found: dict[int, Pending] = {}
        for component, serial in commissions:
            pending = known.get(serial) if use_cache else None
            if pending is None:
                pending = self._find_pending(component, serial, due)
                if pending is not None:
                    known.put(serial, pending)
            if pending is not None and pending.component == component:
                found[serial] = pending
        return found

    def _find_pending(self, component: int, serial: int, due: int) -> Pending | None:
        if not 0 < serial <= LARGEST_SERIAL:
            return None
        row = self._connection.execute(FIND_PENDING, (component, serial, due)).fetchone()
        return None if row is None else self._understand(component, row[0])

    def _understand(self, component: int, document: str) -> Pending:
        """Decodes a pending commission; reads those of its holdings that are not cached."""
        stored = read_pending(document)
        keys = self._known.keys
        for identifier in stored.holdings():
            if identifier not in keys:
                self._known.learn(find_by_id(self._connection, identifier))
        return understood(component, stored, keys)

    def _holdings(self, keys: Collection[Key]) -> dict[Key, Holding]:
        known = self._known.holdings
        found: dict[Key, Holding] = {}
        for key in keys:
            holding = known.get(key)
            if holding is None:
                row = find(self._connection, key)
                if row is None:
                    continue
                self._known.learn(row)
                holding = row.holding
            found[key] = holding
        return found

    def _above(self, keys: Collection[Key]) -> Above:
        """Returns the holdings above those of projects, all of which have been read."""
        parents, names = self._known.parents, self._known.keys
        found: dict[Key, tuple[Key, ...]] = {}
        for key in keys:
            chain: list[Key] = []
            parent = parents.get(key)
            while parent is not None and len(chain) < MOST_LEVELS:
                if parent not in names:
                    self._known.learn(find_by_id(self._connection, parent))
                chain.append(names[parent])
                parent = parents.get(names[parent])
            if chain:
                found[key] = tuple(chain)
        return found

    def _remembered(self, keys: Collection[IdempotencyKey]) -> dict[IdempotencyKey, Remembered]:
        rows = ((key, self._connection.execute(FIND_REMEMBERED, key).fetchone()) for key in keys)
        return {key: Remembered(row[0], row[1], read_granted(row[2])) for key, row in rows if row is not None}

    def _next_serials(self, count: int) -> Sequence[int]:
        row = self._connection.execute(LAST_SERIAL).fetchone()
        last = int(row[0]) if row else 0
        return range(last + 1, last + 1 + count)

    def settled(self, keys: Collection[Key]) -> Mapping[Key, int]:
        """Returns the sum of all that was settled on each of these holdings before this transaction."""
        identifiers = self._known.identifiers
        execute = self._connection.execute
        return {key: execute(FIND_SETTLED, (identifiers[key],)).fetchone()[0] for key in keys}

    def expires(self, component: int, serial: int) -> int | None:
        """Returns when a commission that `read` has found pending expires; None for never."""
        found: tuple[int | None] = self._connection.execute(FIND_EXPIRY, (component, serial)).fetchone()
        return found[0]

    def grants(
        self, base: Key, now: int, after: Rank | None, most: int, *, only_named: bool
    ) -> Sequence[Grant]:
        """Returns grants that can be drawn on now and are not used up, in order."""
        known, grants = self._known, []
        row = Row(known.identifiers[base], base, known.holdings[base])
        for identifier, grant in list_drawable(
            self._connection, row, now, after, most, only_named=only_named, lock=False
        ):
            if grant.key not in known.holdings:
                known.learn(Row(identifier, grant.key, grant.holding))
            grants.append(grant._replace(holding=known.holdings[grant.key]))
        return grants

    def rolled(self, key: Key) -> Rolled | None:
        """Returns what was last left over on a holding of a meter."""
        return rollovers.find(self._connection, self._known.identifiers[key])

    def write(self, now: int, changes: Changes) -> None:
        """Stores the changes of the batch, in one pass over each table."""
        write_rows(self._connection, rows_of(now, changes, self._known.identifiers))
        if changes.issued:
            self._connection.execute(SET_LAST_SERIAL, (str(changes.issued[-1].serial),))
        self._known.update(changes)
