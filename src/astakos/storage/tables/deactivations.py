"""What is suspended because a user is not active (`identity-and-projects.md` §1)."""

from astakos.storage.protocol import Connection

PROJECT, MEMBERSHIP = "project", "membership"

LIST_OF_USER = """
SELECT p.uuid, d.suspended FROM deactivations d JOIN projects p ON p.id = d.project_id
WHERE d.user_id = ? ORDER BY p.id, d.suspended
"""
NOTE = """
INSERT INTO deactivations (user_id, project_id, suspended)
SELECT u.id, p.id, ? FROM users u, projects p WHERE u.uuid = ? AND p.uuid = ?
ON CONFLICT (user_id, project_id, suspended) DO NOTHING
"""
FORGET_PROJECT = """
DELETE FROM deactivations
WHERE suspended = 'project' AND project_id = (SELECT id FROM projects WHERE uuid = ?)
"""
FORGET = "DELETE FROM deactivations WHERE user_id = ?"


def note(connection: Connection, user: str, project: str, suspended: str) -> None:
    """Records that a project, or the user's membership in it, is suspended because the user is not active.

    Args:
        connection: a connection in a transaction.
        user: the uuid of the user.
        project: the uuid of the project.
        suspended: `PROJECT` or `MEMBERSHIP`.
    """
    connection.execute(NOTE, (suspended, user, project))


def list_of_user(connection: Connection, user: int) -> list[tuple[str, str]]:
    """Lists what is suspended with a user: uuids of projects, each with `PROJECT` or `MEMBERSHIP`."""
    return [tuple(row) for row in connection.execute(LIST_OF_USER, (user,))]


def forget(connection: Connection, user: int) -> None:
    """Forgets all that is suspended with a user."""
    connection.execute(FORGET, (user,))


def forget_project(connection: Connection, project: str) -> None:
    """Forgets that a project is suspended because its owner is not active: somebody has decided its state.

    The memberships that were suspended with a user are still restored with them.
    """
    connection.execute(FORGET_PROJECT, (project,))
