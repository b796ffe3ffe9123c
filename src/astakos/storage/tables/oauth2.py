"""OAuth2 clients, authorization codes, and access tokens."""

import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from astakos.storage.protocol import Connection
from astakos.storage.tables import clock_records
from astakos.storage.texts import is_storable

MOST_DELETED = 1000
"""How many expired rows are deleted at a time, so that other writers do not wait long."""
MOST_CODES = 20
"""How many codes a session has at once; a new one replaces the oldest."""
MOST_TOKENS = 100
"""How many access tokens were issued in a session and are valid; a new one replaces the oldest."""

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
FIND_CLIENT = """
SELECT identifier, name, secret_hash, type, trusted, url, redirect_urls FROM oauth2_clients
WHERE identifier = ?
"""
SAVE_TOKEN = """
INSERT INTO oauth2_tokens (token_hash, client_id, user_id, scope, expires, session_id, code_hash)
SELECT ?, c.id, u.id, ?, ?, ?, ? FROM oauth2_clients c, users u WHERE c.identifier = ? AND u.uuid = ?
ON CONFLICT (token_hash) DO UPDATE SET
    client_id = excluded.client_id, user_id = excluded.user_id, scope = excluded.scope,
    expires = excluded.expires, session_id = excluded.session_id, code_hash = excluded.code_hash
"""
FIND_TOKEN = """
SELECT t.token_hash, c.identifier, u.uuid, t.scope, t.expires, t.session_id, t.code_hash
FROM oauth2_tokens t JOIN oauth2_clients c ON c.id = t.client_id JOIN users u ON u.id = t.user_id
WHERE t.token_hash = ?
"""
DELETE_TOKEN = "DELETE FROM oauth2_tokens WHERE token_hash = ?"
DELETE_EXPIRED_TOKEN = "DELETE FROM oauth2_tokens WHERE token_hash = ? AND expires < ?"
LIST_TOKENS = """
SELECT t.token_hash, c.identifier, u.uuid, t.scope, t.expires, t.session_id, t.code_hash
FROM oauth2_tokens t JOIN oauth2_clients c ON c.id = t.client_id JOIN users u ON u.id = t.user_id
ORDER BY t.id
"""

END_TOKENS_OF = "DELETE FROM oauth2_tokens WHERE user_id = ?"
EXPIRE_TOKENS = """
DELETE FROM oauth2_tokens WHERE id IN (
    SELECT id FROM oauth2_tokens WHERE expires < ? ORDER BY expires LIMIT ?
)
"""
EXPIRE_CODES = """
DELETE FROM oauth2_codes WHERE id IN (
    SELECT id FROM oauth2_codes WHERE expires < ? ORDER BY expires LIMIT ?
)
"""
REPLACE_CODES = """
DELETE FROM oauth2_codes WHERE id IN (
    SELECT id FROM oauth2_codes WHERE session_id = ? ORDER BY id DESC LIMIT ? OFFSET ?
)
"""
REPLACE_TOKENS = REPLACE_CODES.replace("oauth2_codes", "oauth2_tokens")
ADD_CODE = """
INSERT INTO oauth2_codes (code_hash, client_id, user_id, redirect_uri, scope, challenge, expires, session_id)
SELECT ?, c.id, u.id, ?, ?, ?, ?, ? FROM oauth2_clients c, users u WHERE c.identifier = ? AND u.uuid = ?
"""
FIND_CODE = """
SELECT o.code_hash, c.identifier, u.uuid, o.redirect_uri, o.scope, o.challenge, o.expires, o.session_id
FROM oauth2_codes o JOIN oauth2_clients c ON c.id = o.client_id JOIN users u ON u.id = o.user_id
WHERE o.code_hash = ?
"""
FIND_SESSION_EXPIRY = "SELECT expires FROM sessions WHERE id = ?"
USE_CODE = "DELETE FROM oauth2_codes WHERE code_hash = ?"
END_TOKENS_FOR_CODE = "DELETE FROM oauth2_tokens WHERE code_hash = ?"
END_CODES_OF = "DELETE FROM oauth2_codes WHERE user_id = ?"
# By session, because there is no index by user; those without a session come from documents, and are few.
SESSIONS_OF = "SELECT id FROM sessions WHERE user_id = ?"
LIST_ACTING_FOR = f"""
SELECT c.identifier, c.name, c.url, MAX(g.expires) FROM (
    SELECT client_id, expires FROM oauth2_tokens WHERE session_id IN ({SESSIONS_OF}) AND expires >= ?
    UNION ALL SELECT client_id, expires FROM oauth2_codes
        WHERE session_id IN ({SESSIONS_OF}) AND expires >= ?
    UNION ALL SELECT client_id, expires FROM oauth2_tokens
        WHERE session_id IS NULL AND user_id = ? AND expires >= ?
) g JOIN oauth2_clients c ON c.id = g.client_id
GROUP BY c.id, c.identifier, c.name, c.url ORDER BY c.name, c.identifier
"""
OF_CLIENT = "user_id = ? AND client_id = (SELECT id FROM oauth2_clients WHERE identifier = ?)"
END_TOKENS_OF_CLIENT = f"DELETE FROM oauth2_tokens WHERE {OF_CLIENT} RETURNING id"
END_CODES_OF_CLIENT = f"DELETE FROM oauth2_codes WHERE {OF_CLIENT} RETURNING id"


class Client(NamedTuple):
    """A program that users can authorize to act for them."""

    identifier: str
    name: str
    secret_hash: bytes | None
    type: str
    trusted: bool
    url: str | None
    redirect_urls: Sequence[str]


