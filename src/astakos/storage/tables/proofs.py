"""Checks what a caller has proven again, in the transaction that issues something for it.

A password, token or session can end after it was checked. What is then issued for it would outlive it, and
so survive what was done to lock an intruder out. Changes of the directory run one at a time
(`Database.change`), so nothing can end between this check and the commit.
"""

from typing import NamedTuple

from astakos.storage.protocol import Connection

# All of these take the id of the user first, and require that the user is active.
HAS_PASSWORD = "SELECT NULL FROM users WHERE id = ? AND password_hash = ? AND is_active"
HAS_OWN_TOKEN = "SELECT NULL FROM users WHERE id = ? AND token_hash = ? AND is_active"
HAS_TEMPORARY_TOKEN = """
SELECT t.session_id FROM temporary_tokens t JOIN users u ON u.id = t.user_id
WHERE u.id = ? AND t.token_hash = ? AND u.is_active
"""
HAS_SESSION_TOKEN = """
SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id
WHERE u.id = ? AND s.token_hash = ? AND u.is_active
"""
HAS_SESSION = """
SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id
WHERE u.id = ? AND s.secret_hash = ? AND u.is_active
"""


class PasswordProof(NamedTuple):
    """The caller knows the password whose stored hash this is."""

    password_hash: str


class TokenProof(NamedTuple):
    """The caller holds a token of the user: their own, a temporary one, or that of a session."""

    token_hash: bytes


class SessionProof(NamedTuple):
    """The caller holds the secret of a session."""

    secret_hash: bytes


Proof = PasswordProof | TokenProof | SessionProof


class Origin(NamedTuple):
    """What a credential is issued for, and ends with.

    The user's password and own token are not named: when they change, everything of the user ends.

    Attributes:
        session: the id of the session that the proof belongs to, directly or through temporary tokens.
        token: the hash of the temporary token that was the proof.
    """

    session: int | None = None
    token: bytes | None = None


def find_origin(connection: Connection, user: int, proof: Proof) -> Origin | None:
    """Returns the origin of what is issued to a user for a proof; None if the proof is no longer valid."""
    match proof:
        case PasswordProof(password_hash):
            return None if _find(connection, HAS_PASSWORD, user, password_hash) is None else Origin()
        case SessionProof(secret_hash):
            found = _find(connection, HAS_SESSION, user, secret_hash)
            return None if found is None else Origin(session=found[0])
        case TokenProof(token_hash):
            return _find_origin_by_token(connection, user, token_hash)


def _find_origin_by_token(connection: Connection, user: int, token_hash: bytes) -> Origin | None:
    # A session that was begun by renewing the user's own token shares it; that token outlives the session.
    if _find(connection, HAS_OWN_TOKEN, user, token_hash) is not None:
        return Origin()
    found = _find(connection, HAS_TEMPORARY_TOKEN, user, token_hash)
    if found is not None:
        return Origin(session=found[0], token=token_hash)
    found = _find(connection, HAS_SESSION_TOKEN, user, token_hash)
    return None if found is None else Origin(session=found[0])


def _find(
    connection: Connection, statement: str, user: int, proof: str | bytes
) -> tuple[int | None, ...] | None:
    found: tuple[int | None, ...] | None = connection.execute(statement, (user, proof)).fetchone()
    return found
