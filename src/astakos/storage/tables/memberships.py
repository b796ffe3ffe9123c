"""Memberships of users in projects."""

import json
from collections.abc import Iterable, Iterator
from typing import Any

from astakos.projects.membership_times import Times
from astakos.projects.project import ACCEPTED_TYPE, DRAWING, Membership, MembershipRecord, MembershipState
from astakos.storage.protocol import Connection
from astakos.storage.texts import is_storable

LARGEST_ID = 2**63 - 1
LIST_OF_PROJECT = """
SELECT u.uuid, m.state, m.ever_accepted
FROM projects p JOIN memberships m ON m.project_id = p.id JOIN users u ON u.id = m.user_id
WHERE p.uuid = ? ORDER BY m.id
"""
COLUMNS = "m.id, u.uuid, p.uuid, m.state, m.entered"
SELECT = f"""
SELECT {COLUMNS}
FROM memberships m JOIN users u ON u.id = m.user_id JOIN projects p ON p.id = m.project_id
"""
FIND = f"{SELECT} WHERE m.id = ?"
LIST_RECORDS_OF_PROJECT = f"{SELECT} WHERE p.uuid = ? ORDER BY m.id"
FIND_OF = f"{SELECT} WHERE u.uuid = ? AND p.uuid = ?"
LIST_OF_USER = f"{SELECT} WHERE u.uuid = ? ORDER BY m.id"
FIND_MEMBERSHIP = """
SELECT u.uuid, m.state, m.ever_accepted
FROM users u JOIN memberships m ON m.user_id = u.id JOIN projects p ON p.id = m.project_id
WHERE u.uuid = ? AND p.uuid = ?
"""
COUNT_MEMBERS = """
SELECT c.members FROM projects p JOIN member_counts c ON c.project_id = p.id WHERE p.uuid = ?
"""
_drawing = ", ".join(f"'{state}'" for state in DRAWING)
LIST_ADDRESSES = f"""
SELECT m.id, u.email
FROM projects p JOIN memberships m ON m.project_id = p.id JOIN users u ON u.id = m.user_id
WHERE p.uuid = ? AND m.id > ? AND m.state IN ({_drawing}) AND u.is_active AND u.uuid NOT IN (?, ?)
ORDER BY m.id LIMIT ?
"""
SAVE = """
INSERT INTO memberships (user_id, project_id, state, ever_accepted, entered)
SELECT u.id, p.id, ?, ?, ? FROM users u, projects p WHERE u.uuid = ? AND p.uuid = ?
ON CONFLICT (user_id, project_id) DO UPDATE SET
    state = excluded.state, ever_accepted = memberships.ever_accepted OR excluded.ever_accepted,
    entered = COALESCE(excluded.entered, memberships.entered)
"""
SAVE_ONE = f"{SAVE} RETURNING id"
ADD_MEMBERS = """
INSERT INTO member_counts (project_id, members) SELECT id, ? FROM projects WHERE uuid = ?
ON CONFLICT (project_id) DO UPDATE SET members = member_counts.members + excluded.members
"""
RECOUNT_MEMBERS = """
INSERT INTO member_counts (project_id, members)
SELECT p.id, COUNT(m.id) FROM projects p
LEFT JOIN memberships m ON m.project_id = p.id AND m.state IN ('accepted', 'leave_requested', 'suspended')
WHERE p.uuid = ? GROUP BY p.id
ON CONFLICT (project_id) DO UPDATE SET members = excluded.members
"""

MANY = 50
"""More memberships of a user are many: their quotas take more than some milliseconds to read."""
COUNT_OF_UUID_UP_TO = """
SELECT COUNT(*) FROM (
    SELECT m.id FROM memberships m JOIN users u ON u.id = m.user_id WHERE u.uuid = ? LIMIT ?
) AS counted
"""
COUNT_UP_TO = "SELECT COUNT(*) FROM (SELECT id FROM memberships WHERE user_id = ? LIMIT ?) AS counted"


def list_of_project(connection: Connection, project: str) -> list[Membership]:
    """Lists all memberships of a project, past ones included."""
    return [_membership(*row) for row in connection.execute(LIST_OF_PROJECT, (project,))]


def records_of_project(connection: Connection, project: str) -> Iterator[MembershipRecord]:
    """Lists all memberships of a project with their history."""
    return (record_of(*row) for row in connection.execute(LIST_RECORDS_OF_PROJECT, (project,)))


