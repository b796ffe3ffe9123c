"""Who is in a group of users."""

from astakos.directory.entities import User
from astakos.storage.protocol import Connection
from astakos.storage.tables.users import COLUMNS, read_user

IS_MEMBER = """
SELECT 1 FROM user_groups u JOIN groups g ON g.id = u.group_id WHERE u.user_id = ? AND g.name = ?
"""
LIST_MEMBERS = f"""
SELECT {COLUMNS} FROM users WHERE id IN (
    SELECT u.user_id FROM user_groups u JOIN groups g ON g.id = u.group_id WHERE g.name = ?
) ORDER BY id
"""


def is_member(connection: Connection, user: int, group: str) -> bool:
    """Whether a user belongs to a group."""
    return connection.execute(IS_MEMBER, (user, group)).fetchone() is not None


def list_members(connection: Connection, group: str) -> list[User]:
    """Lists the members of a group in the order in which they were added as users."""
    return [read_user(row) for row in connection.execute(LIST_MEMBERS, (group,))]
