"""Events as JSON documents, for everybody who reads them."""

from typing import Any

from astakos.clock import to_iso
from astakos.events.event import RecordedEvent


def document_of(recorded: RecordedEvent) -> dict[str, Any]:
    """Returns an event as a document; times are ISO 8601."""
    event = recorded.event
    return {
        "number": recorded.number,
        "time": to_iso(recorded.time),
        "kind": event.kind,
        "actor": event.actor.user,
        "origin": event.actor.origin,
        "key": event.actor.key,
        "project": event.project,
        "user": event.subject,
        "reason": event.reason,
        "before": None if event.before is None else dict(event.before),
        "after": None if event.after is None else dict(event.after),
        "hash": recorded.hash.hex(),
    }