def find(connection: Connection, identifier: int) -> MembershipRecord | None:
    """Finds a membership by its id."""
    if not 0 < identifier <= LARGEST_ID:
        return None
    return _found(connection.execute(FIND, (identifier,)).fetchone())


def find_of(connection: Connection, user: str, project: str) -> MembershipRecord | None:
    """Finds a user's membership in a project; both are named by uuid."""
    return _found(connection.execute(FIND_OF, (user, project)).fetchone())


def list_of_user(connection: Connection, user: str) -> list[MembershipRecord]:
    """Lists all memberships of a user, past ones included."""
    return [record_of(*row) for row in connection.execute(LIST_OF_USER, (user,))]


def has_many(connection: Connection, user: int) -> bool:
    """Whether a user, by id, has so many memberships, past ones too, that reading their quotas takes long."""
    return int(connection.execute(COUNT_UP_TO, (user, MANY + 1)).fetchone()[0]) > MANY


def have_many(connection: Connection, users: Iterable[str]) -> bool:
    """Whether users, by uuid, together have so many memberships that reading their quotas takes long."""
    left = MANY
    for user in filter(is_storable, users):
        left -= int(connection.execute(COUNT_OF_UUID_UP_TO, (user, left + 1)).fetchone()[0])
        if left < 0:
            return True
    return False


def find_membership(connection: Connection, user: str, project: str) -> Membership | None:
    """Returns a user's membership in a project; None if there never was one."""
    row = connection.execute(FIND_MEMBERSHIP, (user, project)).fetchone()
    return None if row is None else _membership(*row)


def find_state(connection: Connection, user: str, project: str) -> MembershipState | None:
    """Returns the state of a user's membership in a project; None if there never was one."""
    membership = find_membership(connection, user, project)
    return None if membership is None else membership.state


def count_members(connection: Connection, project: str) -> int:
    """Returns how many members of a project take up a place. The number is kept: counting would take long."""
    row = connection.execute(COUNT_MEMBERS, (project,)).fetchone()
    return 0 if row is None else int(row[0])


def list_addresses(
    connection: Connection, project: str, *, without: tuple[str | None, str | None], after: int, most: int
) -> list[tuple[int, str]]:
    """Lists up to `most` mail addresses of a project's active members, each with the id of the membership.

    Args:
        connection: a connection.
        project: the uuid of the project.
        without: the uuids of users who are left out.
        after: the id of the membership that precedes them.
        most: how many.
    """
    first, second = (user or "" for user in without)
    return [
        (identifier, address)
        for identifier, address in connection.execute(LIST_ADDRESSES, (project, after, first, second, most))
    ]


def save(connection: Connection, project: str, memberships: Iterable[Membership]) -> None:
    """Stores memberships of existing users in a project; keeps the times of those that have none."""
    connection.executemany(SAVE, (_row(membership, project) for membership in memberships))
    connection.execute(RECOUNT_MEMBERS, (project,))


def save_one(
    connection: Connection, project: str, membership: Membership, before: MembershipState | None
) -> int:
    """Stores a membership of an existing user in a project; returns its id.

    Args:
        connection: a connection in a transaction.
        project: the uuid of the project.
        membership: the membership.
        before: its state before; None if there was none.
    """
    (number,) = connection.execute(SAVE_ONE, _row(membership, project)).fetchone()
    change = (membership.state in ACCEPTED_TYPE) - (before in ACCEPTED_TYPE)
    if change:
        connection.execute(ADD_MEMBERS, (change, project))
    return int(number)


def _row(membership: Membership, project: str) -> tuple[object, ...]:
    entered = json.dumps(membership.entered) if membership.entered else None
    return (membership.state, membership.ever_accepted, entered, membership.user, project)


def _membership(user: str, state: str, ever_accepted: object) -> Membership:
    return Membership(user, MembershipState(state), bool(ever_accepted))


def _found(row: tuple[Any, ...] | None) -> MembershipRecord | None:
    return None if row is None else record_of(*row)


STATES = {state.value: state for state in MembershipState}
"""Looking a state up here is ten times as fast as `MembershipState(…)`, which matters for long lists."""


def record_of(identifier: int, user: str, project: str, state: str, entered: str | None) -> MembershipRecord:
    """Returns a row of `COLUMNS` as a value."""
    return MembershipRecord(identifier, user, project, STATES[state], _times(entered))


def _times(document: str | None) -> Times:
    if document is None:
        return {}
    return {STATES[state]: time for state, time in json.loads(document).items()}
