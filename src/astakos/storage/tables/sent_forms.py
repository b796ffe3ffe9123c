"""Forms that have made something: what each made, remembered in the transaction that made it."""

from typing import NamedTuple

from astakos.storage.protocol import Connection
from astakos.storage.tables import made_once
from astakos.storage.tables.made_once import Remembered


class Sent(NamedTuple):
    """What a form has made: the path of its page, and what to tell there of the form."""

    place: str
    told: str


def find(connection: Connection, form: str) -> Sent | None:
    """Returns what a form has made; None if it has made nothing yet."""
    return _sent(made_once.find(connection, form))


def begin(connection: Connection, form: str, now: int) -> Sent | None:
    """Remembers that a form makes something, unless it has. Waits for another sending that is under way.

    Args:
        connection: The transaction that makes it.
        form: The form.
        now: The present instant.

    Returns:
        None if it has made nothing yet; otherwise what it has made.
    """
    return _sent(made_once.begin(connection, form, now))


def end(connection: Connection, form: str, sent: Sent) -> None:
    """Remembers what a form has made, in the transaction that has made it, after `begin`."""
    made_once.end(connection, form, f"{sent.place}\n{sent.told}")


def _sent(remembered: Remembered | None) -> Sent | None:
    if remembered is None:
        return None
    place, _, told = remembered.told.partition("\n")
    return Sent(place, told)
