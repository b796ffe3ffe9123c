"""Deliveries of events: what is to be sent to whom, and how that has gone.

A delivery is claimed by moving the instant at which it is due into the future, and counting the attempt. If
the process that has claimed it dies, the delivery is due again at that instant.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from astakos.storage.protocol import Connection

LONGEST_ERROR = 500
"""The most characters of an error that are kept."""
MOST_DELETED = 1000
"""How many old deliveries are deleted at a time, so that other writers do not wait long."""

COLUMNS = "id, destination, event, recipient, state, attempts, due, changed, error"
PLAN = """
INSERT INTO deliveries (destination, event, recipient, state, attempts, due, changed)
VALUES (?, ?, ?, 'pending', 0, ?, ?)
"""
COUNT_PENDING = "SELECT count(*) FROM deliveries WHERE destination = ? AND state = 'pending'"
COUNT = """
SELECT destination, state, count(*) FROM deliveries WHERE state IN ('pending', 'dead')
GROUP BY destination, state
"""
FIND_DUE = """
SELECT id FROM deliveries WHERE destination = ? AND state = 'pending' AND due <= ? ORDER BY due, id LIMIT 1
"""
LIST_DUE = """
SELECT destination FROM deliveries WHERE state = 'pending' AND due <= ? GROUP BY destination
"""
FIND_LONGEST_DUE = """
SELECT destination, min(due) FROM deliveries WHERE state = 'pending' GROUP BY destination
"""
CLAIM = f"UPDATE deliveries SET attempts = attempts + 1, due = ? WHERE id = ? RETURNING {COLUMNS}"
# Whoever has claimed it since has counted another attempt.
SETTLE = """
UPDATE deliveries SET state = ?, due = ?, changed = ?, error = ? WHERE id = ? AND attempts = ?
"""
FIND = f"SELECT {COLUMNS} FROM deliveries WHERE id = ?"
SELECT = f"SELECT {COLUMNS} FROM deliveries"
FIND_FAILED = f"""
{SELECT} WHERE destination = ? AND state = ? AND error IS NOT NULL ORDER BY id DESC LIMIT 1
"""
RETRY = """
UPDATE deliveries SET state = 'pending', attempts = 0, due = ?, changed = ? WHERE id = ? AND state = 'dead'
"""
RETRY_ALL = """
UPDATE deliveries SET state = 'pending', attempts = 0, due = ?, changed = ? WHERE state = 'dead' RETURNING id
"""
RETRY_ALL_TO = """
UPDATE deliveries SET state = 'pending', attempts = 0, due = ?, changed = ?
WHERE state = 'dead' AND destination = ? RETURNING id
"""
REMOVE_OF = "DELETE FROM deliveries WHERE destination = ?"
FORGET = """
DELETE FROM deliveries WHERE id IN (
    SELECT id FROM deliveries WHERE state = ? AND changed < ? ORDER BY changed LIMIT ?
)
RETURNING id
"""


class DeliveryState(StrEnum):
    """The states of a delivery."""

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"


class Delivery(NamedTuple):
    """A delivery of an event to one recipient.

    Attributes:
        id: its number.
        destination: the name of the destination.
        event: the number of the event.
        recipient: a mail address; "" if the destination has only one recipient.
        state: dead if it was given up.
        attempts: how often it was tried since it was planned, or since an operator has repeated it.
        due: the instant from which it can be tried.
        changed: the instant at which it was planned, or last tried.
        error: why the last attempt failed; None if it did not.
    """

    id: int
    destination: str
    event: int
    recipient: str
    state: DeliveryState
    attempts: int
    due: int
    changed: int
    error: str | None


def plan(connection: Connection, destination: str, recipients: Iterable[tuple[int, str]], now: int) -> None:
    """Adds deliveries of events, given by number, to recipients."""
    connection.executemany(
        PLAN, [(destination, event, recipient, now, now) for event, recipient in recipients]
    )


def count_pending(connection: Connection, destination: str) -> int:
    """Counts what is still to be sent to a destination."""
    (number,) = connection.execute(COUNT_PENDING, (destination,)).fetchone()
    return int(number)


def count(connection: Connection) -> dict[tuple[str, DeliveryState], int]:
    """Counts the deliveries that are pending or dead, by destination and state."""
    return {
        (destination, DeliveryState(state)): number
        for destination, state, number in connection.execute(COUNT)
    }


def destinations_due(connection: Connection, now: int) -> set[str]:
    """Returns the destinations to which something can be sent now."""
    return {name for (name,) in connection.execute(LIST_DUE, (now,))}


def due_longest(connection: Connection) -> dict[str, int]:
    """Returns from when on the pending delivery that is due first can be tried, by destination."""
    return dict(connection.execute(FIND_LONGEST_DUE).fetchall())


def claim(connection: Connection, destination: str, now: int, until: int) -> Delivery | None:
    """Claims the delivery to a destination that has been due longest, until an instant."""
    found = connection.execute(FIND_DUE, (destination, now)).fetchone()
    if found is None:
        return None
    return _delivery(connection.execute(CLAIM, (until, found[0])).fetchone())


def settle(
    connection: Connection, delivery: Delivery, state: DeliveryState, due: int, now: int, error: str | None
) -> None:
    """Records how an attempt has gone, unless another process has claimed the delivery since."""
    kept = None if error is None else error[:LONGEST_ERROR]
    connection.execute(SETTLE, (state.value, due, now, kept, delivery.id, delivery.attempts))


def find(connection: Connection, identifier: int) -> Delivery | None:
    """Finds a delivery by its number."""
    row = connection.execute(FIND, (identifier,)).fetchone()
    return None if row is None else _delivery(row)


def list_newest(
    connection: Connection, most: int, *, state: DeliveryState | None = None, destination: str | None = None
) -> list[Delivery]:
    """Lists the newest deliveries, in a state and to a destination if these are given."""
    conditions = {
        "state = ?": None if state is None else state.value,
        "destination = ?": destination,
    }
    used = {condition: value for condition, value in conditions.items() if value is not None}
    where = " AND ".join(used) or "id > 0"
    statement = f"{SELECT} WHERE {where} ORDER BY id DESC LIMIT ?"
    return [_delivery(row) for row in connection.execute(statement, [*used.values(), most])]


def last_failed(connection: Connection, destination: str) -> Delivery | None:
    """Finds the delivery to a destination that failed last, of those that wait or were given up."""
    states = (DeliveryState.PENDING, DeliveryState.DEAD)
    rows = (connection.execute(FIND_FAILED, (destination, state.value)).fetchone() for state in states)
    found = [_delivery(row) for row in rows if row is not None]
    return max(found, key=lambda one: one.changed, default=None)


def retry(connection: Connection, identifier: int, now: int) -> None:
    """Makes a dead delivery pending again."""
    connection.execute(RETRY, (now, now, identifier))


def retry_all(connection: Connection, destination: str | None, now: int) -> int:
    """Makes all dead deliveries, or those to one destination, pending again; returns their number."""
    if destination is None:
        return len(connection.execute(RETRY_ALL, (now, now)).fetchall())
    return len(connection.execute(RETRY_ALL_TO, (now, now, destination)).fetchall())


def remove_of(connection: Connection, destination: str) -> None:
    """Deletes all deliveries to a destination."""
    connection.execute(REMOVE_OF, (destination,))


def forget(connection: Connection, state: DeliveryState, before: int) -> bool:
    """Deletes some of the deliveries that have been in a state since before an instant; returns if any."""
    return bool(connection.execute(FORGET, (state.value, before, MOST_DELETED)).fetchall())


def _delivery(row: Sequence[Any]) -> Delivery:
    identifier, destination, event, recipient, state, *others = row
    return Delivery(identifier, destination, event, recipient, DeliveryState(state), *others)
