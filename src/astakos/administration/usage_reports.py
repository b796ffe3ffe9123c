"""Reports who uses most of a resource, and who is near a limit."""

import heapq
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from astakos.administration.state_document import StateError
from astakos.administration.unknown_resources import no_such_resource
from astakos.ledger.rules import UNLIMITED, Holding, Key
from astakos.projects.limits import uuid_of_project, uuid_of_user
from astakos.storage.protocol import Connection
from astakos.storage.tables import projects, registry, usage_leaders, usage_over, users
from astakos.storage.tables.metered_figures import MeteredFigures
from astakos.storage.tables.usage_leaders import Found, Ranking

PERCENT = 100
MOST_OVER = 100
"""How many who are over a limit are examined at once."""


class HolderUsage(NamedTuple):
    """What a user or a project uses of a resource.

    Attributes:
        user: the uuid of the user; None for a whole project.
        project: the uuid of the project; a user's own project has the user's uuid.
        name: the user's email address, or the name of the project.
        resource: the name of the resource.
        usage: what is used and reserved; in a period that is over, what was used.
        pending: the reserved part of that.
        limit: the limit now.
        percent: the usage in percent of the limit, rounded down; None if there is no limit.
        resets: when usage is next forgiven; None if it is not.
    """

    user: str | None
    project: str
    name: str
    resource: str
    usage: int
    pending: int
    limit: int
    percent: int | None
    resets: int | None = None


class OverPage(NamedTuple):
    """Who is near a limit.

    Attributes:
        rows: who.
        end: after which holding the next page begins; None on the last page.
        skip: how many there the next page leaves out, because they are on this one.
    """

    rows: list[HolderUsage]
    end: int | None
    skip: int = 0


def require_resource(connection: Connection, resource: str) -> None:
    """Checks that there is a resource.

    Raises:
        StateError: there is none.
    """
    if not registry.has_resource(connection, resource):
        raise StateError(no_such_resource(connection, resource))


def top_now(
    connection: Connection, resource: str, ranking: Ranking, most: int, now: int
) -> list[HolderUsage]:
    """Returns who uses most of a resource now, among those who did when the service last looked.

    `storage.tables.usage_leaders.refreshed` tells when that was.
    """
    return rank(connection, usage_leaders.list_leaders(connection, resource, ranking), ranking, most, now)


def rank(
    connection: Connection, found: Iterable[Found], ranking: Ranking, most: int, now: int
) -> list[HolderUsage]:
    """Returns the present figures of holdings, the largest first."""
    figures = MeteredFigures(connection, now)
    rows = []
    for one in found:
        present = figures.at_present(one.key, one.id, one.holding, one.mark)
        resets = None if present.period is None else present.period.resets
        if present.holding.usage_max > 0:
            rows.append((one.key, present.holding, resets))
    if ranking is Ranking.USAGE:
        rows.sort(key=lambda row: -row[1].usage_max)
    else:
        rows = [row for row in rows if 0 < row[1].limit < UNLIMITED]
        # Exact, whatever the size of the numbers.
        rows.sort(key=lambda row: -(row[1].usage_max * 10**6 // row[1].limit))
    return [_usage(connection, key, holding, resets) for key, holding, resets in rows[:most]]


def top_in_period(connection: Connection, resource: str, start: int, most: int) -> list[HolderUsage]:
    """Returns who used most of a meter in a period that is over, from the totals kept when it closed.

    A holder's period is closed when they next use the meter; `all_in_period` knows the others, too.
    """
    rows = usage_leaders.list_in_period(connection, resource, start, most)
    return [_total(connection, one) for one in rows if one.total]


def all_in_period(
    connection: Connection, resource: str, start: int, most: int, now: int
) -> list[HolderUsage]:
    """Returns who used a meter in a period that is over, the largest first. Reads all holdings."""
    found = {one.id: one for one in _largest(most, _not_closed(connection, resource, start, now))}
    # Last, because those who use the meter meanwhile close their periods, and would be in neither.
    for one in usage_leaders.list_in_period(connection, resource, start, most):
        if one.total:
            found.setdefault(one.id, one)
    return [_total(connection, one) for one in _largest(most, found.values())]


def _not_closed(connection: Connection, resource: str, start: int, now: int) -> Iterator[Found]:
    """Yields those who have not used the meter since the period ended, so that it is not stored as over."""
    figures = MeteredFigures(connection, now, everybody=True)
    for after in usage_leaders.pages(connection):
        for one in usage_leaders.read_not_closed(connection, resource, start, after):
            for span in figures.spans(resource, one.id, one.holding, one.mark):
                if span.is_over and span.start == start:
                    yield one._replace(total=(one.total or 0) + span.used)


def _largest(most: int, found: Iterable[Found]) -> list[Found]:
    return heapq.nlargest(most, found, key=lambda one: one.total or 0)


def _total(connection: Connection, one: Found) -> HolderUsage:
    total = one.total or 0
    return _usage(connection, one.key, Holding(one.holding.limit, total, total), None)


def find_over(
    connection: Connection,
    percent: int,
    now: int,
    *,
    resource: str | None = None,
    after: int = 0,
    skip: int = 0,
    most: int | None = None,
) -> OverPage:
    """Returns a page of users and projects who use at least so many percent of a limit.

    A page examines a bounded number of holdings, so it can be empty and not the last one.

    Args:
        connection: where to read.
        percent: the part of the limit.
        now: the instant.
        resource: only limits of this resource.
        after: the `end` of the page before.
        skip: the `skip` of the page before.
        most: how many at most; None for all that are examined.
    """
    found, end = usage_over.read_reached(connection, percent, after)
    figures = MeteredFigures(connection, now)
    # What is left of grants is in holdings, too, which are of no registered resource.
    wanted = registry.scales(connection) if resource is None else {resource}
    present_ones = []
    for one in found:
        if one.key.resource not in wanted:
            continue
        present = figures.at_present(one.key, one.id, one.holding, one.mark)
        usage, limit = present.holding.usage_max, present.holding.limit
        if usage > 0 and limit < UNLIMITED and usage * PERCENT >= limit * percent:
            resets = None if present.period is None else present.period.resets
            present_ones.append((one.key, present.holding, resets))
    last = len(present_ones) if most is None else skip + most
    rows = [_usage(connection, *row) for row in present_ones[skip:last]]
    return OverPage(rows, end) if len(present_ones) <= last else OverPage(rows, after, last)


def over_now(connection: Connection, now: int) -> list[HolderUsage]:
    """Returns who uses more than a limit, among those who used most of it when the service last looked."""
    figures = MeteredFigures(connection, now)
    rows = []
    for one in usage_leaders.list_over(connection, MOST_OVER):
        present = figures.at_present(one.key, one.id, one.holding, one.mark)
        if present.holding.usage_max > present.holding.limit:
            rows.append(_usage(connection, one.key, present.holding, None))
    return rows


def _usage(connection: Connection, key: Key, holding: Holding, resets: int | None) -> HolderUsage:
    user = uuid_of_user(key.holder)
    project = uuid_of_project(key.holder if key.source is None else key.source) or ""
    if user is None:
        known = projects.find(connection, project)
        if known is None or known.system_project:
            user = project
        name = project if known is None else known.name
    if user is not None:
        person = users.find_by_uuid(connection, user)
        name = user if person is None else person.email
    percent = None
    if 0 < holding.limit < UNLIMITED:
        percent = holding.usage_max * PERCENT // holding.limit
    return HolderUsage(
        user,
        project,
        name,
        key.resource,
        holding.usage_max,
        holding.pending,
        holding.limit,
        percent,
        resets,
    )
