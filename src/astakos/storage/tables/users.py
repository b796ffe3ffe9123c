"""Users, their groups, and their tokens."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from astakos.directory.entities import Group, User
from astakos.storage.protocol import Connection
from astakos.storage.texts import is_storable

PERSON = """
id, uuid, username, email, first_name, last_name, is_active, email_verified, moderated, is_rejected,
has_signed_terms, default_project
"""
COLUMNS = f"{PERSON}, token_created, token_expires"
FIND_BY_TOKEN = f"SELECT {COLUMNS} FROM users WHERE token_hash = ?"
FIND_BY_TEMPORARY_TOKEN = f"""
SELECT {PERSON}, t.created, t.expires FROM temporary_tokens t JOIN users u ON u.id = t.user_id
WHERE t.token_hash = ?
"""
FIND_BY_UUID = f"SELECT {COLUMNS} FROM users WHERE uuid = ?"
FIND_BY_USERNAME = f"SELECT {COLUMNS} FROM users WHERE username = ?"
LIST = f"SELECT {COLUMNS} FROM users ORDER BY id"
LOOKED_UP_AT_ONCE = 16
"""How many names or uuids one statement looks up; each statement costs as much as several lookups."""
PLACES = ", ".join("?" * LOOKED_UP_AT_ONCE)
FIND_NAMES = f"SELECT uuid, username FROM users WHERE uuid IN ({PLACES})"
FIND_UUIDS = f"SELECT username, uuid FROM users WHERE username IN ({PLACES})"
LIST_NAMES = "SELECT uuid, username FROM users ORDER BY id"
SAVE = """
INSERT INTO users (uuid, username, email, first_name, last_name, is_active, email_verified, moderated,
                   is_rejected, has_signed_terms, default_project)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (uuid) DO UPDATE SET
    username = excluded.username, email = excluded.email, first_name = excluded.first_name,
    last_name = excluded.last_name, is_active = excluded.is_active, email_verified = excluded.email_verified,
    moderated = excluded.moderated, is_rejected = excluded.is_rejected,
    has_signed_terms = excluded.has_signed_terms, default_project = excluded.default_project
