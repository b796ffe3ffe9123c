"""API keys of users, and the hashes of their secrets."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from astakos.directory.api_keys import ApiKey
from astakos.directory.entities import User
from astakos.storage.protocol import Connection
from astakos.storage.tables import clock_records, users
from astakos.storage.texts import is_storable

MOST_SECRETS = 5
"""How many secrets a key has at once: the newest, and others that have not ended since it was rotated."""
MOST_EXPIRED = 1000
"""How many expired keys are deleted at a time, so that other writers do not wait long."""

KEY = "k.id, k.prefix, k.name, k.project, k.limits, k.created, k.expires, k.last_used, k.creator"
COLUMNS_OF_KEY = KEY.count(",") + 1
PERSON = ", ".join(f"u.{column.strip()}" for column in users.PERSON.split(","))
FIND_HOLDER = f"""
SELECT {PERSON}, s.expires, {KEY}
FROM api_key_secrets s JOIN api_keys k ON k.id = s.key_id JOIN users u ON u.id = k.user_id
WHERE s.secret_hash = ?
"""
DRAWS = """
SELECT 1 FROM projects p JOIN memberships m ON m.project_id = p.id
WHERE p.uuid = ? AND m.user_id = ? AND p.state = 'active' AND m.state IN ('accepted', 'leave_requested')
"""
FIND = f"SELECT u.uuid, {KEY} FROM api_keys k JOIN users u ON u.id = k.user_id WHERE k.prefix = ?"
LIST_OF_USER = f"SELECT {KEY} FROM api_keys k WHERE k.user_id = ? ORDER BY k.id"
LIST = f"SELECT u.uuid, {KEY} FROM api_keys k JOIN users u ON u.id = k.user_id ORDER BY k.id"
LIST_PAGE = f"""
SELECT u.uuid, {KEY} FROM api_keys k JOIN users u ON u.id = k.user_id
WHERE k.id > ? ORDER BY k.id LIMIT ?
"""
LIST_PAGE_OF_USER = f"""
SELECT u.uuid, {KEY} FROM api_keys k JOIN users u ON u.id = k.user_id
WHERE k.user_id = ? AND k.id > ? ORDER BY k.id LIMIT ?
"""
COUNT_VALID = "SELECT COUNT(*) FROM api_keys WHERE user_id = ? AND (expires IS NULL OR expires >= ?)"
COUNT_OF_USER = "SELECT COUNT(*) FROM api_keys WHERE user_id = (SELECT id FROM users WHERE uuid = ?)"
ADD = """
INSERT INTO api_keys (user_id, prefix, name, project, limits, created, expires, last_used, creator)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) RETURNING id
"""
CHANGE = """
UPDATE api_keys SET name = ?, project = ?, limits = ?, created = ?, expires = ?, creator = ? WHERE id = ?
"""
DELETE = "DELETE FROM api_keys WHERE id = ?"
ADD_SECRET = "INSERT INTO api_key_secrets (secret_hash, key_id, created, expires) VALUES (?, ?, ?, ?)"
FIND_OWNER_OF_SECRET = """
SELECT k.prefix FROM api_key_secrets s JOIN api_keys k ON k.id = s.key_id WHERE s.secret_hash = ?
"""
LIST_SECRETS = """
SELECT secret_hash, created, expires FROM api_key_secrets WHERE key_id = ?
ORDER BY created DESC, secret_hash
"""
END_SECRETS = """
UPDATE api_key_secrets SET expires = ? WHERE key_id = ? AND (expires IS NULL OR expires > ?)
"""
DELETE_ENDED_SECRETS = "DELETE FROM api_key_secrets WHERE key_id = ? AND expires <= ?"
DELETE_SECRET = "DELETE FROM api_key_secrets WHERE secret_hash = ?"
DELETE_SECRETS = "DELETE FROM api_key_secrets WHERE key_id = ?"
NOTE_USE = "UPDATE api_keys SET last_used = ? WHERE prefix = ? AND (last_used IS NULL OR last_used < ?)"
HAS_EXPIRED = "SELECT 1 FROM api_keys WHERE expires < ? LIMIT 1"
FORGET_EXPIRED = """
DELETE FROM api_keys WHERE id IN (
    SELECT id FROM api_keys WHERE expires < ? ORDER BY expires LIMIT ?
) RETURNING id
"""

MOST_EXPIRED_OF_USER = 100
"""How many expired keys of a user are kept; a new key takes the place of those that ended first."""
REPLACE_EXPIRED = """
DELETE FROM api_keys WHERE id IN (
    SELECT id FROM api_keys WHERE user_id = ? AND expires < ? ORDER BY expires DESC, id DESC LIMIT ? OFFSET ?
)
"""


class Owned(NamedTuple):
    """A key and the uuid of its user."""

    user: str
    key: ApiKey


class Secret(NamedTuple):
    """The hash of a secret; it ends with the key unless it `expires` before."""

    secret_hash: bytes
    created: int
    expires: int | None


def _key(row: tuple[Any, ...]) -> ApiKey:
    identifier, prefix, name, project, limits, created, expires, last_used, creator = row
    given = json.loads(limits)
    return ApiKey(
        id=identifier,
        prefix=prefix,
        name=name,
        project=project,
        services=_names(given, "services"),
        calls=_names(given, "calls"),
        networks=_names(given, "networks"),
        created=created,
        expires=expires,
        last_used=last_used,
        creator=creator,
    )


def _names(given: Mapping[str, list[str]], name: str) -> tuple[str, ...] | None:
    return tuple(given[name]) if name in given else None


def _limits(key: ApiKey) -> str:
    given = {"services": key.services, "calls": key.calls, "networks": key.networks}
    return json.dumps({name: value for name, value in given.items() if value is not None})


def find_holder(connection: Connection, secret_hash: bytes) -> User | None:
    """Finds the user by the hash of a key: with the key, its times, and its project as default project."""
    row = connection.execute(FIND_HOLDER, (secret_hash,)).fetchone()
    if row is None:
        return None
    key = _key(row[-COLUMNS_OF_KEY:])
    ends = [end for end in (row[-COLUMNS_OF_KEY - 1], key.expires) if end is not None]
    user = users.read_user((*row[: -COLUMNS_OF_KEY - 1], key.created, min(ends, default=None)))
    if key.project is None:
        return replace(user, key=key)
    draws = connection.execute(DRAWS, (key.project, user.id)).fetchone() is not None
    return replace(user, key=replace(key, draws=draws), default_project=key.project)


def find(connection: Connection, prefix: str) -> Owned | None:
    """Finds a key by its prefix."""
    row = connection.execute(FIND, (prefix,)).fetchone() if is_storable(prefix) else None
    return None if row is None else Owned(row[0], _key(row[1:]))


def list_of_user(connection: Connection, user: int) -> list[ApiKey]:
    """Lists the keys of a user in the order in which they were made; their number is bounded."""
    return [_key(row) for row in connection.execute(LIST_OF_USER, (user,))]


def list_keys(connection: Connection) -> Iterator[Owned]:
    """Lists all keys in the order in which they were made."""
    return (Owned(row[0], _key(row[1:])) for row in connection.execute(LIST))


def list_page(connection: Connection, after: int, most: int, user: int | None = None) -> list[Owned]:
    """Lists up to `most` keys with greater ids, in the order in which they were made; if given, of a user."""
    if user is None:
        rows = connection.execute(LIST_PAGE, (after, most))
    else:
        rows = connection.execute(LIST_PAGE_OF_USER, (user, after, most))
    return [Owned(row[0], _key(row[1:])) for row in rows]


def count_valid(connection: Connection, user: int, now: int) -> int:
    """Counts the keys of a user that have not expired."""
    return int(connection.execute(COUNT_VALID, (user, now)).fetchone()[0])


def count_of_user(connection: Connection, uuid: str) -> int:
    """Counts the keys of a user."""
    return int(connection.execute(COUNT_OF_USER, (uuid,)).fetchone()[0])


def add(connection: Connection, user: int, key: ApiKey) -> int:
    """Stores a new key of a user, without a secret; returns its id."""
    values = (
        user,
        key.prefix,
        key.name,
        key.project,
        _limits(key),
        key.created,
        key.expires,
        key.last_used,
        key.creator,
    )
    return int(connection.execute(ADD, values).fetchone()[0])


def make_room(connection: Connection, user: int, now: int) -> None:
    """Deletes expired keys of a user beyond those that are kept, unless the clock is in doubt."""
    if not clock_records.is_held(connection):
        connection.execute(REPLACE_EXPIRED, (user, now, MOST_EXPIRED, MOST_EXPIRED_OF_USER))


def change(connection: Connection, key: ApiKey) -> None:
    """Changes everything of a key but its prefix, its user, its secrets and its last use."""
    values = (key.name, key.project, _limits(key), key.created, key.expires, key.creator)
    connection.execute(CHANGE, (*values, key.id))


def delete(connection: Connection, key: int) -> None:
    """Deletes a key; its secrets stop working when the transaction commits."""
    connection.execute(DELETE, (key,))


def find_prefix_of_secret(connection: Connection, secret_hash: bytes) -> str | None:
    """Returns the prefix of the key that has a secret, if one has."""
    row = connection.execute(FIND_OWNER_OF_SECRET, (secret_hash,)).fetchone()
    return None if row is None else row[0]


def list_secrets(connection: Connection, key: int) -> list[Secret]:
    """Lists the secrets of a key, the newest first."""
    return [Secret(*row) for row in connection.execute(LIST_SECRETS, (key,))]


def add_secret(connection: Connection, key: int, secret: Secret) -> None:
    """Gives a key one more secret."""
    connection.execute(ADD_SECRET, (secret.secret_hash, key, secret.created, secret.expires))


def replace_secrets(connection: Connection, key: int, secrets: Iterable[Secret]) -> None:
    """Gives a key these secrets in place of those that it has."""
    connection.execute(DELETE_SECRETS, (key,))
    for secret in secrets:
        add_secret(connection, key, secret)


def rotate(connection: Connection, key: int, secret_hash: bytes, now: int, others_end: int) -> None:
    """Gives a key a new secret. The others end at `others_end`, or when they would have ended before."""
    connection.execute(END_SECRETS, (others_end, key, others_end))
    connection.execute(DELETE_ENDED_SECRETS, (key, now))
    for surplus in list_secrets(connection, key)[MOST_SECRETS - 1 :]:
        connection.execute(DELETE_SECRET, (surplus.secret_hash,))
    add_secret(connection, key, Secret(secret_hash, now, None))


def note_uses(connection: Connection, uses: Mapping[str, int]) -> None:
    """Notes when keys were last used, unless a later use is known. Keys are given by prefix.

    An id would not do: SQLite gives that of a deleted key to the next one.
    """
    connection.executemany(NOTE_USE, [(time, key, time) for key, time in sorted(uses.items())])


def has_expired(connection: Connection, before: int) -> bool:
    """Whether a key expired before an instant."""
    return connection.execute(HAS_EXPIRED, (before,)).fetchone() is not None


def forget_expired(connection: Connection, before: int) -> int:
    """Deletes some of the keys that expired before an instant, unless the clock is in doubt.

    Returns:
        How many were deleted.
    """
    if clock_records.is_held(connection):
        return 0
    return len(connection.execute(FORGET_EXPIRED, (before, MOST_EXPIRED)).fetchall())
