"""Counts users, projects, memberships, applications, commissions and usage, for administrators."""

from typing import NamedTuple

from astakos.storage.protocol import Connection
from astakos.storage.tables.large_sums import halves, whole

COUNT_USERS = "SELECT is_active, COUNT(*) FROM users GROUP BY is_active"
COUNT_PROJECTS = "SELECT system_project, state, COUNT(*) FROM projects GROUP BY system_project, state"
COUNT_MEMBERSHIPS = """
SELECT m.state, COUNT(*) FROM memberships m JOIN projects p ON p.id = m.project_id
WHERE NOT p.system_project GROUP BY m.state
"""
COUNT_APPLICATIONS = "SELECT COUNT(*) FROM project_applications WHERE state = 'pending'"
COUNT_COMMISSIONS = "SELECT COUNT(*) FROM pending_commissions"
SUM_USAGE = f"""
SELECT h.resource, {halves("h.usage_min")}, {halves("h.usage_max")}
FROM projects p JOIN holdings h ON h.holder = 'project:' || p.uuid AND h.source = ''
GROUP BY h.resource ORDER BY h.resource
"""


class UserCounts(NamedTuple):
    """How many users there are, and how many of them are active."""

    total: int
    active: int


class TotalUsage(NamedTuple):
    """What all projects together use of a resource: what is used for certain, and at most."""

    usage_min: int
    usage_max: int


class Statistics(NamedTuple):
    """Figures of an installation.

    Attributes:
        users: the users.
        system_projects: how many system projects there are, by state.
        projects: how many other projects there are, by state.
        memberships: how many memberships in these there are, by state.
        pending_applications: how many applications wait for a decision.
        pending_commissions: how many commissions are pending.
        usage: the usage of each resource, by name.
    """

    users: UserCounts
    system_projects: dict[str, int]
    projects: dict[str, int]
    memberships: dict[str, int]
    pending_applications: int
    pending_commissions: int
    usage: dict[str, TotalUsage]


def count_users(connection: Connection) -> UserCounts:
    """Counts the users."""
    counts = {bool(active): int(number) for active, number in connection.execute(COUNT_USERS)}
    return UserCounts(sum(counts.values()), counts.get(True, 0))


def read_statistics(connection: Connection) -> Statistics:
    """Counts everything; this reads many rows."""
    projects: dict[bool, dict[str, int]] = {True: {}, False: {}}
    for is_system, state, number in connection.execute(COUNT_PROJECTS):
        projects[bool(is_system)][state] = number
    return Statistics(
        count_users(connection),
        projects[True],
        projects[False],
        dict(connection.execute(COUNT_MEMBERSHIPS)),
        connection.execute(COUNT_APPLICATIONS).fetchone()[0],
        connection.execute(COUNT_COMMISSIONS).fetchone()[0],
        {
            resource: TotalUsage(whole(*sums[:2]), whole(*sums[2:]))
            for resource, *sums in connection.execute(SUM_USAGE)
        },
    )
