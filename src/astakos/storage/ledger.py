"""The ledger's transactions and the reading of its commissions."""

import contextlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

from astakos.clock import DAY
from astakos.ledger.operations import Changes, Commission, NewCommission, Pending, Remembered, Resolution
from astakos.ledger.rules import Holding, Key, Provision
from astakos.ledger.storage import IdempotencyKey, StorageUnavailableError
from astakos.storage import settings
from astakos.storage.database import Connection, Database
from astakos.storage.sqlite import SQLiteDatabase, writing

LARGEST_SERIAL = 2**63 - 1
KEYS_KEPT = 2 * DAY
"""How long an idempotency key is remembered: a day is promised."""
MOST_FORGOTTEN = 5000
"""How many old commissions are looked at at a time, so that others need not wait for long."""
MOST_KNOWN = 50_000
"""Of how many holdings, and pending commissions, a connection remembers where they stand: some 20 MiB."""

LIST_EXPIRED = """
SELECT serial FROM commissions WHERE verdict IS NULL AND expires IS NOT NULL AND expires <= ? ORDER BY expires
"""
FIND_PENDING = """
SELECT c.component_id, p.quantity, h.id, h.holder, h.source, h.resource, h."limit", h.usage_min, h.usage_max
FROM commissions c
LEFT JOIN provisions p ON p.serial = c.serial
LEFT JOIN holdings h ON h.id = p.holding_id
WHERE c.serial = ? AND c.verdict IS NULL
"""
FIND_HOLDING = """
SELECT id, "limit", usage_min, usage_max FROM holdings WHERE holder = ? AND source = ? AND resource = ?
"""
SUM_PENDING_IMPORTS = """
SELECT coalesce(sum(p.quantity), 0) FROM commissions c CROSS JOIN provisions p
WHERE c.verdict IS NULL AND p.serial = c.serial AND p.holding_id = ? AND p.quantity > 0
"""
FIND_REMEMBERED = "SELECT fingerprint, serial FROM idempotency_keys WHERE component_id = ? AND key = ?"
REMEMBER = """
INSERT INTO idempotency_keys (component_id, key, fingerprint, serial, time) VALUES (?, ?, ?, ?, ?)
"""
LAST_SERIAL = "SELECT seq FROM sqlite_sequence WHERE name = 'commissions'"
INSERT_COMMISSION = """
INSERT INTO commissions (serial, component_id, name, issue_time, expires, verdict, resolve_time)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
INSERT_PROVISION = """
INSERT INTO provisions (serial, holding_id, quantity, settled, "limit", usage_min, usage_max)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""
INSERT_HOLDER = "INSERT INTO commission_holders (holder, serial) VALUES (?, ?)"
RESOLVE_COMMISSION = "UPDATE commissions SET verdict = ?, resolve_time = ? WHERE serial = ?"
RESOLVE_PROVISION = """
UPDATE provisions SET settled = ?, "limit" = ?, usage_min = ?, usage_max = ?
WHERE serial = ? AND holding_id = ?
"""
SET_USAGE = "UPDATE holdings SET usage_min = ?, usage_max = ? WHERE id = ?"

LIST_PENDING = "SELECT serial FROM commissions WHERE component_id = ? AND verdict IS NULL ORDER BY serial"
FIND_COMMISSION = """
SELECT component_id, name, issue_time, expires FROM commissions WHERE serial = ? AND verdict IS NULL
"""
LIST_PROVISIONS = """
SELECT h.holder, h.source, h.resource, p.quantity
FROM provisions p JOIN holdings h ON h.id = p.holding_id WHERE p.serial = ? ORDER BY h.source = '', h.id
"""
SET_LIMIT = """
INSERT INTO holdings (holder, source, resource, "limit", usage_min, usage_max) VALUES (?, ?, ?, ?, 0, 0)
ON CONFLICT (holder, source, resource) DO UPDATE SET "limit" = excluded."limit"
WHERE holdings."limit" <> excluded."limit"
"""
FORGET_KEYS = "DELETE FROM idempotency_keys WHERE time < ?"
# Only the first commissions are looked at: the older, the smaller is its serial.
OLD_COMMISSIONS = """
SELECT serial FROM (SELECT serial, verdict, resolve_time FROM commissions ORDER BY serial LIMIT ?) AS oldest
WHERE verdict IS NOT NULL AND resolve_time < ?
"""
FORGET_HOLDERS = f"""
DELETE FROM commission_holders WHERE (holder, serial) IN (
    SELECT h.holder, p.serial FROM provisions p JOIN holdings h ON h.id = p.holding_id
    WHERE p.serial IN ({OLD_COMMISSIONS}) AND h.source <> ''
)
"""
FORGET_PROVISIONS = f"DELETE FROM provisions WHERE serial IN ({OLD_COMMISSIONS})"
FORGET_COMMISSIONS = f"DELETE FROM commissions WHERE serial IN ({OLD_COMMISSIONS})"


def stored_source(source: str | None) -> str:
    """How a source stands in the database, where null is ''."""
    return "" if source is None else source


