"""The audit log: a chain of events that only grows."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from astakos.events.chain import EMPTY, Head, link
from astakos.events.differences import bounded
from astakos.events.event import Actor, Details, Event, RecordedEvent
from astakos.storage.protocol import Connection
from astakos.storage.tables import change_counts
from astakos.storage.texts import is_storable

COLUMNS = "id, time, kind, actor, origin, project, subject, reason, before, after, key"
LAST = "SELECT id, time, hash FROM events ORDER BY id DESC LIMIT 1"
RECORD = f"INSERT INTO events ({COLUMNS}, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
PAGE = f"SELECT {COLUMNS}, hash FROM events WHERE id > ? ORDER BY id LIMIT ?"
SELECT = f"SELECT {COLUMNS}, hash FROM events"
AT_A_TIME = 1000
UNREADABLE = "unreadable"
"""Stands for the names of values in an event that somebody has changed to what is not JSON."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events to read; None means all.

    Attributes:
        project: the uuid of the project.
        subject: the uuid of the user whom they are about.
        actor: the uuid of the user who caused them.
        origin: where they came from; see `Actor`.
        kind: a kind such as `project.suspended`, or the first part of several, such as `project`.
        since: the earliest instant.
        until: the instant from which on there are too late.
        after: the number of the event that precedes them.
        before: the number of the event that follows them.
    """

    project: str | None = None
    subject: str | None = None
    actor: str | None = None
    origin: str | None = None
    kind: str | None = None
    since: int | None = None
    until: int | None = None
    after: int | None = None
    before: int | None = None


def record(connection: Connection, event: Event, now: int) -> int:
    """Adds an event in the transaction of the change that it tells of; returns its number.

    Numbers have no gaps, and are in the order of the commits: only one such transaction runs at a time.

    Raises:
        TooManyChangesError: the actor has caused as many events as are allowed (`change_allowance.py`).
    """
    return record_all(connection, [event], now)


def record_all(connection: Connection, happened: Sequence[Event], now: int) -> int:
    """Adds several events in their order; returns the number of the last one in the log.

    Raises:
        TooManyChangesError: see `record`. The events of one transaction may exceed what is allowed.
    """
    for event in {(event.actor, event.kind): event for event in happened}.values():
        change_counts.require_allowed(connection, event, now)
    head = find_head(connection)
    number, previous, rows = head.number, head.hash, list[Sequence[Any]]()
    for event in happened:
        number += 1
        row = (
            number,
            now,
            event.kind,
            event.actor.user,
            event.actor.origin,
            event.project,
            event.subject,
            bounded(event.reason),
            _document(event.before),
            _document(event.after),
            event.actor.key,
        )
        previous = link(previous, _linked(row))
        rows.append((*row, previous))
    if len(rows) == 1:
        connection.execute(RECORD, rows[0])
    else:
        connection.executemany(RECORD, rows)
    return number


def find_head(connection: Connection) -> Head:
    """Returns the end of the chain."""
    last = connection.execute(LAST).fetchone()
    return EMPTY if last is None else Head(last[0], last[1], bytes(last[2]))


def walk(connection: Connection) -> Iterator[Sequence[Any]]:
    """Yields what the hashes depend on, of all events in order, the hash last; holds one page of them."""
    number = 0
    while page := connection.execute(PAGE, (number, AT_A_TIME)).fetchall():
        yield from ((*_linked(values), stored) for *values, stored in page)
        number = page[-1][0]


def read(
    connection: Connection, wanted: Wanted, most: int, *, newest_first: bool = False
) -> list[RecordedEvent]:
    """Returns up to `most` of the events that are wanted, in the order of their numbers."""
    used = conditions_of(wanted)
    if not all(is_storable(value) for _, value in used if isinstance(value, str)):
        return []
    where = " AND ".join(condition for condition, _ in used) or "id > 0"
    order = "ORDER BY id DESC" if newest_first else "ORDER BY id"
    found = connection.execute(
        f"{SELECT} WHERE {where} {order} LIMIT ?", [*(value for _, value in used), most]
    )
    return [recorded(row) for row in found]


def conditions_of(wanted: Wanted) -> list[tuple[str, Any]]:
    """Returns the conditions for events that are wanted, each with the value of its parameter."""
    conditions: list[tuple[str, Any]] = [
        ("project = ?", wanted.project),
        ("subject = ?", wanted.subject),
        ("actor = ?", wanted.actor),
        ("origin = ?", wanted.origin),
        ("time >= ?", wanted.since),
        ("time < ?", wanted.until),
        ("id > ?", wanted.after),
        ("id < ?", wanted.before),
    ]
    if wanted.kind is not None:
        is_whole = "." in wanted.kind
        conditions.append(("kind = ?", wanted.kind) if is_whole else ("kind LIKE ?", f"{wanted.kind}.%"))
    return [(condition, value) for condition, value in conditions if value is not None]


def _linked(row: Sequence[Any]) -> Sequence[Any]:
    """Returns what the hash depends on: without a key as before there were any, so that old hashes hold."""
    return row if row[-1] is not None else row[:-1]


def recorded(row: Sequence[Any]) -> RecordedEvent:
    """Returns the event in a row of `COLUMNS` and the hash."""
    number, time, kind, actor, origin, project, subject, reason, before, after, key, hash_ = row
    event = Event(
        kind, Actor(actor, origin, key=key), project, subject, reason, _details(before), _details(after)
    )
    return RecordedEvent(number, time, event, bytes(hash_))


def _document(details: Details | None) -> str | None:
    return None if details is None else json.dumps(bounded(dict(details)), ensure_ascii=False, sort_keys=True)


def _details(document: str | None) -> Details | None:
    if document is None:
        return None
    try:
        return dict(json.loads(document))
    except (TypeError, ValueError):
        # Somebody has changed it; `astakos audit verify` says so.
        return {UNREADABLE: document}