RETURNING id
"""
SET_TOKEN = "UPDATE users SET token_hash = ?, token_created = ?, token_expires = ? WHERE uuid = ?"
SET_TOKEN_TIMES = "UPDATE users SET token_created = ?, token_expires = ? WHERE uuid = ?"
FIND_TOKEN_HASH = "SELECT token_hash FROM users WHERE uuid = ?"
SIGN_TERMS = "UPDATE users SET has_signed_terms = ? WHERE id = ?"
SET_PASSWORD = "UPDATE users SET password_hash = ? WHERE uuid = ?"
SET_DEFAULT_PROJECT = "UPDATE users SET default_project = ? WHERE uuid = ?"
FIND_PASSWORD = "SELECT password_hash FROM users WHERE uuid = ?"
END_TOKEN = "UPDATE users SET token_hash = NULL, token_created = NULL, token_expires = NULL WHERE uuid = ?"
END_TEMPORARY_TOKENS = """
DELETE FROM temporary_tokens WHERE user_id = (SELECT id FROM users WHERE uuid = ?)
"""
END_SESSIONS = "DELETE FROM sessions WHERE user_id = (SELECT id FROM users WHERE uuid = ?)"
END_ACCESS_TOKENS = "DELETE FROM oauth2_tokens WHERE user_id = (SELECT id FROM users WHERE uuid = ?)"
END_CODES = "DELETE FROM oauth2_codes WHERE user_id = (SELECT id FROM users WHERE uuid = ?)"
FORGET_BROWSERS = "DELETE FROM known_browsers WHERE user_id = (SELECT id FROM users WHERE uuid = ?)"
END_LINKS = "DELETE FROM password_links WHERE user_id = (SELECT id FROM users WHERE uuid = ?)"
END_KEYS = "DELETE FROM api_keys WHERE user_id = (SELECT id FROM users WHERE uuid = ?)"
END_EVERYTHING = (END_TOKEN, END_TEMPORARY_TOKENS, END_SESSIONS, END_ACCESS_TOKENS, END_CODES)
LIST_GROUPS_OF = """
SELECT g.id, g.name FROM groups g JOIN user_groups u ON u.group_id = g.id WHERE u.user_id = ? ORDER BY g.id
"""
REFERRING = (
    "user_groups",
    "memberships",
    "project_applications",
    "oauth2_tokens",
    "feedback",
    "user_records",
    "deactivations",
    "temporary_tokens",
    "oauth2_codes",
    "sessions",
    "known_browsers",
    "api_keys",
    "password_links",
)
"""The tables that refer to users."""
DELETE = "DELETE FROM users WHERE id = ?"
GIVE_UP_PLACES = """
UPDATE member_counts SET members = members - 1 WHERE project_id IN (
    SELECT project_id FROM memberships
    WHERE user_id = ? AND state IN ('accepted', 'leave_requested', 'suspended')
)
"""
DELETE_REFERENCES = tuple(f"DELETE FROM {table} WHERE user_id = ?" for table in REFERRING)
ADD_GROUP = "INSERT INTO groups (name) VALUES (?) ON CONFLICT (name) DO NOTHING"
LIST_GROUPS = "SELECT name FROM groups ORDER BY id"
LEAVE_GROUPS = "DELETE FROM user_groups WHERE user_id = ?"
JOIN_GROUP = """
INSERT INTO user_groups (user_id, group_id) SELECT ?, id FROM groups WHERE name = ?
"""


def read_user(row: tuple[Any, ...]) -> User:
    """Reads the columns of `PERSON`, then when the token was created and when it expires."""
    flags = [bool(flag) for flag in row[6:11]]
    return User(*row[:6], *flags, *row[11:])


def _find(connection: Connection, statement: str, key: str | bytes) -> User | None:
    if isinstance(key, str) and not is_storable(key):
        return None
    row = connection.execute(statement, (key,)).fetchone()
    return None if row is None else read_user(row)


def find_by_token(connection: Connection, token_hash: bytes) -> User | None:
    """Finds a user by the hash of their own or a temporary token; the result has the times of that token."""
    return _find(connection, FIND_BY_TOKEN, token_hash) or _find(
        connection, FIND_BY_TEMPORARY_TOKEN, token_hash
    )


def find_by_uuid(connection: Connection, uuid: str) -> User | None:
    """Finds a user by uuid."""
    return _find(connection, FIND_BY_UUID, uuid)


def find_by_username(connection: Connection, username: str) -> User | None:
    """Finds a user by username, ignoring case."""
    return _find(connection, FIND_BY_USERNAME, username.lower())


def list_users(connection: Connection) -> Iterator[User]:
    """Lists all users in the order in which they were added."""
    return map(read_user, connection.execute(LIST))


def names_of(connection: Connection, uuids: Iterable[str]) -> dict[str, str]:
    """Maps uuids to usernames; omits unknown ones."""
    return _translate(connection, FIND_NAMES, uuids)


def uuids_of(connection: Connection, usernames: Iterable[str]) -> dict[str, str]:
    """Maps lowercase usernames to uuids; omits unknown ones."""
    return _translate(connection, FIND_UUIDS, usernames)


def _translate(connection: Connection, statement: str, texts: Iterable[str]) -> dict[str, str]:
    wanted = list(dict.fromkeys(filter(is_storable, texts)))
    found: dict[str, str] = {}
    for start in range(0, len(wanted), LOOKED_UP_AT_ONCE):
        group = wanted[start : start + LOOKED_UP_AT_ONCE]
        repeated = group[-1:] * (LOOKED_UP_AT_ONCE - len(group))
        found.update(connection.execute(statement, group + repeated))
    return {text: found[text] for text in wanted if text in found}


def all_names(connection: Connection) -> dict[str, str]:
    """Maps the uuid of every user to the username."""
    return dict(connection.execute(LIST_NAMES))


def save(connection: Connection, user: User) -> int:
    """Stores a user without their token; replaces one with the same uuid. Returns the id.

    A user who is not active has no tokens, keys and links to set a password: those that they had end, and do
    not come back on activation.
    """
    row = connection.execute(
        SAVE,
        (
            user.uuid,
            user.username,
            user.email,
            user.first_name,
            user.last_name,
            user.is_active,
            user.email_verified,
            user.moderated,
            user.is_rejected,
            user.has_signed_terms,
            user.default_project,
        ),
    ).fetchone()
    if not user.is_active:
        end_tokens(connection, user.uuid)
        end_keys(connection, user.uuid)
        connection.execute(END_LINKS, (user.uuid,))
    return int(row[0])


def set_token(
    connection: Connection, uuid: str, token_hash: bytes, created: int, expires: int | None
) -> None:
    """Sets a user's own token, in place of all tokens that they had."""
    end_tokens(connection, uuid)
    connection.execute(SET_TOKEN, (token_hash, created, expires, uuid))


