"""Suspends what a deactivated user has, and restores it on activation (`identity-and-projects.md` §1)."""

from collections.abc import Sequence

from astakos.projects.membership_times import enter
from astakos.projects.project import DRAWING, Membership, MembershipState
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships

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
SUSPEND_PROJECT = "UPDATE projects SET state = 'suspended', deactivated = ? WHERE id = ?"
UNSUSPEND_PROJECT = "UPDATE projects SET state = 'active' WHERE id = ? AND state = 'suspended'"


def suspend(connection: Connection, user: int, uuid: str, now: int) -> set[str]:
    """Suspend a user's own active projects and their memberships; return the uuids of the affected projects.

    Anything that is then suspended for another reason must lose its row in `deactivations`; otherwise
    activating the user would restore it.
    """
    concerned = set()
    for project, name in connection.execute(LIST_OWN_PROJECTS, (uuid, uuid)).fetchall():
        connection.execute(SUSPEND_PROJECT, (now, project))
        connection.execute(NOTE, (user, project, PROJECT))
        concerned.add(name)
    for project, name in connection.execute(LIST_MEMBERSHIPS, (user,)).fetchall():
        _move(connection, uuid, name, DRAWING, MembershipState.SUSPENDED, now)
        connection.execute(NOTE, (user, project, MEMBERSHIP))
        concerned.add(name)
    return concerned


def unsuspend(connection: Connection, user: int, uuid: str, now: int) -> set[str]:
    """Restore what `suspend` suspended and is still suspended; return the uuids of the affected projects.

    Memberships become accepted, including those that were `leave_requested` before.
    """
    concerned = set()
    for project, name, suspended in connection.execute(LIST, (user,)).fetchall():
        if suspended == PROJECT:
            connection.execute(UNSUSPEND_PROJECT, (project,))
        else:
            _move(connection, uuid, name, (MembershipState.SUSPENDED,), MembershipState.ACCEPTED, now)
        concerned.add(name)
    connection.execute(FORGET, (user,))
    return concerned


def _move(
    connection: Connection,
    user: str,
    project: str,
    before: Sequence[MembershipState],
    to: MembershipState,
    now: int,
) -> None:
    """Let a membership enter a state if it is in one of those before."""
    membership = memberships.find_of(connection, user, project)
    if membership is not None and membership.state in before:
        entered = enter(membership.entered, membership.state, to, now)
        moved = Membership(user, to, ever_accepted=True, entered=entered)
        memberships.save_one(connection, project, moved, membership.state)


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
