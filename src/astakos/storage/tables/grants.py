"""Grants, with their holdings: what was given, to whom, and what is left (`ledger/grants.py`)."""

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from astakos.ledger.grants import Grant, Rank, base_of_grant, grant_resource
from astakos.ledger.rules import Holding, Key
from astakos.storage.protocol import Connection
from astakos.storage.tables.holdings import Row, read_source, stored_source
from astakos.storage.texts import is_storable


class State(StrEnum):
    """What has become of a grant; time is another matter."""

    OPEN = "open"
    USED = "used"
    """All of it is settled."""
    REVOKED = "revoked"


class Standing(StrEnum):
    """What a grant is at an instant."""

    OPEN = "open"
    FUTURE = "future"
    EXPIRED = "expired"
    USED = "used"
    REVOKED = "revoked"


class StoredGrant(NamedTuple):
    """A grant at one level.

    Attributes:
        number: tells it from all others.
        key: its holding.
        holding: the amount, and what was drawn.
        priority: see `astakos.ledger.grants.Rank`.
        starts: from when on it can be drawn on.
        expires: until when; `astakos.ledger.grants.NEVER` if it does not expire.
        lifts: the names of the meters that it lifts; None for all budgets of its base.
        note: for people.
        state: what has become of it.
    """

    number: int
    key: Key
    holding: Holding
    priority: int
    starts: int
    expires: int
    lifts: tuple[str, ...] | None
    note: str
    state: State

    @property
    def base(self) -> Key:
        """The holding to which it belongs."""
        return self.key._replace(resource=str(base_of_grant(self.key.resource)))

    @property
    def left(self) -> int:
        """How much of it can still be drawn, if time allows."""
        return max(0, self.holding.limit - self.holding.usage_max) if self.state is State.OPEN else 0

    def state_at(self, now: int) -> Standing:
        """Returns what it is at an instant."""
        if self.state is not State.OPEN:
            return Standing(self.state.value)
        if self.expires <= now:
            return Standing.EXPIRED
        return Standing.FUTURE if self.starts > now else Standing.OPEN


class Place(NamedTuple):
    """A place among all grants in the order in which they expire: an instant, and the number of a grant."""

    expires: int
    number: int


COLUMNS = """
g.number, h.holder, h.source, h.resource, h."limit", h.usage_min, h.usage_max, g.priority, g.starts,
g.expires, g.lifts, g.note, g.state
"""
SELECT = f"SELECT {COLUMNS} FROM grants g JOIN holdings h ON h.id = g.holding_id"
# Of a grant at both levels, the user's row was added first.
FIND = f"{SELECT} WHERE g.number = ? ORDER BY g.holding_id"
LIST_OF_HOLDER = f"""
SELECT {COLUMNS} FROM holdings h JOIN grants g ON g.holding_id = h.id
WHERE h.holder = ? AND (? = '' OR h.source = ?) AND g.number < ? ORDER BY g.number DESC LIMIT ?
"""
# Of a grant at both levels, the row of the user.
ONCE = """
(h.source <> '' OR NOT EXISTS (
    SELECT 1 FROM grants o WHERE o.number = g.number AND o.holding_id <> g.holding_id
))
"""
LIST = f"{SELECT} WHERE g.number > ? AND {ONCE} ORDER BY g.number LIMIT ?"
LIST_OPEN = f"{SELECT} WHERE g.state = 'open' AND {ONCE} ORDER BY g.number DESC LIMIT ?"
LIST_EXPIRING = f"""
{SELECT} WHERE g.state = 'open' AND (g.expires, g.number) > (?, ?) AND g.expires <= ? AND {ONCE}
ORDER BY g.expires, g.number LIMIT ?
"""
LIST_DRAWABLE = """
SELECT g.number, g.expires, g.priority, g.lifts, h.id, h."limit", h.usage_min, h.usage_max
FROM grants g JOIN holdings h ON h.id = g.holding_id
WHERE g.base_id = ? AND g.state = 'open' AND g.starts <= ? AND g.expires > ?
  AND (g.expires, g.priority, g.number) > (?, ?, ?) AND (? = 0 OR g.lifts IS NOT NULL)
ORDER BY g.expires, g.priority, g.number LIMIT ?
"""
CURRENT = "g.state = 'open' AND g.expires > ?"
LIST_CURRENT = f"""
SELECT {COLUMNS} FROM holdings h JOIN grants g ON g.holding_id = h.id WHERE h.holder = ? AND {CURRENT}
"""
LIST_ALL_CURRENT = f"{SELECT} WHERE {CURRENT}"
LOOK_FOR_CURRENT = f"SELECT 1 FROM grants g WHERE {CURRENT} LIMIT 1"
LAST_NUMBER = "SELECT coalesce(max(number), 0) FROM grants"
COUNT_OPEN = """
SELECT count(*) FROM grants WHERE base_id = ? AND state = 'open' AND expires > ?
"""
ADD_HOLDING = """
INSERT INTO holdings (holder, source, resource, "limit", usage_min, usage_max) VALUES (?, ?, ?, ?, 0, 0)
RETURNING id
"""
ADD = """
INSERT INTO grants (number, base_id, holding_id, priority, starts, expires, lifts, note, state)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'open')
"""
REVOKE = "UPDATE grants SET state = 'revoked' WHERE number = ? AND state <> 'revoked'"

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(tuple[str, ...])
AT_A_TIME = 1000
LAST = 2**63 - 1
BEFORE_ALL = Rank(0, -1, 0)


