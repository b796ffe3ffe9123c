"""Memberships of users in projects."""

from collections.abc import Iterable

from astakos.projects.project import Membership, MembershipState
from astakos.storage.protocol import Connection

LIST_OF_PROJECT = """
SELECT u.uuid, m.state, m.ever_accepted
FROM projects p JOIN memberships m ON m.project_id = p.id JOIN users u ON u.id = m.user_id
WHERE p.uuid = ? ORDER BY m.id
"""
FIND_STATE = """
SELECT m.state FROM users u JOIN memberships m ON m.user_id = u.id JOIN projects p ON p.id = m.project_id
WHERE u.uuid = ? AND p.uuid = ?
"""
SAVE = """
INSERT INTO memberships (user_id, project_id, state, ever_accepted)
SELECT u.id, p.id, ?, ? FROM users u, projects p WHERE u.uuid = ? AND p.uuid = ?
ON CONFLICT (user_id, project_id) DO UPDATE SET
    state = excluded.state, ever_accepted = memberships.ever_accepted OR excluded.ever_accepted
"""


def list_of_project(connection: Connection, project: str) -> list[Membership]:
    """List all memberships of a project, past ones included."""
    return [
        Membership(user, MembershipState(state), bool(ever_accepted))
        for user, state, ever_accepted in connection.execute(LIST_OF_PROJECT, (project,))
    ]


def find_state(connection: Connection, user: str, project: str) -> MembershipState | None:
    """Return the state of a user's membership in a project; None if there never was one."""
    row = connection.execute(FIND_STATE, (user, project)).fetchone()
    return None if row is None else MembershipState(row[0])


def save(connection: Connection, project: str, memberships: Iterable[Membership]) -> None:
    """Store memberships of existing users in a project."""
    connection.executemany(SAVE, ((m.state, m.ever_accepted, m.user, project) for m in memberships))
