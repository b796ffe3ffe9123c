"""`ui/admin/usage`: who uses most of a resource, now and in a period that is over; who is near a limit."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from astakos.administration.usage_leaders import period_of, period_start, start_before
from astakos.administration.usage_reports import HolderUsage, find_over, top_in_period, top_now
from astakos.directory.entities import Resource
from astakos.http.pages.filters import chosen_of, options_of, whole_number
from astakos.http.pages.holder_names import HolderName, Names, names_of
from astakos.http.pages.page_kinds import administrator_page
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.pages.instants import shown
from astakos.pages.meters import Meter
from astakos.pages.tables import TableState, state_of
from astakos.projects.limits import project_holder, user_holder
from astakos.storage.protocol import Connection
from astakos.storage.tables import usage_leaders
from astakos.storage.tables.usage_leaders import Ranking

USAGE: Final = "/ui/admin/usage"
NEAR: Final = f"{USAGE}/near"
ROWS: Final = 50
PERIODS: Final = 13
"""How many periods one can choose from."""
PERCENTAGES: Final = (("80", "80 %"), ("90", "90 %"), ("100", "100 %"), ("101", "more than 100 %"))
BLOCKS_AT_ONCE: Final = 6
"""How many blocks of holdings one page examines at most: some 6 ms each on SQLite, and 10 on PostgreSQL."""
RANKINGS: Final = ((Ranking.USAGE, "By amount"), (Ranking.SHARE, "By share of the limit"))


class Row(NamedTuple):
    """What a holder uses of a resource; `project` is set for members of shared projects."""

    holder: HolderName
    project: HolderName | None
    meter: Meter
    share: int | None


class Top(NamedTuple):
    """What the page of a resource reads.

    Attributes:
        rows: Who uses most.
        refreshed: When the service looked who that is; None if it has not yet.
        due: When it looks again; None if it has not yet.
        periods: When the periods began that are over, newest first.
    """

    rows: Sequence[Row]
    refreshed: int | None
    due: int | None
    periods: Sequence[int]


class Near(NamedTuple):
    """Who is near a limit, and the position at which to go on; None after the last."""

    rows: Sequence[Row]
    position: str | None


async def usage(visit: UserVisit) -> Answer:
    """Shows who uses most of a resource."""
    query = visit.request.query
    resources = {one.name: one for one in await visit.service.resources()}
    errors: dict[str, str] = {}
    given = query.get("resource", "")
    name = chosen_of(resources, given, "resource", errors) or next(iter(resources), "")
    ranking = next((one for one in Ranking if one.value == query.get("by")), Ranking.USAGE)
    start = whole_number(query.get("period", ""))
    found = await visit.service.read_much(_top, resources.get(name), ranking, start, visit.site.now)
    chosen_of(list(map(str, found.periods)), query.get("period", ""), "period", errors)
    state = _state(visit, USAGE)
    return visit.page(
        "usage.html",
        state=state,
        name=name,
        resource=given or name,
        resources=options_of(resources, given, "")[1:],
        found=found,
        errors=errors,
        period=start if start in found.periods else None,
        rankings=[(text, state.address(by=one.value, period=None), one is ranking) for one, text in RANKINGS],
        periods=[("", "Now"), *((str(one), f"From {shown(one)}") for one in found.periods)],
        chosen=query.get("period", ""),
        near=NEAR,
    )


def _state(visit: UserVisit, path: str) -> TableState:
    return state_of(visit.request.query, f"{visit.site.base}{path}", [], sort="")


def _top(
    connection: Connection, resource: Resource | None, ranking: Ranking, start: int | None, now: int
) -> Top:
    refreshed = usage_leaders.refreshed(connection)
    due = None if refreshed is None else refreshed + period_of(connection)
    if resource is None:
        return Top([], refreshed, due, [])
    periods = list(_periods(connection, resource.name, now))
    if start in periods and start is not None:
        found = top_in_period(connection, resource.name, start, ROWS)
    else:
        found = top_now(connection, resource.name, ranking, ROWS, now)
    return Top(_rows(connection, found, {resource.name: resource}), refreshed, due, periods)


def _periods(connection: Connection, resource: str, now: int) -> Iterable[int]:
    start = period_start(connection, resource, now)
    for _ in range(PERIODS):
        start = None if start is None else start_before(connection, resource, start)
        if start is None:
            return
        yield start


async def near(visit: UserVisit) -> Answer:
    """Shows who is near a limit, of all resources or one."""
    query = visit.request.query
    resources = {one.name: one for one in await visit.service.resources()}
    errors: dict[str, str] = {}
    over, chosen = query.get("over", ""), query.get("resource", "")
    percent = chosen_of(dict(PERCENTAGES), over, "percentage", errors) or PERCENTAGES[0][0]
    chosen_of(resources, chosen, "resource", errors)
    after, _, skip = query.get("after", "").partition(".")
    place = whole_number(after) or 0, whole_number(skip) or 0
    found = (
        Near([], None)
        if errors
        else await visit.service.read_much(_near, int(percent), resources, chosen, place, visit.site.now)
    )
    return visit.page(
        "usage_near.html",
        state=_state(visit, NEAR),
        found=found,
        errors=errors,
        percent=percent,
        percentages=PERCENTAGES,
        resources=options_of(resources, chosen, "All resources"),
        resource=chosen,
        is_first=place == (0, 0),
        usage=USAGE,
    )


def _near(
    connection: Connection,
    percent: int,
    resources: Mapping[str, Resource],
    chosen: str,
    place: tuple[int, int],
    now: int,
) -> Near:
    found: list[HolderUsage] = []
    after, skip = place
    position: str | None = None
    for _ in range(BLOCKS_AT_ONCE):
        page = find_over(
            connection,
            percent,
            now,
            resource=chosen or None,
            after=after,
            skip=skip,
            most=ROWS - len(found),
        )
        found += page.rows
        position = None if page.end is None else f"{page.end}.{page.skip}"
        if page.end is None or len(found) >= ROWS:
            break
        after, skip = page.end, page.skip
    return Near(_rows(connection, found, resources), position)


def _rows(
    connection: Connection, found: Sequence[HolderUsage], resources: Mapping[str, Resource]
) -> list[Row]:
    names = names_of(connection, {name for one in found for name in _holders(one)})
    return [_row(one, names, resources.get(one.resource)) for one in found]


def _holders(one: HolderUsage) -> tuple[str, ...]:
    project = project_holder(one.project)
    return (project,) if one.user is None else (user_holder(one.user), project)


def _row(one: HolderUsage, names: Names, resource: Resource | None) -> Row:
    holder, *others = (names[name] for name in _holders(one))
    project = others[0] if others and one.user != one.project else None
    meter = Meter(
        one.resource,
        one.usage - one.pending,
        one.pending,
        one.limit,
        None if resource is None else resource.unit,
        0 if resource is None else resource.scale,
        resets=one.resets,
    )
    return Row(holder, project, meter, one.percent)


ROUTES = (administrator_page(USAGE, usage), administrator_page(NEAR, near))
