"""Deletes what the tables hold of a person besides the account, and finds what stands in the way of that."""

from astakos.directory.entities import User
from astakos.storage.protocol import Connection
from astakos.storage.tables.large_sums import halves, whole

OWNED = """
SELECT name FROM projects WHERE owner = ? AND state IN ('active', 'suspended') ORDER BY id LIMIT ?
"""
PENDING_APPLICATIONS = """
SELECT p.uuid, a.id FROM project_applications a JOIN projects p ON p.id = a.project_id
WHERE a.user_id = ? AND a.state = 'pending' ORDER BY a.id
"""
HELD = f"""
SELECT resource, {halves("usage_max")} FROM holdings WHERE holder = 'user:' || ? AND usage_max > 0
GROUP BY resource ORDER BY resource
"""
FORGET_DELIVERIES = "DELETE FROM deliveries WHERE recipient = ?"
FORGET_PASSWORD = "UPDATE users SET password_hash = NULL WHERE id = ?"
# The texts of an application can be about the person; what it asked for belongs to the project.
FORGET_TEXTS = "UPDATE project_applications SET comments = NULL WHERE user_id = ?"
# Only projects that have ended or never began can still be theirs.
FORGET_COMMENTS = "UPDATE projects SET comments = '' WHERE owner = ?"
FORGET = (
    "DELETE FROM user_groups WHERE user_id = ?",
    "DELETE FROM feedback WHERE user_id = ?",
    "DELETE FROM deactivations WHERE user_id = ?",
    "DELETE FROM known_browsers WHERE user_id = ?",
    FORGET_PASSWORD,
    FORGET_TEXTS,
)


def list_owned(connection: Connection, user: str, most: int) -> list[str]:
    """Lists the names of some active or suspended projects of an owner, given by uuid."""
    return [name for (name,) in connection.execute(OWNED, (user, most))]


def pending_applications(connection: Connection, user: int) -> list[tuple[str, int]]:
    """Lists the applications of a user that nobody has decided: uuids of projects, with numbers."""
    return [tuple(row) for row in connection.execute(PENDING_APPLICATIONS, (user,))]


def held(connection: Connection, user: str) -> dict[str, int]:
    """Returns what a user, given by uuid, uses and has reserved in all projects together, by resource."""
    return {resource: whole(*sums) for resource, *sums in connection.execute(HELD, (user,))}


def forget(connection: Connection, user: User) -> None:
    """Deletes what belongs to a user besides their account, memberships, applications and holdings."""
    for statement in FORGET:
        connection.execute(statement, (user.id,))
    connection.execute(FORGET_COMMENTS, (user.uuid,))
    connection.execute(FORGET_DELIVERIES, (user.email,))
