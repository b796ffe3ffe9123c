"""Temporary tokens: valid for at most an hour, and independent of the user's own token."""

from typing import NamedTuple

from astakos.storage.protocol import Connection

MOST_OF_A_USER = 100
"""How many a user can have at once; a new one replaces the oldest."""
MOST_FORGOTTEN = 1000
"""How many expired tokens are deleted at a time, so that other writers do not wait long."""

ADD = """
INSERT INTO temporary_tokens (token_hash, user_id, project, method, created, expires)
VALUES (?, ?, ?, ?, ?, ?)
"""
FIND = (
    "SELECT token_hash, user_id, project, method, created, expires FROM temporary_tokens WHERE token_hash = ?"
)
REVOKE = "DELETE FROM temporary_tokens WHERE token_hash = ? RETURNING user_id"
FORGET_EXPIRED = """
DELETE FROM temporary_tokens WHERE token_hash IN (
    SELECT token_hash FROM temporary_tokens WHERE expires < ? ORDER BY expires LIMIT ?
)
"""
COUNT_OF_USER = "SELECT count(*) FROM temporary_tokens WHERE user_id = ?"
FORGET_OLDEST = """
DELETE FROM temporary_tokens WHERE token_hash IN (
    SELECT token_hash FROM temporary_tokens WHERE user_id = ? ORDER BY created, token_hash LIMIT ?
)
"""
STILL_HAS_PASSWORD = "SELECT id FROM users WHERE id = ? AND password_hash = ? AND is_active"
STILL_HAS_TOKEN = "SELECT id FROM users WHERE id = ? AND token_hash = ? AND is_active"
STILL_HAS_TEMPORARY_TOKEN = """
SELECT u.id FROM temporary_tokens t JOIN users u ON u.id = t.user_id
WHERE u.id = ? AND t.token_hash = ? AND u.is_active
"""

STILL_HAS_SESSION = """
SELECT u.id FROM sessions s JOIN users u ON u.id = s.user_id
WHERE u.id = ? AND s.token_hash = ? AND u.is_active
"""


class TemporaryToken(NamedTuple):
    """A token that a user has besides their own.

    Attributes:
        token_hash: the hash of the token; the token itself is not stored.
        user: the id of the user.
        project: the uuid of the project that the token is scoped to, if there is one.
        method: how the user authenticated to get it: `password` or `token`.
        created: instant.
        expires: instant.
    """

    token_hash: bytes
    user: int
    project: str | None
    method: str
    created: int
    expires: int


def add(connection: Connection, token: TemporaryToken, proof: str | bytes) -> bool:
    """Store a temporary token if its proof is still valid; delete expired ones.

    A password or token can change while it is being checked. So that no temporary token outlives it, this
    function checks it again in the transaction.

    Args:
        connection: a connection in a transaction.
        token: the token to store.
        proof: the stored hash of the user's password (a str) or of the token they presented (bytes).

    Returns:
        Whether the token was stored; if not, the proof is no longer valid.
    """
    if not _is_good(connection, token.user, proof):
        return False
    connection.execute(FORGET_EXPIRED, (token.created, MOST_FORGOTTEN))
    (count,) = connection.execute(COUNT_OF_USER, (token.user,)).fetchone()
    if count >= MOST_OF_A_USER:
        connection.execute(FORGET_OLDEST, (token.user, count - MOST_OF_A_USER + 1))
    connection.execute(ADD, token)
    return True


def _is_good(connection: Connection, user: int, proof: str | bytes) -> bool:
    statements = (
        (STILL_HAS_PASSWORD,)
        if isinstance(proof, str)
        else (STILL_HAS_TOKEN, STILL_HAS_TEMPORARY_TOKEN, STILL_HAS_SESSION)
    )
    return any(
        connection.execute(statement, (user, proof)).fetchone() is not None for statement in statements
    )


def find(connection: Connection, token_hash: bytes) -> TemporaryToken | None:
    """Find a token by its hash, even if it has expired but is not deleted yet."""
    row = connection.execute(FIND, (token_hash,)).fetchone()
    return None if row is None else TemporaryToken(*row)


def revoke(connection: Connection, token_hash: bytes) -> bool:
    """Revoke a token; return false if there is none with that hash."""
    return connection.execute(REVOKE, (token_hash,)).fetchone() is not None
