"""Further tokens of users, for an hour each at most, which leave the token alone that they have."""

from typing import NamedTuple

from astakos.storage.protocol import Connection

MOST_OF_A_USER = 100
"""How many a user can have at once; one more takes the place of the oldest."""
MOST_FORGOTTEN = 1000
"""How many that have expired are forgotten at a time, so that others need not wait for long."""

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
        token_hash: what is known of it.
        user: the id of the user.
        project: the uuid of the project that it is for; None if for none.
        method: what it was given for: `password` or `token`.
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
    """Give a user one more token, if what they have shown for it is still good.

    A password that is changed, or a token that is replaced, while it is being checked must not leave behind a
    token that outlives it; so it is looked at once more in the transaction.

    Args:
        connection: has a transaction under way.
        token: the token.
        proof: the stored hash of their password (a text) or of their token (bytes).

    Returns:
        Whether it is given; if not, the proof is good no more.
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
    """The token of that hash, also if it has expired and was not forgotten yet."""
    row = connection.execute(FIND, (token_hash,)).fetchone()
    return None if row is None else TemporaryToken(*row)


def revoke(connection: Connection, token_hash: bytes) -> bool:
    """Let a token count no more; false if there is none of that hash."""
    return connection.execute(REVOKE, (token_hash,)).fetchone() is not None
