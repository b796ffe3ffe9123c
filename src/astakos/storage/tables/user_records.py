"""The records of users besides their accounts: when and why an account reached its state."""

import json
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from astakos.directory.entities import Account, UserRecord
from astakos.storage.protocol import Connection
from astakos.storage.tables import users

COLUMNS = """
date_joined, verified_at, moderated_at, deactivated_reason, rejected_reason, accepted_policy, affiliation,
metadata
"""
FIND = f"SELECT {COLUMNS} FROM user_records WHERE user_id = ?"
LIST = f"SELECT user_id, {COLUMNS} FROM user_records"
SAVE = f"""
INSERT INTO user_records (user_id, {COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (user_id) DO UPDATE SET
    date_joined = excluded.date_joined, verified_at = excluded.verified_at,
    moderated_at = excluded.moderated_at, deactivated_reason = excluded.deactivated_reason,
    rejected_reason = excluded.rejected_reason, accepted_policy = excluded.accepted_policy,
    affiliation = excluded.affiliation, metadata = excluded.metadata
"""
LIST_GROUPS = """
SELECT u.user_id, g.name FROM user_groups u JOIN groups g ON g.id = u.group_id ORDER BY g.id
"""
LIST_WITH_PASSWORD = "SELECT id FROM users WHERE password_hash IS NOT NULL"


def _record(row: tuple[Any, ...]) -> UserRecord:
    *known, metadata = row
    return UserRecord._make((*known, json.loads(metadata)))


def find(connection: Connection, user: int) -> UserRecord:
    """Returns a user's record; an empty one for a user added before records existed."""
    row = connection.execute(FIND, (user,)).fetchone()
    return UserRecord() if row is None else _record(row)


def save(connection: Connection, user: int, record: UserRecord) -> None:
    """Stores a user's record; replaces the old one."""
    connection.execute(SAVE, (user, *record[:-1], json.dumps(dict(record.metadata))))


def find_account(connection: Connection, uuid: str) -> Account | None:
    """Finds a user by uuid, with everything that administrators see."""
    user = users.find_by_uuid(connection, uuid)
    if user is None:
        return None
    groups = tuple(group.name for group in users.groups_of(connection, user.id))
    has_password = users.find_password_hash(connection, uuid) is not None
    return Account(user, find(connection, user.id), groups, has_password)


def list_accounts(connection: Connection) -> Iterator[Account]:
    """Lists the same for all users, in the order in which they were added."""
    records = {user: _record(tuple(row)) for user, *row in connection.execute(LIST)}
    groups: defaultdict[int, tuple[str, ...]] = defaultdict(tuple)
    for user, name in connection.execute(LIST_GROUPS):
        groups[user] += (name,)
    with_password = {user for (user,) in connection.execute(LIST_WITH_PASSWORD)}
    for user in users.list_users(connection):
        record = records.get(user.id, UserRecord())
        yield Account(user, record, groups.get(user.id, ()), user.id in with_password)
