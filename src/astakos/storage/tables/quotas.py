"""Reads quotas: the holdings of users and projects that the directory knows (`http-api.md` §8.5)."""

from collections.abc import Collection, Iterable, Iterator
from typing import Any, NamedTuple

from astakos.ledger.rules import Holding, Key
from astakos.projects.limits import project_holder, user_holder
from astakos.storage.protocol import Connection
from astakos.storage.tables.grant_figures import ShownGrant
from astakos.storage.tables.holdings import LIMIT, PROJECT_LEVEL
from astakos.storage.tables.metered_figures import MeteredFigures, Period, Present
from astakos.storage.texts import is_storable

NO_HOLDING = Holding(0)


class UserQuota(NamedTuple):
    """A user's holding and the project's holding that it draws from; `user` and `project` are uuids."""

    user: str
    project: str
    resource: str
    member_level: Holding
    project_level: Holding
    period: Period | None = None
    grants: tuple[ShownGrant, ...] = ()
    project_grants: tuple[ShownGrant, ...] = ()


class ProjectQuota(NamedTuple):
    """A project's own holding."""

    project: str
    resource: str
    project_level: Holding
    period: Period | None = None
    grants: tuple[ShownGrant, ...] = ()


FIGURES = f"""
h.resource, h.id, {LIMIT}, h.usage_min, h.usage_max, h.mark,
p.id, p."limit", p.usage_min, p.usage_max, p.mark
"""

QUOTAS_OF_USER = f"""
SELECT u.uuid, project.uuid, {FIGURES}
FROM users u
JOIN memberships m ON m.user_id = u.id
JOIN projects project ON project.id = m.project_id
JOIN holdings h ON h.holder = 'user:' || u.uuid AND h.source = 'project:' || project.uuid
JOIN resources r ON r.name = h.resource
{PROJECT_LEVEL}
WHERE u.id = ? AND m.state IN ('accepted', 'leave_requested') AND project.state <> 'deleted'
  AND r.api_visible
"""
IN_PROJECT = "AND project.uuid = ?"
SERVICE_QUOTAS = f"""
SELECT u.uuid, substr(h.source, 9), {FIGURES}
FROM users u
JOIN holdings h ON h.holder = 'user:' || u.uuid
{PROJECT_LEVEL}
WHERE u.email_verified AND substr(h.source, 1, 8) = 'project:'
"""
# Memberships are kept when they end, and only members have holdings in a project.
SERVICE_QUOTAS_OF_PROJECT = f"""
SELECT u.uuid, project.uuid, {FIGURES}
FROM projects project
JOIN memberships m ON m.project_id = project.id
JOIN users u ON u.id = m.user_id
JOIN holdings h ON h.holder = 'user:' || u.uuid AND h.source = 'project:' || project.uuid
{PROJECT_LEVEL}
WHERE u.email_verified
"""
PROJECT_QUOTAS = """
SELECT project.uuid, p.resource, p.id, p."limit", p.usage_min, p.usage_max, p.mark
FROM projects project
JOIN holdings p ON p.holder = 'project:' || project.uuid AND p.source = ''
WHERE project.state IN ('active', 'suspended', 'terminated')
"""


def _user_quotas(
    connection: Connection, rows: Iterable[tuple[Any, ...]], now: int, *, everybody: bool = False
) -> Iterator[UserQuota]:
    figures = MeteredFigures(connection, now, everybody=everybody)
    for user, project, resource, identifier, *member, mark, above_id, limit, low, high, above_mark in rows:
        source = project_holder(project)
        key = Key(user_holder(user), source, resource)
        present = figures.at_present(key, identifier, Holding(*member), mark)
        above = Present(NO_HOLDING)
        if limit is not None:
            key = Key(source, None, resource)
            above = figures.at_present(key, above_id, Holding(limit, low, high), above_mark)
        yield UserQuota(
            user,
            project,
            resource,
            present.holding,
            above.holding,
            present.period,
            present.grants,
            above.grants,
        )


def quotas_of_user(
    connection: Connection, user_id: int, now: int, project: str | None = None
) -> Iterator[UserQuota]:
    """Reads the quotas that a user sees: API-visible resources in the projects that they can draw from.

    With a `project`, by uuid, reads those in this one.
    """
    condition, values = ("", (user_id,)) if project is None else (IN_PROJECT, (user_id, project))
    rows = connection.execute(f"{QUOTAS_OF_USER} {condition} ORDER BY h.id", values).fetchall()
    return _user_quotas(connection, rows, now)


def service_quotas(
    connection: Connection,
    resources: Collection[str] | None,
    users: Collection[str] | None,
    projects: Collection[str] | None,
    now: int,
) -> Iterator[UserQuota]:
    """Reads the quotas of users with a verified address; None as a filter matches everything."""
    if users is None and projects is not None:
        rows = _of(connection, SERVICE_QUOTAS_OF_PROJECT, "project.uuid", "h.id", projects)
    else:
        rows = _of(connection, SERVICE_QUOTAS, "u.uuid", "h.id", users)
    everybody = users is None and projects is None
    for quota in _user_quotas(connection, rows, now, everybody=everybody):
        if (resources is None or quota.resource in resources) and (
            projects is None or quota.project in projects
        ):
            yield quota


def project_quotas(
    connection: Connection, resources: Collection[str], projects: Collection[str] | None, now: int
) -> Iterator[ProjectQuota]:
    """Reads the quotas of initialized projects; None as a filter matches all projects."""
    metered = MeteredFigures(connection, now, everybody=projects is None)
    rows = _of(connection, PROJECT_QUOTAS, "project.uuid", "p.id", projects)
    for project, resource, identifier, *figures, mark in rows:
        if resource in resources:
            key = Key(project_holder(project), None, resource)
            present = metered.at_present(key, identifier, Holding(*figures), mark)
            yield ProjectQuota(project, resource, *present)


def _of(
    connection: Connection, statement: str, column: str, order: str, uuids: Collection[str] | None
) -> Iterator[tuple[Any, ...]]:
    """Yields the rows of a statement for each uuid in turn, ordered; None yields all rows, unordered."""
    if uuids is None:
        yield from connection.execute(statement)
        return
    for uuid in filter(is_storable, dict.fromkeys(uuids)):
        yield from connection.execute(f"{statement} AND {column} = ? ORDER BY {order}", (uuid,))
