"""What is made once, however often it is asked for: remembered in the transaction that makes it.

It stands among the idempotency keys, as that of no component, and is forgotten with these
(`storage/tables/retention.py`).
"""

from typing import NamedTuple

from astakos.storage.protocol import Connection

NO_COMPONENT = 0
"""Identifiers of components begin with 1."""
NO_SERIAL = 0

BEGIN = """
INSERT INTO idempotency_keys (component_id, key, fingerprint, serial, time) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (component_id, key) DO NOTHING
RETURNING key
"""
END = "UPDATE idempotency_keys SET granted = ? WHERE component_id = ? AND key = ?"
FIND = "SELECT fingerprint, granted FROM idempotency_keys WHERE component_id = ? AND key = ?"


class Remembered(NamedTuple):
    """What was asked for under a name, and what to tell whoever asks again."""

    fingerprint: bytes
    told: str


def find(connection: Connection, name: str) -> Remembered | None:
    """Returns what was made under a name; None if nothing was yet."""
    row = connection.execute(FIND, (NO_COMPONENT, name)).fetchone()
    return None if row is None else Remembered(bytes(row[0]), str(row[1]))


def begin(connection: Connection, name: str, now: int, fingerprint: bytes = b"") -> Remembered | None:
    """Remembers that something is made, unless it was. Waits for another transaction that is making it.

    Args:
        connection: The transaction that makes it.
        name: What it is remembered as.
        now: The present instant.
        fingerprint: What is asked for, if the same name can be used for something else.

    Returns:
        None if nothing was made under this name yet; otherwise what was.
    """
    parameters = (NO_COMPONENT, name, fingerprint, NO_SERIAL, now)
    is_first = connection.execute(BEGIN, parameters).fetchone() is not None
    return None if is_first else find(connection, name)


def end(connection: Connection, name: str, told: str) -> None:
    """Remembers what to tell of it, in the transaction that has made it, after `begin`."""
    connection.execute(END, (told, NO_COMPONENT, name))
