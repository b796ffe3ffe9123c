"""Sessions of logins on web pages, and the browsers that users have logged in from."""

from astakos.directory.entities import User
from astakos.storage.protocol import Connection
from astakos.storage.tables import clock_records, users
from astakos.storage.texts import is_storable

MOST_SESSIONS = 100
"""How many sessions a user can have at once; a new one replaces the oldest."""
MOST_BROWSERS = 50
"""How many browsers of a user are known; a new one replaces the oldest."""
MOST_DELETED = 1000
"""How many rows are deleted at a time, so that other writers do not wait long."""

EXPIRE_SESSIONS = """
DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires < ? ORDER BY expires LIMIT ?)
"""
ADD_SESSION = """
INSERT INTO sessions (secret_hash, token_hash, user_id, created, expires) VALUES (?, ?, ?, ?, ?)
"""
REPLACE_SESSIONS = """
DELETE FROM sessions WHERE id IN (
    SELECT id FROM sessions WHERE user_id = ? ORDER BY created DESC, id DESC LIMIT ? OFFSET ?
)
"""
FIND_SESSION = """
SELECT u.uuid, s.expires FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.secret_hash = ? AND s.expires >= ?
"""
FIND_BY_TOKEN = """
SELECT u.uuid, s.created, s.expires FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = ?
"""
END_SESSION = "DELETE FROM sessions WHERE secret_hash = ?"
EXPIRE_BROWSERS = """
DELETE FROM known_browsers WHERE id IN (
    SELECT id FROM known_browsers WHERE expires < ? ORDER BY expires LIMIT ?
)
"""
REMEMBER_BROWSER = "INSERT INTO known_browsers (secret_hash, user_id, expires) VALUES (?, ?, ?)"
KNOWS_BROWSER = """
SELECT 1 FROM known_browsers b JOIN users u ON u.id = b.user_id
WHERE b.secret_hash = ? AND u.username = ? AND b.expires >= ?
"""
FORGET_BROWSER = "DELETE FROM known_browsers WHERE secret_hash = ?"
REPLACE_BROWSERS = """
DELETE FROM known_browsers WHERE id IN (
    SELECT id FROM known_browsers WHERE user_id = ? ORDER BY expires DESC, id DESC LIMIT ? OFFSET ?
)
"""


def begin(
    connection: Connection, user: int, secret_hash: bytes, token_hash: bytes, now: int, expires: int
) -> None:
    """Store a new session of a user with the hashes of its secret and its token; delete expired sessions."""
    if not clock_records.is_held(connection):
        connection.execute(EXPIRE_SESSIONS, (now, MOST_DELETED))
    connection.execute(REPLACE_SESSIONS, (user, MOST_DELETED, MOST_SESSIONS - 1))
    connection.execute(ADD_SESSION, (secret_hash, token_hash, user, now, expires))


def find(connection: Connection, secret_hash: bytes, now: int) -> tuple[User, int] | None:
    """Find the user of a session and when it expires; None if it does not exist or has expired."""
    row = connection.execute(FIND_SESSION, (secret_hash, now)).fetchone()
    if row is None:
        return None
    user = users.find_by_uuid(connection, row[0])
    return None if user is None else (user, row[1])


def find_holder(connection: Connection, token_hash: bytes) -> User | None:
    """Find the user by the hash of a token: their own, a temporary one, or a session's."""
    return users.find_by_token(connection, token_hash) or find_user_by_token(connection, token_hash)


def find_user_by_token(connection: Connection, token_hash: bytes) -> User | None:
    """Find the user by the hash of a session's token; the result has the times of that token."""
    row = connection.execute(FIND_BY_TOKEN, (token_hash,)).fetchone()
    if row is None:
        return None
    uuid, created, expires = row
    user = users.find_by_uuid(connection, uuid)
    return None if user is None else user.with_token(created, expires)


def end(connection: Connection, secret_hash: bytes) -> None:
    """End a session; its token stops working."""
    connection.execute(END_SESSION, (secret_hash,))


def remember_browser(
    connection: Connection, user: int, secret_hash: bytes, now: int, expires: int, before: bytes = b""
) -> None:
    """Record that a user has logged in from a browser; delete expired records.

    Args:
        connection: a connection in a transaction.
        user: the id of the user.
        secret_hash: the hash of the browser's new secret.
        now: the current instant.
        expires: the instant when the browser is forgotten.
        before: the hash of the secret that the new one replaces in the browser.
    """
    if not clock_records.is_held(connection):
        connection.execute(EXPIRE_BROWSERS, (now, MOST_DELETED))
    connection.execute(FORGET_BROWSER, (before,))
    connection.execute(REPLACE_BROWSERS, (user, MOST_DELETED, MOST_BROWSERS - 1))
    connection.execute(REMEMBER_BROWSER, (secret_hash, user, expires))


def knows_browser(connection: Connection, secret_hash: bytes, username: str, now: int) -> bool:
    """Whether the user with that name has logged in from a browser before."""
    if not is_storable(username):
        return False
    return connection.execute(KNOWS_BROWSER, (secret_hash, username, now)).fetchone() is not None
