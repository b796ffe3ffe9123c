"""What the ledger's engines record about the clock, as settings; see `astakos.ledger.clock_guard`."""

from astakos.ledger.clock_guard import AGREEMENT_SECONDS, JUMP_SECONDS, ClockAnchor, ClockRecord
from astakos.storage.protocol import Connection
from astakos.storage.tables import settings

HOLD = "clock_hold"
ANCHOR = "clock_anchor"


def read(connection: Connection) -> ClockRecord:
    """Returns what is recorded."""
    anchor = settings.find(connection, ANCHOR)
    return ClockRecord(
        settings.find(connection, settings.CLOCK_JUMP_SECONDS, JUMP_SECONDS),
        settings.find(connection, settings.CLOCK_AGREEMENT_SECONDS, AGREEMENT_SECONDS),
        None if anchor is None else ClockAnchor(*anchor),
        is_held(connection),
    )


def is_held(connection: Connection) -> bool:
    """Whether nothing may expire or be deleted by the clock now."""
    return settings.find(connection, HOLD) is not None


def save(connection: Connection, *, anchor: ClockAnchor | None, is_held: bool) -> None:
    """Records what the clock has to show, and whether it is held."""
    if anchor is not None:
        settings.save(connection, ANCHOR, anchor)
    if is_held:
        settings.save(connection, HOLD, value=True)
    else:
        settings.delete(connection, HOLD)


def accept(connection: Connection) -> bool:
    """Accepts the present time; returns false if the clock is not held. Engines notice within a second."""
    held = is_held(connection)
    settings.delete(connection, HOLD)
    settings.delete(connection, ANCHOR)
    return held