def read_source(stored: str) -> str | None:
    """The source that stands in the database as `stored`."""
    return stored or None


def drawing_holders(provisions: Iterable[Provision]) -> set[str]:
    """Whose history a commission is part of by `commission_holders`."""
    return {key.holder for key, _ in provisions if key.source is not None}


class _Known:
    """What a connection has read or written and nobody else has changed since.

    Most commissions are resolved soon after they were issued, and busy holdings are charged again and again:
    remembering them spares most reads.
    """

    def __init__(self) -> None:
        self.identifiers: dict[Key, int] = {}
        self.holdings: dict[Key, Holding] = {}
        self.pending: dict[int, Pending] = {}
        self._version = -1

    def begin(self, connection: Connection) -> None:
        """Forget everything if another connection has committed since, or if it has become too much."""
        (version,) = connection.execute("PRAGMA data_version").fetchone()
        if version != self._version or len(self.holdings) > MOST_KNOWN or len(self.pending) > MOST_KNOWN:
            self.forget()
            self._version = version

    def forget(self) -> None:
        """Forget everything, as after a transaction that was undone."""
        self.identifiers.clear()
        self.holdings.clear()
        self.pending.clear()

    def update(self, changes: Changes) -> None:
        """Learn what is being written."""
        self.holdings.update(changes.holdings)
        for serial, issue in changes.issued:
            self.pending[serial] = Pending(issue.component, issue.provisions)
        for resolution in changes.resolved:
            self.pending.pop(resolution.serial, None)


class LedgerStore:
    """The ledger's storage on one connection, for one thread at a time."""

    def __init__(self, database: Database) -> None:
        """Connect when first used, on the thread that uses it."""
        self._database = database
        self._connection: sqlite3.Connection | None = None
        self._known = _Known()

    @contextlib.contextmanager
    def transaction(self) -> Iterator["LedgerTransaction"]:
        """One durable transaction; see `astakos.ledger.storage.LedgerStorage`."""
        with self._writing() as connection:
            self._known.begin(connection)
            yield LedgerTransaction(connection, self._known)

    def tidy(self, now: int) -> None:
        """Forget idempotency keys after two days, and resolved commissions after the time that is set."""
        with self._writing() as connection:
            connection.execute(FORGET_KEYS, (now - KEYS_KEPT,))
            kept = settings.find(connection, settings.HISTORY_DAYS)
            if kept is not None:
                before = now - int(kept * DAY)
                for statement in (FORGET_HOLDERS, FORGET_PROVISIONS, FORGET_COMMISSIONS):
                    connection.execute(statement, (MOST_FORGOTTEN, before))

    @contextlib.contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            with writing(self._connected()) as connection:
                yield connection
        except BaseException:
            # Whatever state it is in: the next transaction begins on a connection that is known to be good.
            self.close()
            raise

    def _connected(self) -> sqlite3.Connection:
        if not isinstance(self._database, SQLiteDatabase):
            raise StorageUnavailableError("commissions are written on SQLite only")
        if self._connection is None:
            try:
                self._connection = self._database.connect()
            except sqlite3.OperationalError as error:
                raise StorageUnavailableError(f"the database can not be opened now: {error}") from error
        return self._connection

    def close(self) -> None:
        """Close the connection."""
        self._known.forget()
        if self._connection is not None:
            connection, self._connection = self._connection, None
            connection.close()


