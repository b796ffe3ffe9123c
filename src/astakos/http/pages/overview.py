"""`ui/overview`: what a user has by project, nearest to a limit first, and what was refused lately."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from astakos.directory.entities import Resource, User
from astakos.directory.service_catalog import menu
from astakos.http.pages.own_grants import MOST, OwnGrant
from astakos.http.pages.own_refusals import Surroundings, names_of_components, own_refusals
from astakos.http.pages.page_kinds import OVERVIEW, user_page
from astakos.http.pages.user_meters import Row, meters_of
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.pages.tables import Column, page_of_list, state_of
from astakos.storage.protocol import Connection
from astakos.storage.tables import memberships, registry
from astakos.storage.tables.project_search import list_owned_only

METERS_OF_A_PAGE: Final = 60
OWNED_SHOWN: Final = 5
"""How many projects the page names of which their owner is no member."""
MANY_UNUSED: Final = 4
"""From so many meters of a project on that nothing is taken of, the page folds them away."""
LONG: Final = 12
"""From so many meters on, the page offers to search."""


class ShownProject(NamedTuple):
    """A project, with its meters: `unused` are folded away."""

    name: str
    state: str
    is_default: bool
    used: Sequence[Row]
    unused: Sequence[Row]


class Found(NamedTuple):
    """What the page reads: meters, projects by UUID (name and state), components, and services.

    `owned_only` are the projects that the user owns without being a member: UUIDs and names.
    """

    rows: Sequence[Row]
    projects: Mapping[str, tuple[str, str]]
    components: Mapping[int, str]
    services: Sequence[Mapping[str, str]]
    owned_only: Sequence[tuple[str, str]]
    grants: Sequence[OwnGrant]


async def overview(visit: UserVisit) -> Answer:
    """Shows the page."""
    service, user = visit.service, visit.user
    resources = {one.name: one for one in await service.resources()}
    read = service.read_much if await service.read(memberships.has_many, user.id) else service.read
    found = await read(_find, user, resources, visit.site.now)
    path = f"{visit.site.base}{OVERVIEW}"
    state = state_of(
        visit.request.query, path, [Column("limit", "Limit")], sort="-limit", size=METERS_OF_A_PAGE
    )
    rows = [row for row in found.rows if _matches(row, found.projects[row.project][0], state.search)]
    page = page_of_list(state, rows, {"limit": lambda row: row.nearness})
    return visit.page(
        "overview.html",
        state=state,
        page=page,
        is_long=len(found.rows) > LONG,
        projects=list(_by_project(page.rows, found.projects, user, folds=not state.search)),
        refusals=await own_refusals(
            visit, resources, resources, Surroundings(found.rows, found.projects, found.components)
        ),
        services=found.services,
        owned_only=found.owned_only,
        grants=found.grants[:MOST],
        more_grants=max(0, len(found.grants) - MOST),
    )


def _find(connection: Connection, user: User, resources: Mapping[str, Resource], now: int) -> Found:
    rows, names, granted = meters_of(connection, user, resources, now)
    components = registry.list_components(connection)
    return Found(
        rows,
        names,
        names_of_components(connection),
        [
            {"url": str(entry["url"]), "name": str(entry["verbose_name"])}
            for entry in menu(components)
            if _is_web(entry["url"]) and entry["cloudbar"]["show"]
        ],
        list_owned_only(connection, user.id, user.uuid, most=OWNED_SHOWN),
        granted,
    )


def _is_web(url: object) -> bool:
    return isinstance(url, str) and url.startswith(("https://", "http://"))


def _matches(row: Row, project: str, search: str) -> bool:
    texts = (row.own.resource, row.own.description, project)
    return all(any(word in text.lower() for text in texts) for word in search.lower().split())


def _by_project(
    rows: Iterable[Row], names: Mapping[str, tuple[str, str]], user: User, *, folds: bool
) -> Iterable[ShownProject]:
    """Yields the projects in the order of the meter of each that is nearest to its limit.

    If a project has many that nobody takes anything of, and `folds`, these are apart from the others.
    """
    gathered: dict[str, list[Row]] = {}
    for row in rows:
        gathered.setdefault(row.project, []).append(row)
    for uuid, of_project in gathered.items():
        name, state = names[uuid]
        unused = [row for row in of_project if row.nearness == 0]
        if not folds or len(unused) < MANY_UNUSED:
            unused = []
        used = [row for row in of_project if row not in unused]
        yield ShownProject(name, state, uuid == user.default_project, used, unused)


ROUTES = (user_page(OVERVIEW, overview),)
