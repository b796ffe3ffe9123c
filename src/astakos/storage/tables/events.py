"""The audit log: a chain of events that only grows."""

import json

from astakos.events.chain import START, link
from astakos.events.event import Details, Event
from astakos.storage.protocol import Connection

COLUMNS = "id, time, kind, actor, origin, project, subject, reason, before, after"
LAST = "SELECT id, hash FROM events ORDER BY id DESC LIMIT 1"
RECORD = f"INSERT INTO events ({COLUMNS}, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"


def record(connection: Connection, event: Event, now: int) -> int:
    """Add an event in the transaction of the change that it tells of; return its number.

    Numbers have no gaps, and are in the order of the commits: only one such transaction runs at a time.
    """
    last = connection.execute(LAST).fetchone()
    number, previous = (0, START) if last is None else (last[0], bytes(last[1]))
    row = (
        number + 1,
        now,
        event.kind,
        event.actor.user,
        event.actor.origin,
        event.project,
        event.subject,
        event.reason,
        _document(event.before),
        _document(event.after),
    )
    connection.execute(RECORD, (*row, link(previous, row)))
    return number + 1


def _document(details: Details | None) -> str | None:
    return None if details is None else json.dumps(details, ensure_ascii=False, sort_keys=True)
