"""OAuth2 clients and access tokens."""

import json
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from astakos.storage.database import Connection

SAVE_CLIENT = """
INSERT INTO oauth2_clients (identifier, name, secret_hash, type, trusted, url, redirect_urls)
VALUES (?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (identifier) DO UPDATE SET
    name = excluded.name, secret_hash = excluded.secret_hash, type = excluded.type,
    trusted = excluded.trusted, url = excluded.url, redirect_urls = excluded.redirect_urls
"""
LIST_CLIENTS = """
SELECT identifier, name, secret_hash, type, trusted, url, redirect_urls FROM oauth2_clients ORDER BY id
"""
SAVE_TOKEN = """
INSERT INTO oauth2_tokens (token_hash, client_id, user_id, scope, expires)
SELECT ?, c.id, u.id, ?, ? FROM oauth2_clients c, users u WHERE c.identifier = ? AND u.uuid = ?
ON CONFLICT (token_hash) DO UPDATE SET
    client_id = excluded.client_id, user_id = excluded.user_id, scope = excluded.scope,
    expires = excluded.expires
"""
FIND_TOKEN = """
SELECT t.token_hash, c.identifier, u.uuid, t.scope, t.expires
FROM oauth2_tokens t JOIN oauth2_clients c ON c.id = t.client_id JOIN users u ON u.id = t.user_id
WHERE t.token_hash = ?
"""
DELETE_EXPIRED_TOKEN = "DELETE FROM oauth2_tokens WHERE token_hash = ? AND expires < ?"
DELETE_TOKENS_OF = "DELETE FROM oauth2_tokens WHERE user_id = ?"
LIST_TOKENS = """
SELECT t.token_hash, c.identifier, u.uuid, t.scope, t.expires
FROM oauth2_tokens t JOIN oauth2_clients c ON c.id = t.client_id JOIN users u ON u.id = t.user_id
ORDER BY t.id
"""


class Client(NamedTuple):
    """A program that users may let act for them."""

    identifier: str
    name: str
    secret_hash: bytes | None
    type: str
    trusted: bool
    url: str | None
    redirect_urls: Sequence[str]


class AccessToken(NamedTuple):
    """A short-lived token that a client got for a user."""

    token_hash: bytes
    client: str
    user: str
    scope: str | None
    expires: int


def save_client(connection: Connection, client: Client) -> None:
    """Store a client, new or over the one with the same identifier."""
    connection.execute(SAVE_CLIENT, (*client[:6], json.dumps(list(client.redirect_urls))))


def list_clients(connection: Connection) -> Iterator[Client]:
    """All clients."""
    for identifier, name, secret_hash, kind, trusted, url, redirect_urls in connection.execute(LIST_CLIENTS):
        yield Client(identifier, name, secret_hash, kind, bool(trusted), url, json.loads(redirect_urls))


def save_token(connection: Connection, token: AccessToken) -> None:
    """Store an access token of an existing client for an existing user."""
    connection.execute(SAVE_TOKEN, (token.token_hash, token.scope, token.expires, token.client, token.user))


def find_token(connection: Connection, token_hash: bytes) -> AccessToken | None:
    """The access token that has that hash."""
    row = connection.execute(FIND_TOKEN, (token_hash,)).fetchone()
    return None if row is None else AccessToken(*row)


def delete_expired_token(connection: Connection, token_hash: bytes, now: int) -> None:
    """Delete an access token if it has expired by now."""
    connection.execute(DELETE_EXPIRED_TOKEN, (token_hash, now))


def delete_tokens_of(connection: Connection, user: int) -> None:
    """Delete all access tokens that clients got for a user."""
    connection.execute(DELETE_TOKENS_OF, (user,))


def list_tokens(connection: Connection) -> Iterator[AccessToken]:
    """All access tokens."""
    return (AccessToken(*row) for row in connection.execute(LIST_TOKENS))
