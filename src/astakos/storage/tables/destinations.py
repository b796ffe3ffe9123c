"""Where events are delivered: mail, the log, and webhooks, each with its place in the audit log."""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from astakos.storage.protocol import Connection

MAIL = "mail"
MEMBERS = "members"
"""Mail to the members of a project. It has a queue of its own, so that much of it holds up no other mail."""
LOG = "log"
BY_MAIL = (MAIL, MEMBERS)
MOST_WEBHOOKS = 32
"""How many webhooks there can be: each can take up a thread."""

COLUMNS = """
name, url, kinds, generation, overlap_ends, created, planned, attempts, failures, planned_member, disabled
"""
ADD = f"INSERT INTO destinations ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0, 0, NULL)"
FIND = f"SELECT {COLUMNS} FROM destinations WHERE name = ?"
LIST = f"SELECT {COLUMNS} FROM destinations ORDER BY created, name"
COUNT_WEBHOOKS = "SELECT count(*) FROM destinations WHERE url IS NOT NULL"
REMOVE = "DELETE FROM destinations WHERE name = ?"
ROTATE = "UPDATE destinations SET generation = generation + 1, overlap_ends = ? WHERE name = ?"
SET_PLANNED = "UPDATE destinations SET planned = ?, planned_member = ? WHERE name = ?"
DISABLE = "UPDATE destinations SET disabled = ? WHERE name = ? AND disabled IS NULL RETURNING name"
ENABLE = "UPDATE destinations SET disabled = NULL WHERE name = ?"
COUNT_ATTEMPT = "UPDATE destinations SET attempts = attempts + 1, failures = failures + ? WHERE name = ?"


class Destination(NamedTuple):
    """Where events are delivered.

    Attributes:
        name: `mail`, `members`, `log`, or the id of a webhook.
        url: of the webhook; None for the others.
        kinds: the kinds of events that it receives; see `notices.is_chosen`.
        generation: counts the secrets of the webhook.
        overlap_ends: the instant until which the secret before is used as well; None if it is not.
        created: when it was added.
        planned: the number of the last event that deliveries were planned for.
        attempts: how often something was sent to it.
        failures: how often that failed.
        planned_member: the id of the last membership that a delivery of the event after `planned` was planned
            for; 0 if there is none yet.
        disabled: the instant at which its receiver said that it wants nothing more; None if it has not.
    """

    name: str
    url: str | None
    kinds: tuple[str, ...]
    generation: int
    overlap_ends: int | None
    created: int
    planned: int
    attempts: int = 0
    failures: int = 0
    planned_member: int = 0
    disabled: int | None = None


def add(connection: Connection, destination: Destination) -> None:
    """Stores a new destination."""
    name, url, kinds, generation, overlap_ends, created, planned, *_ = destination
    connection.execute(ADD, (name, url, json.dumps(kinds), generation, overlap_ends, created, planned))


def find(connection: Connection, name: str) -> Destination | None:
    """Finds a destination by its name."""
    row = connection.execute(FIND, (name,)).fetchone()
    return None if row is None else _destination(row)


def list_all(connection: Connection) -> list[Destination]:
    """Lists all destinations, the oldest first."""
    return [_destination(row) for row in connection.execute(LIST)]


def count_webhooks(connection: Connection) -> int:
    """Counts the webhooks."""
    (number,) = connection.execute(COUNT_WEBHOOKS).fetchone()
    return int(number)


def remove(connection: Connection, name: str) -> None:
    """Removes a destination without deliveries."""
    connection.execute(REMOVE, (name,))


def rotate(connection: Connection, name: str, overlap_ends: int) -> None:
    """Gives a webhook its next secret; the one before is used as well until an instant."""
    connection.execute(ROTATE, (overlap_ends, name))


def set_planned(connection: Connection, name: str, number: int, member: int = 0) -> None:
    """Records up to which event deliveries were planned, and of the next one up to which membership."""
    connection.execute(SET_PLANNED, (number, member, name))


def disable(connection: Connection, name: str, now: int) -> bool:
    """Notes that a receiver wants nothing more; returns whether that is new."""
    return connection.execute(DISABLE, (now, name)).fetchone() is not None


def enable(connection: Connection, name: str) -> None:
    """Notes that a receiver wants messages again."""
    connection.execute(ENABLE, (name,))


def count_attempt(connection: Connection, name: str, *, failed: bool) -> None:
    """Counts an attempt."""
    connection.execute(COUNT_ATTEMPT, (int(failed), name))


def _destination(row: Sequence[Any]) -> Destination:
    name, url, kinds, *others = row
    return Destination(name, url, tuple(json.loads(kinds)), *others)
