"""Accepts a clock that the service does not trust."""

from astakos.events.event import Actor, Event
from astakos.storage.protocol import Connection
from astakos.storage.tables import clock_records, events


def accept_clock(connection: Connection, actor: Actor, now: int) -> bool:
    """Takes the present time for right; returns false if the clock is not held."""
    if not clock_records.accept(connection):
        return False
    events.record(connection, Event("clock.accepted", actor), now)
    return True
