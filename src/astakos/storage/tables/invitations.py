"""Invitations to projects, with the hashes of their secrets."""

import hmac

from astakos.projects.invitations import Invitation
from astakos.storage.protocol import Connection

SELECT = """
SELECT i.id, p.uuid, i.max_uses, i.uses, i.created, i.expires, i.creator
FROM project_invitations i JOIN projects p ON p.id = i.project_id
"""
FIND = f"{SELECT} WHERE i.id = ?"
FIND_HASH = "SELECT secret_hash FROM project_invitations WHERE id = ?"
LIST_OF_PROJECT = f"{SELECT} WHERE p.uuid = ? ORDER BY i.id"
COUNT_OPEN = """
SELECT COUNT(*) FROM project_invitations i JOIN projects p ON p.id = i.project_id
WHERE p.uuid = ? AND i.uses < i.max_uses AND i.expires > ?
"""
ADD = """
INSERT INTO project_invitations (project_id, secret_hash, max_uses, uses, created, expires, creator)
SELECT p.id, ?, ?, 0, ?, ?, ? FROM projects p WHERE p.uuid = ? RETURNING id
"""
USE = "UPDATE project_invitations SET uses = uses + 1 WHERE id = ?"
DELETE = "DELETE FROM project_invitations WHERE id = ?"
# The oldest first, as many as there are too many.
DELETE_OVER = """
DELETE FROM project_invitations WHERE id IN (
    SELECT i.id FROM project_invitations i JOIN projects p ON p.id = i.project_id
    WHERE p.uuid = ? AND (i.uses >= i.max_uses OR i.expires <= ?) ORDER BY i.id LIMIT ?
)
"""
COUNT = """
SELECT COUNT(*) FROM project_invitations i JOIN projects p ON p.id = i.project_id WHERE p.uuid = ?
"""


def find(connection: Connection, number: int) -> Invitation | None:
    """Finds an invitation by its number, which must fit into 63 bits."""
    row = connection.execute(FIND, (number,)).fetchone()
    return None if row is None else Invitation(*row)


def find_of_secret(connection: Connection, number: int, secret_hash: bytes) -> Invitation | None:
    """Finds an invitation by its number and the hash of its secret."""
    row = connection.execute(FIND_HASH, (number,)).fetchone()
    if row is None or not hmac.compare_digest(bytes(row[0]), secret_hash):
        return None
    return find(connection, number)


def list_of_project(connection: Connection, project: str) -> list[Invitation]:
    """Lists the invitations of a project; a project has few."""
    return [Invitation(*row) for row in connection.execute(LIST_OF_PROJECT, (project,))]


def count_open(connection: Connection, project: str, now: int) -> int:
    """Counts the invitations of a project that somebody can still use."""
    return int(connection.execute(COUNT_OPEN, (project, now)).fetchone()[0])


def add(connection: Connection, invitation: Invitation, secret_hash: bytes) -> int:
    """Stores an invitation to an existing project; returns its number."""
    values = (
        secret_hash,
        invitation.max_uses,
        invitation.created,
        invitation.expires,
        invitation.creator,
        invitation.project,
    )
    return int(connection.execute(ADD, values).fetchone()[0])


def spend_use(connection: Connection, number: int) -> None:
    """Counts one use more."""
    connection.execute(USE, (number,))


def delete(connection: Connection, number: int) -> None:
    """Deletes an invitation."""
    connection.execute(DELETE, (number,))


def make_room(connection: Connection, project: str, now: int, most: int) -> None:
    """Deletes invitations of a project that are over, so that one more leaves it with `most` if possible."""
    (kept,) = connection.execute(COUNT, (project,)).fetchone()
    if kept >= most:
        connection.execute(DELETE_OVER, (project, now, kept - most + 1))