class AccessToken(NamedTuple):
    """A short-lived token with which a client acts for a user.

    Attributes:
        session: the id of the session that the token ends with; None if it was loaded from a document.
        code_hash: the hash of the code that the token was issued for, likewise.
    """

    token_hash: bytes
    client: str
    user: str
    scope: str | None
    expires: int
    session: int | None = None
    code_hash: bytes | None = None


class ActingClient(NamedTuple):
    """A client that can act for a user, and until when, unless it is authorized again."""

    identifier: str
    name: str
    url: str | None
    expires: int


class Code(NamedTuple):
    """An authorization code, which a client can exchange once for an access token.

    Attributes:
        challenge: the code challenge (PKCE, RFC 7636), if the client has sent one.
        session: the id of the session in which the user authorized the client; the code ends with it.
    """

    code_hash: bytes
    client: str
    user: str
    redirect_uri: str
    scope: str
    challenge: str | None
    expires: int
    session: int


def save_client(connection: Connection, client: Client) -> None:
    """Stores a client; replaces one with the same identifier."""
    connection.execute(SAVE_CLIENT, (*client[:6], json.dumps(list(client.redirect_urls))))


def list_clients(connection: Connection) -> Iterator[Client]:
    """Lists all clients in the order in which they were added."""
    return map(_client, connection.execute(LIST_CLIENTS))


def find_client(connection: Connection, identifier: str) -> Client | None:
    """Finds a client by its identifier."""
    if not is_storable(identifier):
        return None
    row = connection.execute(FIND_CLIENT, (identifier,)).fetchone()
    return None if row is None else _client(row)


def _client(row: tuple[Any, ...]) -> Client:
    identifier, name, secret_hash, kind, trusted, url, redirect_urls = row
    return Client(identifier, name, secret_hash, kind, bool(trusted), url, json.loads(redirect_urls))


def add_code(connection: Connection, code: Code, now: int) -> None:
    """Stores a new code of an existing client for an existing user; deletes expired and surplus ones."""
    if not clock_records.is_held(connection):
        connection.execute(EXPIRE_CODES, (now, MOST_DELETED))
    connection.execute(REPLACE_CODES, (code.session, MOST_DELETED, MOST_CODES - 1))
    connection.execute(
        ADD_CODE,
        (
            code.code_hash,
            code.redirect_uri,
            code.scope,
            code.challenge,
            code.expires,
            code.session,
            code.client,
            code.user,
        ),
    )


def find_code(connection: Connection, code_hash: bytes) -> Code | None:
    """Finds a code by its hash."""
    row = connection.execute(FIND_CODE, (code_hash,)).fetchone()
    return None if row is None else Code(*row)


def change_code(connection: Connection, code: Code, hashed: bytes, expires: int, now: int) -> AccessToken:
    """Exchanges a code for an access token: deletes the code, and expired and surplus tokens.

    Returns:
        The token. It expires at `expires`, or with the session.
    """
    (session_expires,) = connection.execute(FIND_SESSION_EXPIRY, (code.session,)).fetchone()
    token = AccessToken(
        hashed,
        code.client,
        code.user,
        code.scope,
        min(expires, session_expires),
        code.session,
        code.code_hash,
    )
    connection.execute(USE_CODE, (code.code_hash,))
    if not clock_records.is_held(connection):
        connection.execute(EXPIRE_TOKENS, (now, MOST_DELETED))
    connection.execute(REPLACE_TOKENS, (code.session, MOST_DELETED, MOST_TOKENS - 1))
    save_token(connection, token)
    return token


def end_issued_for(connection: Connection, code_hash: bytes) -> None:
    """Ends the access token that was issued for a code, because somebody has sent the code again."""
    connection.execute(END_TOKENS_FOR_CODE, (code_hash,))


def end_all_of(connection: Connection, user: int) -> None:
    """Revokes all access tokens and codes that clients have for a user."""
    connection.execute(END_TOKENS_OF, (user,))
    connection.execute(END_CODES_OF, (user,))


def list_acting_for(connection: Connection, user: int, now: int) -> list[ActingClient]:
    """Lists the clients that can act for a user now."""
    return [ActingClient(*row) for row in connection.execute(LIST_ACTING_FOR, (user, now) * 3)]


def end_those_of_client(connection: Connection, user: int, client: str) -> bool:
    """Revokes all access tokens and codes that a client has for a user; returns whether it had any."""
    if not is_storable(client):
        return False
    ended = [
        connection.execute(statement, (user, client)).fetchall()
        for statement in (END_TOKENS_OF_CLIENT, END_CODES_OF_CLIENT)
    ]
    return any(ended)


def save_token(connection: Connection, token: AccessToken) -> None:
    """Stores an access token of an existing client for an existing user."""
    connection.execute(
        SAVE_TOKEN,
        (
            token.token_hash,
            token.scope,
            token.expires,
            token.session,
            token.code_hash,
            token.client,
            token.user,
        ),
    )


def find_token(connection: Connection, token_hash: bytes) -> AccessToken | None:
    """Finds an access token by its hash."""
    row = connection.execute(FIND_TOKEN, (token_hash,)).fetchone()
    return None if row is None else AccessToken(*row)


def delete_token(connection: Connection, token_hash: bytes) -> None:
    """Deletes an access token: it stops working when the transaction commits."""
    connection.execute(DELETE_TOKEN, (token_hash,))


def delete_expired_token(connection: Connection, token_hash: bytes, now: int) -> None:
    """Deletes an access token if it has expired, and the clock is not in doubt."""
    if not clock_records.is_held(connection):
        connection.execute(DELETE_EXPIRED_TOKEN, (token_hash, now))


def list_tokens(connection: Connection) -> Iterator[AccessToken]:
    """Lists all access tokens in the order in which they were stored."""
    return (AccessToken(*row) for row in connection.execute(LIST_TOKENS))