def set_token_times(connection: Connection, uuid: str, created: int, expires: int | None) -> None:
    """Sets when a user's token was created and when it expires."""
    connection.execute(SET_TOKEN_TIMES, (created, expires, uuid))


def end_tokens(connection: Connection, uuid: str) -> None:
    """Ends everything with which anybody can act as a user, except keys: their own token, their temporary
    tokens, their sessions, and the codes and access tokens of OAuth2 clients.
    """
    for statement in END_EVERYTHING:
        connection.execute(statement, (uuid,))


def end_keys(connection: Connection, uuid: str) -> None:
    """Ends all keys of a user."""
    connection.execute(END_KEYS, (uuid,))


def find_token_hash(connection: Connection, uuid: str) -> bytes | None:
    """Returns the hash of a user's token, if they have one."""
    row = connection.execute(FIND_TOKEN_HASH, (uuid,)).fetchone()
    return None if row is None else row[0]


def sign_terms(connection: Connection, user: int) -> None:
    """Records that a user has signed the current terms of service."""
    connection.execute(SIGN_TERMS, (True, user))


def set_password_hash(
    connection: Connection,
    uuid: str,
    password_hash: str,
    *,
    keep_tokens: bool = False,
    keep_keys: bool = False,
) -> None:
    """Sets a user's password, ends all links to set one, and forgets the browsers that logged in before.

    Unless `keep_tokens`, ends all their tokens, and unless `keep_keys`, all their keys: whoever knew the old
    password may hold one.
    """
    connection.execute(SET_PASSWORD, (password_hash, uuid))
    connection.execute(FORGET_BROWSERS, (uuid,))
    connection.execute(END_LINKS, (uuid,))
    if not keep_tokens:
        end_tokens(connection, uuid)
    if not keep_keys:
        end_keys(connection, uuid)


def end_links(connection: Connection, uuid: str) -> None:
    """Ends all links with which a user could set a password or confirm an address."""
    connection.execute(END_LINKS, (uuid,))


def find_password_hash(connection: Connection, uuid: str) -> str | None:
    """Returns the hash of a user's password, if they have one."""
    row = connection.execute(FIND_PASSWORD, (uuid,)).fetchone()
    return None if row is None else row[0]


def set_default_project(connection: Connection, uuid: str, project: str) -> None:
    """Sets the project that a user draws from when a request names none."""
    connection.execute(SET_DEFAULT_PROJECT, (project, uuid))


def delete(connection: Connection, user: int) -> None:
    """Deletes a user who was never accepted and so never had a holding."""
    for statement in (GIVE_UP_PLACES, *DELETE_REFERENCES, DELETE):
        connection.execute(statement, (user,))


def groups_of(connection: Connection, user: int) -> list[Group]:
    """Lists the groups that a user belongs to."""
    return [Group(*row) for row in connection.execute(LIST_GROUPS_OF, (user,))]


def names_of_groups(connection: Connection, user: int) -> tuple[str, ...]:
    """Returns the names of the groups that a user belongs to."""
    return tuple(group.name for group in groups_of(connection, user))


def list_groups(connection: Connection) -> list[str]:
    """Lists the names of all groups in the order in which they were added."""
    return [name for (name,) in connection.execute(LIST_GROUPS)]


def add_groups(connection: Connection, names: Iterable[str]) -> None:
    """Creates the groups that do not exist yet."""
    connection.executemany(ADD_GROUP, ((name,) for name in names))


def set_groups(connection: Connection, user: int, names: Collection[str]) -> None:
    """Makes a user a member of exactly these existing groups."""
    connection.execute(LEAVE_GROUPS, (user,))
    connection.executemany(JOIN_GROUP, ((user, name) for name in names))