def add(connection: Connection, base: Row, grant: StoredGrant) -> None:
    """Adds a grant at the level of a holding of its base."""
    key, lifts = grant.key, grant.lifts
    holding = key.holder, stored_source(key.source), key.resource, grant.holding.limit
    (identifier,) = connection.execute(ADD_HOLDING, holding).fetchone()
    connection.execute(
        ADD,
        (
            grant.number,
            base.id,
            identifier,
            grant.priority,
            grant.starts,
            grant.expires,
            None if lifts is None else _encoder.encode(lifts).decode(),
            grant.note,
        ),
    )


def revoke(connection: Connection, number: int) -> None:
    """Lets nothing more be drawn from a grant; what is drawn stays so."""
    connection.execute(REVOKE, (number,))


def next_number(connection: Connection) -> int:
    """Returns a number that no grant has."""
    return int(connection.execute(LAST_NUMBER).fetchone()[0]) + 1


def count_open(connection: Connection, base: int, now: int) -> int:
    """Counts the grants that belong to a holding, given by id, and can be drawn on now or later."""
    return int(connection.execute(COUNT_OPEN, (base, now)).fetchone()[0])


def find(connection: Connection, number: int) -> list[StoredGrant]:
    """Finds a grant by its number; one with two levels twice, the user's first."""
    return [_grant(row) for row in connection.execute(FIND, (number,)).fetchall()]


def list_all(connection: Connection) -> Iterator[StoredGrant]:
    """Yields all grants, each once, in the order of their numbers."""
    after = 0
    while rows := connection.execute(LIST, (after, AT_A_TIME)).fetchall():
        yield from map(_grant, rows)
        after = rows[-1][0]


def list_open(connection: Connection, *, most: int) -> list[StoredGrant]:
    """Lists the grants of everybody that are neither used up nor revoked, the newest first."""
    return [_grant(row) for row in connection.execute(LIST_OPEN, (most,)).fetchall()]


def list_of_holder(
    connection: Connection, holder: str, *, before: int = LAST, most: int, source: str | None = None
) -> list[StoredGrant]:
    """Lists the grants of a user or a project, whatever has become of them, the newest first.

    Those of a user from one source alone, if it is given.
    """
    if not is_storable(holder):
        return []
    where = (holder, source or "", source or "", before, most)
    return [_grant(row) for row in connection.execute(LIST_OF_HOLDER, where).fetchall()]


def list_expiring(connection: Connection, after: Place, until: int, most: int) -> list[StoredGrant]:
    """Lists the grants behind a place that do not expire after an instant, the first of them first.

    Only those that are neither used up nor revoked; `left` says what is lost.
    """
    return [_grant(row) for row in connection.execute(LIST_EXPIRING, (*after, until, most)).fetchall()]


def list_current(connection: Connection, holder: str, now: int) -> list[StoredGrant]:
    """Lists the grants of a user or a project that are neither used up nor over; all rows of each."""
    if not is_storable(holder):
        return []
    return [_grant(row) for row in connection.execute(LIST_CURRENT, (holder, now)).fetchall()]


def list_all_current(connection: Connection, now: int) -> Iterator[StoredGrant]:
    """Yields the grants of everybody that are neither used up nor over; all rows of each."""
    yield from map(_grant, connection.execute(LIST_ALL_CURRENT, (now,)))


def are_there(connection: Connection, now: int) -> bool:
    """Whether anybody has a grant that is neither used up nor over."""
    return connection.execute(LOOK_FOR_CURRENT, (now,)).fetchone() is not None


class Drawable(NamedTuple):
    """A grant as a batch of the ledger draws on it, and the id of its holding."""

    id: int
    grant: Grant


def list_drawable(
    connection: Connection,
    base: Row,
    now: int,
    after: Rank | None,
    most: int,
    *,
    only_named: bool,
    lock: bool,
) -> list[Drawable]:
    """Lists grants that can be drawn on; see `astakos.ledger.ports.LedgerTransaction.grants`.

    Args:
        connection: a connection in a transaction.
        base: the holding to which they belong.
        now: the instant.
        after: only those behind this rank.
        most: how many at most.
        only_named: only those that name what they lift.
        lock: whether to lock the rows, which only a server can.
    """
    statement = f"{LIST_DRAWABLE} FOR UPDATE" if lock else LIST_DRAWABLE
    rows = connection.execute(statement, drawable_at(base.id, now, after, most, only_named=only_named))
    return [drawable(base.key, *row) for row in rows.fetchall()]


def drawable_at(base: int, now: int, after: Rank | None, most: int, *, only_named: bool) -> tuple[int, ...]:
    """Returns the parameters of `LIST_DRAWABLE`."""
    return base, now, now, *(after or BEFORE_ALL), int(only_named), most


def drawable(
    base: Key,
    number: int,
    expires: int,
    priority: int,
    lifts: str | bytes | None,
    identifier: int,
    *figures: int,
) -> Drawable:
    """Decodes a row of `LIST_DRAWABLE`."""
    key = base._replace(resource=grant_resource(base.resource, number))
    rank = Rank(expires, priority, number)
    return Drawable(identifier, Grant(rank, key, read_lifts(lifts), Holding(*figures)))


def read_lifts(document: str | bytes | None) -> tuple[str, ...] | None:
    """Decodes the stored names of the meters that a grant lifts."""
    return _decoder.decode(document) if document else None


def _grant(row: Sequence[Any]) -> StoredGrant:
    number, holder, source, resource, limit, usage_min, usage_max, priority, starts, expires, *rest = row
    lifts, note, state = rest
    return StoredGrant(
        number,
        Key(str(holder), read_source(str(source)), str(resource)),
        Holding(limit, usage_min, usage_max),
        priority,
        starts,
        expires,
        read_lifts(lifts),
        str(note),
        State(state),
    )
