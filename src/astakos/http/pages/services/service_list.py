"""`ui/admin/services`: all components with their services, and all resources with their default limits."""

from collections.abc import Sequence
from typing import Final, NamedTuple

from astakos.directory.entities import Component, Resource
from astakos.http.pages.page_kinds import administrator_page
from astakos.http.pages.services.visited import SERVICES, component_path, resource_path
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.pages.tables import Column, page_of_list, state_of
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry
from astakos.storage.tables.meters import find_definitions

RESOURCES_OF_A_PAGE: Final = 50
COLUMNS: Final = (
    Column("name", "Resource"),
    Column("service", "Service"),
    Column("default", "Default limit", is_number=True),
    Column("period", "Period", sorts=False),
    Column("seen", "Seen by users", sorts=False),
)


class ShownComponent(NamedTuple):
    """A component, and the names of its services."""

    component: Component
    path: str
    services: Sequence[str]


class ShownResource(NamedTuple):
    """A resource, and the period of the meter that it is, in words."""

    resource: Resource
    path: str
    period: str


async def service_list(visit: UserVisit) -> Answer:
    """Shows the page."""
    components, resources = await visit.service.read(_find)
    state = state_of(
        visit.request.query,
        f"{visit.site.base}{SERVICES}",
        COLUMNS,
        sort="service",
        size=RESOURCES_OF_A_PAGE,
    )
    words = state.search.lower().split()
    shown = [
        one
        for one in resources
        if all(word in f"{one.resource.name} {one.resource.description}".lower() for word in words)
    ]
    keys = {
        "name": lambda one: one.resource.name,
        "service": lambda one: (one.resource.service, one.resource.name),
        "default": lambda one: one.resource.system_default,
    }
    return visit.page(
        "services/list.html",
        components=components,
        page=page_of_list(state, shown, keys),
        is_long=len(resources) > RESOURCES_OF_A_PAGE,
    )


def _find(connection: Connection) -> tuple[Sequence[ShownComponent], Sequence[ShownResource]]:
    services: dict[str, list[str]] = {}
    for service in registry.list_services(connection):
        services.setdefault(service.component.name, []).append(service.name)
    meters = find_definitions(connection)
    return (
        [
            ShownComponent(one, component_path(one.name), services.get(one.name, []))
            for one in registry.list_components(connection)
        ],
        [
            ShownResource(
                one, resource_path(one.name), meters[one.name].in_words() if one.name in meters else ""
            )
            for one in registry.list_resources(connection)
        ],
    )


ROUTES = (administrator_page(SERVICES, service_list),)
