"""`ui/projects/<uuid>/usage`: who uses how much of a project, the most first, for those who look after it."""

import re
from typing import Final, NamedTuple

from astakos.http.pages.page_kinds import user_page
from astakos.http.pages.projects.project_limits import Limit, limits_of, visible_resources
from astakos.http.pages.projects.visited_project import PROJECTS, VisitedProject, looked_after
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.pages.meters import Meter
from astakos.projects.project import DRAWING
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry, users
from astakos.storage.tables.project_usage import BY_USAGE, MOST_LOOKED_AT, Position, bound_of, read_usage

SIZE: Final = 50
MOST_LINKS: Final = 8
"""From more resources than these, one is chosen in a list."""
CURSOR: Final = re.compile(r"([0-9]{1,18})\.([0-9]{1,18})", re.ASCII)


class ShownUsage(NamedTuple):
    """What somebody uses: their address, whether they are a member still, and their meter."""

    address: str
    is_member: bool
    meter: Meter


class Found(NamedTuple):
    """What the page reads.

    Attributes:
        seen: The project.
        limits: Its limits.
        limit: The one that is shown.
        rows: Who uses how much.
        end: Where the next page begins.
        looked_at: Among how many members, those who came first; None if among all.
    """

    seen: VisitedProject
    limits: list[Limit]
    limit: Limit | None
    rows: list[ShownUsage]
    end: Position | None
    looked_at: int | None = None


async def usage(visit: UserVisit) -> Answer:
    """Shows the page."""
    found = await visit.service.read_much(_find, visit)
    end = found.end
    return visit.page(
        "projects/usage.html",
        seen=found.seen,
        project=found.seen.project,
        can=found.seen.permitted,
        found=found,
        names=[(one.resource.name, one.resource.name) for one in found.limits],
        most_links=MOST_LINKS,
        after=visit.request.query.get("after", ""),
        next="" if end is None else f"{end.usage}.{end.holding}",
        tab="usage",
    )


def _find(connection: Connection, visit: UserVisit) -> Found:
    seen, now, query = looked_after(connection, visit), visit.site.now, visit.request.query
    resources = visible_resources(registry.list_resources(connection))
    limits = limits_of(connection, seen.project, resources, now)
    named = [one for one in limits if one.resource.name == query.get("resource")]
    limit = next(iter(named or limits), None)
    if limit is None:
        return Found(seen, limits, None, [], None)
    cursor = CURSOR.fullmatch(query.get("after", ""))
    bound = bound_of(connection, seen.project.uuid)
    found = read_usage(
        connection,
        seen.project.uuid,
        resource=limit.resource.name,
        user=None,
        order=BY_USAGE,
        after=Position(int(cursor[1]), int(cursor[2])) if cursor else None,
        most=SIZE + 1,
        now=now,
        bound=bound,
    )
    rows = []
    for one in found[:SIZE]:
        user, holding = users.find_by_uuid(connection, one.user), one.holding
        resource = limit.resource
        meter = Meter(
            resource.name,
            holding.usage_min,
            holding.pending,
            holding.limit,
            resource.unit,
            resource.scale,
        )
        rows.append(ShownUsage("" if user is None else user.email, one.state in DRAWING, meter))
    end = found[SIZE - 1].position if len(found) > SIZE else None
    return Found(seen, limits, limit, rows, end, None if bound is None else MOST_LOOKED_AT)


ROUTES = (user_page(f"{PROJECTS}/{{uuid}}/usage", usage),)