class LedgerTransaction:
    """Reads and writes of one batch."""

    def __init__(self, connection: Connection, known: _Known) -> None:
        """Work inside the transaction that `connection` is in, with what is known of its state."""
        self._connection = connection
        self._known = known

    def expired(self, now: int) -> Mapping[int, Pending]:
        """The pending commissions whose time to live is over."""
        serials = [serial for (serial,) in self._connection.execute(LIST_EXPIRED, (now,))]
        return self.pending(serials) if serials else {}

    def pending(self, serials: Collection[int]) -> Mapping[int, Pending]:
        """Those commissions that are pending; their holdings are read along with them."""
        known = self._known.pending
        found: dict[int, Pending] = {}
        for serial in serials:
            pending = known.get(serial) or self._find_pending(serial)
            if pending is not None:
                found[serial] = known[serial] = pending
        return found

    def _find_pending(self, serial: int) -> Pending | None:
        if not 0 < serial <= LARGEST_SERIAL:
            return None
        component, provisions = None, []
        for row in self._connection.execute(FIND_PENDING, (serial,)):
            component, quantity, identifier, holder, source, resource, *figures = row
            if identifier is not None:
                key = Key(holder, read_source(source), resource)
                self._learn(key, identifier, figures)
                provisions.append(Provision(key, quantity))
        return None if component is None else Pending(component, tuple(provisions))

    def _learn(self, key: Key, identifier: int, figures: Iterable[int]) -> None:
        self._known.identifiers[key] = identifier
        self._known.holdings[key] = Holding(*figures)

    def holdings(self, keys: Collection[Key]) -> Mapping[Key, Holding]:
        """Those holdings that exist."""
        known = self._known.holdings
        found: dict[Key, Holding] = {}
        for key in keys:
            # A source of "" is no key that can exist; in the database it would be taken for null.
            if key not in known and key.source != "":
                where = (key.holder, stored_source(key.source), key.resource)
                row = self._connection.execute(FIND_HOLDING, where).fetchone()
                if row is not None:
                    self._learn(key, row[0], row[1:])
            if key in known:
                found[key] = known[key]
        return found

    def next_serials(self, count: int) -> Sequence[int]:
        """Serials after the last one that was ever committed; SQLite keeps it with AUTOINCREMENT."""
        row = self._connection.execute(LAST_SERIAL).fetchone()
        last = row[0] if row else 0
        return range(last + 1, last + 1 + count)

    def pending_imports(self, keys: Collection[Key]) -> Mapping[Key, int]:
        """The sum of the pending imports on each of the holdings that was read."""
        return {
            key: self._connection.execute(SUM_PENDING_IMPORTS, (self._known.identifiers[key],)).fetchone()[0]
            for key in keys
            if key in self._known.identifiers
        }

    def remembered(self, keys: Collection[IdempotencyKey]) -> Mapping[IdempotencyKey, Remembered]:
        """What was issued with those idempotency keys that are still kept."""
        rows = ((key, self._connection.execute(FIND_REMEMBERED, key).fetchone()) for key in keys)
        return {key: Remembered(*row) for key, row in rows if row is not None}

    def write(self, now: int, changes: Changes) -> None:
        """Store what a batch has changed, with one pass over each table."""
        self._known.update(changes)
        resolved = {resolution.serial: resolution for resolution in changes.resolved}
        self._insert(now, changes.issued, resolved)
        self._resolve(now, resolved.values())
        identifiers = self._known.identifiers
        self._connection.executemany(
            SET_USAGE, [(h.usage_min, h.usage_max, identifiers[key]) for key, h in changes.holdings.items()]
        )

    def _insert(self, now: int, issued: Sequence[NewCommission], resolved: dict[int, Resolution]) -> None:
        """Store new commissions; those that were resolved at once, as such, taken out of `resolved`."""
        commissions: list[tuple[object, ...]] = []
        provisions: list[tuple[object, ...]] = []
        holders: list[tuple[str, int]] = []
        remembered: list[tuple[object, ...]] = []
        identifiers = self._known.identifiers
        for serial, issue in issued:
            resolution = resolved.pop(serial, None)
            expires = None if issue.time_to_live is None else now + issue.time_to_live
            if resolution is None:
                commissions.append((serial, issue.component, issue.name, now, expires, None, None))
                provisions += [
                    (serial, identifiers[key], quantity, None, None, None, None)
                    for key, quantity in issue.provisions
                ]
            else:
                commissions.append(
                    (serial, issue.component, issue.name, now, expires, resolution.verdict, now)
                )
                provisions += [
                    (serial, identifiers[key], quantity, settled, *after)
                    for key, quantity, settled, after in resolution.settlements
                ]
            holders += [(holder, serial) for holder in drawing_holders(issue.provisions)]
            if issue.idempotency is not None:
                remembered.append((issue.component, *issue.idempotency, serial, now))
        self._connection.executemany(INSERT_COMMISSION, commissions)
        self._connection.executemany(INSERT_PROVISION, provisions)
        self._connection.executemany(INSERT_HOLDER, holders)
        self._connection.executemany(REMEMBER, remembered)

    def _resolve(self, now: int, resolved: Collection[Resolution]) -> None:
        identifiers = self._known.identifiers
        self._connection.executemany(
            RESOLVE_COMMISSION, [(resolution.verdict, now, resolution.serial) for resolution in resolved]
        )
        self._connection.executemany(
            RESOLVE_PROVISION,
            [
                (settled, *after, resolution.serial, identifiers[key])
                for resolution in resolved
                for key, _, settled, after in resolution.settlements
            ],
        )


def set_limits(connection: Connection, limits: Iterable[tuple[Key, int]]) -> None:
    """Set limits, making missing holdings with no usage; usage is never touched (`quota-semantics.md` §5)."""
    connection.executemany(
        SET_LIMIT, ((key.holder, stored_source(key.source), key.resource, limit) for key, limit in limits)
    )


def list_pending(connection: Connection, component: int) -> list[int]:
    """The serials of a component's pending commissions, ascending."""
    return [serial for (serial,) in connection.execute(LIST_PENDING, (component,))]


def find_commission(connection: Connection, component: int, serial: int) -> Commission | None:
    """A pending commission of that component, or None."""
    if not 0 < serial <= LARGEST_SERIAL:
        return None
    row = connection.execute(FIND_COMMISSION, (serial,)).fetchone()
    if row is None or row[0] != component:
        return None
    provisions = tuple(
        Provision(Key(holder, read_source(source), resource), quantity)
        for holder, source, resource, quantity in connection.execute(LIST_PROVISIONS, (serial,))
    )
    return Commission(serial, row[1], row[2], provisions, row[3])
