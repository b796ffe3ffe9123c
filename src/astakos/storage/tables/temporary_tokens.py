"""Temporary tokens: valid for at most an hour, and no longer than what they were issued for."""

from typing import NamedTuple

from astakos.storage.protocol import Connection
from astakos.storage.tables import clock_records
from astakos.storage.tables.proofs import Proof, find_origin

MOST_OF_A_USER = 100
"""How many a user can have at once; a new one replaces the oldest for which no other was issued."""
MOST_FORGOTTEN = 1000
"""How many expired tokens are deleted at a time, so that other writers do not wait long."""

ADD = """
INSERT INTO temporary_tokens (token_hash, user_id, project, method, created, expires, session_id, origin)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
FIND = (
    "SELECT token_hash, user_id, project, method, created, expires FROM temporary_tokens WHERE token_hash = ?"
)
REVOKE = """
WITH RECURSIVE ended (token_hash) AS (
    SELECT token_hash FROM temporary_tokens WHERE token_hash = ?
    UNION SELECT t.token_hash FROM temporary_tokens t JOIN ended e ON t.origin = e.token_hash
)
DELETE FROM temporary_tokens WHERE token_hash IN (SELECT token_hash FROM ended) RETURNING token_hash
"""
# A token never outlives the one that it was issued for, so this leaves none without its origin.
FORGET_EXPIRED = """
DELETE FROM temporary_tokens WHERE token_hash IN (
    SELECT token_hash FROM temporary_tokens WHERE expires < ? ORDER BY expires LIMIT ?
)
"""
COUNT_OF_USER = "SELECT count(*) FROM temporary_tokens WHERE user_id = ?"
FORGET_OLDEST = """
DELETE FROM temporary_tokens WHERE token_hash IN (
    SELECT token_hash FROM temporary_tokens t WHERE user_id = ? AND token_hash <> ?
    AND NOT EXISTS (SELECT 1 FROM temporary_tokens issued WHERE issued.origin = t.token_hash)
    ORDER BY created, token_hash LIMIT ?
) RETURNING token_hash
"""


class TooManyTokensError(Exception):
    """The user has as many temporary tokens as they can have, and each was issued for another one."""


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


def add(connection: Connection, token: TemporaryToken, proof: Proof) -> bool:
    """Stores a temporary token if its proof is still valid; deletes expired ones.

    Returns:
        Whether the token was stored; if not, the proof is no longer valid.

    Raises:
        TooManyTokensError: none of the user's tokens can be replaced.
    """
    origin = find_origin(connection, token.user, proof)
    if origin is None:
        return False
    if not clock_records.is_held(connection):
        connection.execute(FORGET_EXPIRED, (token.created, MOST_FORGOTTEN))
    _make_room(connection, token.user, origin.token or b"")
    connection.execute(ADD, (*token, *origin))
    return True


def _make_room(connection: Connection, user: int, kept: bytes) -> None:
    """Replaces the oldest tokens for which no other was issued; never the one with the hash `kept`."""
    (count,) = connection.execute(COUNT_OF_USER, (user,)).fetchone()
    surplus = count - MOST_OF_A_USER + 1
    if surplus > 0:
        replaced = connection.execute(FORGET_OLDEST, (user, kept, surplus)).fetchall()
        if len(replaced) < surplus:
            raise TooManyTokensError


def find(connection: Connection, token_hash: bytes) -> TemporaryToken | None:
    """Finds a token by its hash, even if it has expired but is not deleted yet."""
    row = connection.execute(FIND, (token_hash,)).fetchone()
    return None if row is None else TemporaryToken(*row)


def revoke(connection: Connection, token_hash: bytes) -> list[bytes]:
    """Revokes a token and all that were issued for it, at any depth. Returns their hashes; none if there is
    no such token.
    """
    return [ended for (ended,) in connection.execute(REVOKE, (token_hash,)).fetchall()]
