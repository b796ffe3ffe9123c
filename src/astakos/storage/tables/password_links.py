"""Links with which users set a password or confirm an address, with the hashes of their secrets.

A link that is sent by mail has no secret until then: the process that mails it makes one.
"""

from typing import NamedTuple

from astakos.directory.password_links import LinkPurpose
from astakos.storage.protocol import Connection
from astakos.storage.tables import clock_records

MOST_DELETED = 1000
"""How many rows are deleted at a time, so that other writers do not wait long."""

COLUMNS = "l.id, u.uuid, l.purpose, l.created, l.expires, l.creator, l.address"
ADD = """
INSERT INTO password_links (user_id, secret_hash, purpose, created, expires, creator, address)
VALUES (?, ?, ?, ?, ?, ?, ?) RETURNING id
"""
FIND_VALID = f"""
SELECT {COLUMNS} FROM password_links l JOIN users u ON u.id = l.user_id
WHERE l.secret_hash = ? AND l.expires > ?
"""
FIND_NEWEST = f"""
SELECT {COLUMNS} FROM password_links l JOIN users u ON u.id = l.user_id
WHERE l.user_id = ? AND l.purpose = ? ORDER BY l.created DESC, l.id DESC LIMIT 1
"""
SET_SECRET = "UPDATE password_links SET secret_hash = ? WHERE id = ? AND expires > ? RETURNING expires"
END_OF_USER = "DELETE FROM password_links WHERE user_id = ? AND purpose = ?"
EXPIRE = """
DELETE FROM password_links WHERE id IN (
    SELECT id FROM password_links WHERE expires <= ? ORDER BY expires LIMIT ?
)
"""


class PasswordLink(NamedTuple):
    """A link. `user` is a uuid, and `creator` that of the administrator who made it; None for an operator.

    `address` is the new address that it confirms; None if it sets a password.
    """

    id: int
    user: str
    purpose: LinkPurpose
    created: int
    expires: int
    creator: str | None
    address: str | None


def add(
    connection: Connection,
    user: int,
    secret_hash: bytes | None,
    purpose: LinkPurpose,
    now: int,
    expires: int,
    creator: str | None,
    address: str | None = None,
) -> int:
    """Stores a link in place of the user's others of that purpose; deletes expired ones. Returns its id."""
    if not clock_records.is_held(connection):
        connection.execute(EXPIRE, (now, MOST_DELETED))
    connection.execute(END_OF_USER, (user, purpose.value))
    row = connection.execute(
        ADD, (user, secret_hash, purpose.value, now, expires, creator, address)
    ).fetchone()
    return int(row[0])


def find_valid(connection: Connection, secret_hash: bytes, now: int) -> PasswordLink | None:
    """Finds the link with a secret; None if there is none, or it has expired."""
    return _link(connection.execute(FIND_VALID, (secret_hash, now)).fetchone())


def find_newest(connection: Connection, user: int, purpose: LinkPurpose) -> PasswordLink | None:
    """Finds the newest link of a user, which may have expired."""
    return _link(connection.execute(FIND_NEWEST, (user, purpose.value)).fetchone())


def set_secret(connection: Connection, identifier: int, secret_hash: bytes, now: int) -> bool:
    """Gives a link a secret, in place of the one that it had; returns whether it is still valid."""
    return connection.execute(SET_SECRET, (secret_hash, identifier, now)).fetchone() is not None


def _link(row: tuple[int, str, str, int, int, str | None, str | None] | None) -> PasswordLink | None:
    if row is None:
        return None
    identifier, user, purpose, created, expires, creator, address = row
    return PasswordLink(identifier, user, LinkPurpose(purpose), created, expires, creator, address)
