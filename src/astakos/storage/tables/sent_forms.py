"""Forms that have made something: what each made, remembered in the transaction that made it.

They stand among the idempotency keys, as those of no component, and are forgotten with these
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
FIND = "SELECT granted FROM idempotency_keys WHERE component_id = ? AND key = ?"


class Sent(NamedTuple):
    """What a form has made: the path of its page, and what to tell there of the form."""

    place: str
    told: str


def find(connection: Connection, form: str) -> Sent | None:
    """Returns what a form has made; None if it has made nothing yet."""
    row = connection.execute(FIND, (NO_COMPONENT, form)).fetchone()
    if row is None:
        return None
    place, _, told = str(row[0]).partition("\n")
    return Sent(place, told)


def begin(connection: Connection, form: str, now: int) -> Sent | None:
    """Remembers that a form makes something, unless it has. Waits for another sending that is under way.

    Args:
        connection: The transaction that makes it.
        form: The form.
        now: The present instant.

    Returns:
        None if it has made nothing yet; otherwise what it has made.
    """
    parameters = (NO_COMPONENT, form, b"", NO_SERIAL, now)
    is_first = connection.execute(BEGIN, parameters).fetchone() is not None
    return None if is_first else find(connection, form)


def end(connection: Connection, form: str, sent: Sent) -> None:
    """Remembers what a form has made, in the transaction that has made it, after `begin`."""
    connection.execute(END, (f"{sent.place}\n{sent.told}", NO_COMPONENT, form))
