"""Suspends what a deactivated user has, and restores it on activation (`identity-and-projects.md` §1)."""

from astakos.storage.protocol import Connection

PROJECT, MEMBERSHIP = "project", "membership"

LIST_OWN_PROJECTS = "SELECT id, uuid FROM projects WHERE (uuid = ? OR owner = ?) AND state = 'active'"
LIST_MEMBERSHIPS = """
SELECT p.id, p.uuid FROM memberships m JOIN projects p ON p.id = m.project_id
WHERE m.user_id = ? AND m.state IN ('accepted', 'leave_requested')
"""
LIST = """
SELECT d.project_id, p.uuid, d.suspended FROM deactivations d JOIN projects p ON p.id = d.project_id
WHERE d.user_id = ?
"""
NOTE = """
INSERT INTO deactivations (user_id, project_id, suspended) VALUES (?, ?, ?)
ON CONFLICT (user_id, project_id, suspended) DO NOTHING
"""
NOTE_BY_UUID = """
INSERT INTO deactivations (user_id, project_id, suspended)
SELECT u.id, p.id, ? FROM users u, projects p WHERE u.uuid = ? AND p.uuid = ?
ON CONFLICT (user_id, project_id, suspended) DO NOTHING
"""
FORGET_PROJECT = """
DELETE FROM deactivations
WHERE suspended = 'project' AND project_id = (SELECT id FROM projects WHERE uuid = ?)
"""
FORGET = "DELETE FROM deactivations WHERE user_id = ?"
SET_PROJECT = "UPDATE projects SET state = ? WHERE id = ? AND state = ?"
SET_MEMBERSHIP = "UPDATE memberships SET state = ? WHERE project_id = ? AND user_id = ?"
UNSUSPEND_MEMBERSHIP = f"{SET_MEMBERSHIP} AND state = 'suspended'"


def suspend(connection: Connection, user: int, uuid: str) -> set[str]:
    """Suspend a user's own active projects and their memberships; return the uuids of the affected projects.

    Anything that is then suspended for another reason must lose its row in `deactivations`; otherwise
    activating the user would restore it.
    """
    concerned = set()
    for project, name in connection.execute(LIST_OWN_PROJECTS, (uuid, uuid)).fetchall():
        connection.execute(SET_PROJECT, ("suspended", project, "active"))
        connection.execute(NOTE, (user, project, PROJECT))
        concerned.add(name)
    for project, name in connection.execute(LIST_MEMBERSHIPS, (user,)).fetchall():
        connection.execute(SET_MEMBERSHIP, ("suspended", project, user))
        connection.execute(NOTE, (user, project, MEMBERSHIP))
        concerned.add(name)
    return concerned


def unsuspend(connection: Connection, user: int) -> set[str]:
    """Restore what `suspend` suspended and is still suspended; return the uuids of the affected projects.

    Memberships become accepted, including those that were `leave_requested` before.
    """
    concerned = set()
    for project, name, suspended in connection.execute(LIST, (user,)).fetchall():
        if suspended == PROJECT:
            connection.execute(SET_PROJECT, ("active", project, "suspended"))
        else:
            connection.execute(UNSUSPEND_MEMBERSHIP, ("accepted", project, user))
        concerned.add(name)
    connection.execute(FORGET, (user,))
    return concerned


def note(connection: Connection, user: str, project: str, suspended: str) -> None:
    """Record that a project, or the user's membership in it, is suspended because the user is not active.

    Args:
        connection: a connection in a transaction.
        user: the uuid of the user.
        project: the uuid of the project.
        suspended: `PROJECT` or `MEMBERSHIP`.
    """
    connection.execute(NOTE_BY_UUID, (suspended, user, project))


def forget_project(connection: Connection, project: str) -> None:
    """Forget that a project is suspended because its owner is not active: somebody has decided its state.

    The memberships that were suspended with a user are still restored with them.
    """
    connection.execute(FORGET_PROJECT, (project,))
