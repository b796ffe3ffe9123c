"""Sessions of logins on web pages, and the browsers that users have logged in from."""

from collections.abc import Mapping
from typing import NamedTuple

from astakos.directory.entities import User
from astakos.storage.protocol import Connection
from astakos.storage.tables import clock_records, users
from astakos.storage.texts import is_storable

MOST_SESSIONS = 100
"""How many sessions a user can have at once; a new one replaces the oldest."""
MOST_BROWSERS = 50
"""How many browsers of a user are known; a new one replaces the oldest."""
LONGEST_AGENT = 300
"""How much of a browser's own name is kept."""
MOST_DELETED = 1000
"""How many rows are deleted at a time, so that other writers do not wait long."""

EXPIRE_SESSIONS = """
DELETE FROM sessions WHERE id IN (SELECT id FROM sessions WHERE expires < ? ORDER BY expires LIMIT ?)
"""
ADD_SESSION = """
INSERT INTO sessions (secret_hash, token_hash, user_id, created, expires, origin, agent, last_used)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
REPLACE_SESSIONS = """
DELETE FROM sessions WHERE id IN (
    SELECT id FROM sessions WHERE user_id = ? ORDER BY created DESC, id DESC LIMIT ? OFFSET ?
)
"""
FIND_SESSION = """
SELECT u.uuid, s.expires, s.id FROM sessions s JOIN users u ON u.id = s.user_id
WHERE s.secret_hash = ? AND s.expires >= ?
"""
FIND_BY_TOKEN = """
SELECT u.uuid, s.created, s.expires FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = ?
"""
END_SESSION = "DELETE FROM sessions WHERE secret_hash = ?"
LIST_OF_USER = """
SELECT id, created, expires, last_used, origin, agent, secret_hash FROM sessions
WHERE user_id = ? AND expires >= ? ORDER BY created DESC, id DESC
"""
END_OF_USER = "DELETE FROM sessions WHERE user_id = ? AND id = ? RETURNING id"
END_ALL_OF_USER = "DELETE FROM sessions WHERE user_id = ? AND secret_hash <> ? RETURNING id"
NOTE_USE = "UPDATE sessions SET last_used = ? WHERE id = ? AND (last_used IS NULL OR last_used < ?)"
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


class FoundSession(NamedTuple):
    """The session of a browser: its user, when it expires, and its id."""

    user: User
    expires: int
    id: int


class StoredSession(NamedTuple):
    """A session as its user and administrators see it.

    Attributes:
        id: its id.
        created: when the user has logged in.
        expires: when it ends.
        last_used: when the user has opened a page in it last, to the minute; None if nobody knows.
        origin: the address that they logged in from; None if nobody knows.
        agent: how the browser calls itself; None if nobody knows.
        secret_hash: tells the session that asks from the others.
    """

    id: int
    created: int
    expires: int
    last_used: int | None
    origin: str | None
    agent: str | None
    secret_hash: bytes


def begin(
    connection: Connection,
    user: int,
    secret_hash: bytes,
    token_hash: bytes,
    now: int,
    expires: int,
    *,
    origin: str | None = None,
    agent: str | None = None,
) -> None:
    """Stores a new session of a user with the hashes of its secret and its token; deletes expired sessions.

    Args:
        connection: a connection in a transaction.
        user: the id of the user.
        secret_hash: the hash of its secret.
        token_hash: the hash of its token.
        now: the current instant.
        expires: when it ends.
        origin: the address that the user logs in from.
        agent: how the browser calls itself, in a text that can be stored.
    """
    if not clock_records.is_held(connection):
        connection.execute(EXPIRE_SESSIONS, (now, MOST_DELETED))
    connection.execute(REPLACE_SESSIONS, (user, MOST_DELETED, MOST_SESSIONS - 1))
    known = (None if agent is None else agent[:LONGEST_AGENT], now)
    connection.execute(ADD_SESSION, (secret_hash, token_hash, user, now, expires, origin, *known))


def list_of_user(connection: Connection, user: int, now: int) -> list[StoredSession]:
    """Lists the sessions of a user that have not expired, the newest first; their number is bounded."""
    rows = connection.execute(LIST_OF_USER, (user, now))
    return [StoredSession(*row) for row in rows]


def end_of_user(connection: Connection, user: int, identifier: int) -> bool:
    """Ends one session of a user; returns whether there was such a session."""
    return connection.execute(END_OF_USER, (user, identifier)).fetchone() is not None


def end_all_of_user(connection: Connection, user: int, *, but: bytes = b"") -> int:
    """Ends all sessions of a user but the one whose secret has this hash; returns their number."""
    return len(connection.execute(END_ALL_OF_USER, (user, but)).fetchall())


def note_uses(connection: Connection, uses: Mapping[int, int]) -> None:
    """Notes when sessions were used last, by their ids; those that have ended are passed over.

    A session that has the id of an ended one keeps its own time, which is later.
    """
    connection.executemany(NOTE_USE, [(used, identifier, used) for identifier, used in sorted(uses.items())])


def find(connection: Connection, secret_hash: bytes, now: int) -> FoundSession | None:
    """Finds the session with a secret; None if it does not exist or has expired."""
    row = connection.execute(FIND_SESSION, (secret_hash, now)).fetchone()
    if row is None:
        return None
    user = users.find_by_uuid(connection, row[0])
    return None if user is None else FoundSession(user, *row[1:])


def find_holder(connection: Connection, token_hash: bytes) -> User | None:
    """Finds the user by the hash of a token: their own, a temporary one, or a session's."""
    return users.find_by_token(connection, token_hash) or find_user_by_token(connection, token_hash)


def find_user_by_token(connection: Connection, token_hash: bytes) -> User | None:
    """Finds the user by the hash of a session's token; the result has the times of that token."""
    row = connection.execute(FIND_BY_TOKEN, (token_hash,)).fetchone()
    if row is None:
        return None
    uuid, created, expires = row
    user = users.find_by_uuid(connection, uuid)
    return None if user is None else user.with_token(created, expires)


def end(connection: Connection, secret_hash: bytes) -> None:
    """Ends a session; its token stops working."""
    connection.execute(END_SESSION, (secret_hash,))


def remember_browser(
    connection: Connection, user: int, secret_hash: bytes, now: int, expires: int, before: bytes = b""
) -> None:
    """Records that a user has logged in from a browser; deletes expired records.

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
