"""The tokens that components have besides the one in their own row."""

from collections.abc import Iterable
from typing import NamedTuple

from astakos.storage.protocol import Connection

LIST = "SELECT name, token_hash, created, expires FROM component_tokens WHERE component_id = ? ORDER BY id"
SAVE = """
INSERT INTO component_tokens (component_id, name, token_hash, created, expires) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (component_id, name) DO UPDATE SET
    token_hash = excluded.token_hash, created = excluded.created, expires = excluded.expires
"""
DELETE = "DELETE FROM component_tokens WHERE component_id = ? AND name = ?"
DELETE_ALL = "DELETE FROM component_tokens WHERE component_id = ?"
DELETE_ENDED = "DELETE FROM component_tokens WHERE component_id = ? AND expires < ?"


class ComponentToken(NamedTuple):
    """A token of a component; instants. It never ends if `expires` is None."""

    name: str
    token_hash: bytes
    created: int
    expires: int | None


def list_of(connection: Connection, component: int) -> list[ComponentToken]:
    """Lists the named tokens of a component in the order in which they were added; they are few."""
    return [ComponentToken(*row) for row in connection.execute(LIST, (component,))]


def save(connection: Connection, component: int, token: ComponentToken) -> None:
    """Stores a token; replaces one of the same name, which stops working when the transaction commits."""
    connection.execute(SAVE, (component, *token))


def delete(connection: Connection, component: int, name: str) -> None:
    """Deletes a token: it stops working when the transaction commits."""
    connection.execute(DELETE, (component, name))


def delete_ended(connection: Connection, component: int, now: int) -> None:
    """Deletes the tokens of a component that have expired."""
    connection.execute(DELETE_ENDED, (component, now))


def replace_all(connection: Connection, component: int, tokens: Iterable[ComponentToken]) -> None:
    """Gives a component these named tokens in place of those that it has."""
    connection.execute(DELETE_ALL, (component,))
    for token in tokens:
        save(connection, component, token)
