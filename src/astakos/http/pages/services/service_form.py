"""`ui/admin/services/components/<name>/new-service` and `change-service/<name>`: services of components."""

from collections.abc import Mapping, Sequence
from typing import Final

from astakos.administration.state_document import ServiceEntry, StateDocument
from astakos.directory.entities import Component, Service
from astakos.directory.service_catalog import OWN_COMPONENT
from astakos.http.faults import Conflict, ItemNotFound
from astakos.http.pages.field_lengths import LONGEST_REGISTERED, too_long
from astakos.http.pages.page_kinds import administrator_action, administrator_making, administrator_page
from astakos.http.pages.services.visited import (
    ANY_NAME,
    COMPONENT,
    SERVICES,
    apply,
    apply_new,
    component_path,
    service_path,
    visited_component,
)
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry

CHANGE: Final = f"{SERVICES}/change-service"
SAVE: Final = f"{SERVICES}/save-service"
NO_SERVICE: Final = "There is no such service."
EXISTS: Final = "There is a service of this name already."
OWN_SERVICES: Final = "This service registers its own services itself."
URL, VERSION = "publicURL", "versionId"


async def new(visit: UserVisit) -> Answer:
    """Shows the form for one more service of a component."""
    component = await visit.service.read(_component, visit)
    return _form(visit, component, None, {})


async def register(visit: UserVisit) -> Answer:
    """Registers a service."""
    component = await visit.service.read(_component, visit)
    given = {name: text.strip() for name, text in visit.form.items()}
    errors = too_long(given, LONGEST_REGISTERED)
    if errors:
        return _form(visit, component, None, given, errors=errors)
    name = given.get("name", "")
    entry = ServiceEntry(
        name=name,
        type=given.get("type") or name,
        component=component.name,
        endpoints=_endpoints(given.get("endpoints", ""), ()),
    )
    path = component_path(component.name)
    refusal = await apply_new(
        visit,
        StateDocument(services=[entry]),
        path,
        is_taken=lambda connection: any(one.name == name for one in registry.list_services(connection)),
        taken=EXISTS,
    )
    if refusal:
        return _form(visit, component, None, given, refusal)
    return visit.done(f"The service {name} has been registered.", path)


async def ask_for_change(visit: UserVisit) -> Answer:
    """Shows the form that changes a service."""
    service = await visit.service.read(_service, visit)
    return _form(visit, service.component, service, _known(service))


def _known(service: Service) -> Mapping[str, str]:
    lines = [f"{one.get(URL, '')} {one.get(VERSION, '')}".strip() for one in service.endpoints]
    return {"type": service.type, "endpoints": "\n".join(lines)}


async def change(visit: UserVisit) -> Answer:
    """Changes a service."""
    service = await visit.service.read(_service, visit)
    given = {name: text.replace("\r\n", "\n").strip() for name, text in visit.form.items()}
    errors = too_long(given, LONGEST_REGISTERED, _known(service))
    if errors:
        return _form(visit, service.component, service, given, errors=errors)
    entry = ServiceEntry(
        name=service.name,
        type=given.get("type") or service.name,
        component=service.component.name,
        endpoints=_endpoints(given.get("endpoints", ""), service.endpoints),
    )
    refusal = await apply(visit, StateDocument(services=[entry]))
    if refusal:
        return _form(visit, service.component, service, given, refusal)
    return visit.done(f"The service {entry.name} has been changed.", component_path(service.component.name))


def _endpoints(text: str, known: Sequence[Mapping[str, str]]) -> list[dict[str, str]]:
    """Returns the endpoints that lines name; what else is known of one of the same address stays."""
    found = []
    for line in text.splitlines():
        url, _, version = line.strip().partition(" ")
        if url:
            before = next((dict(one) for one in known if one.get(URL, "").rstrip("/") == url.rstrip("/")), {})
            found.append({**before, VERSION: version.strip(), URL: url.rstrip("/")})
    return found


def _component(connection: Connection, visit: UserVisit) -> Component:
    component = visited_component(connection, visit)
    if component.name == OWN_COMPONENT:
        raise Conflict(OWN_SERVICES)
    return component


def _service(connection: Connection, visit: UserVisit) -> Service:
    name = visit.request.parameter
    found = next((one for one in registry.list_services(connection) if one.name == name), None)
    if found is None:
        raise ItemNotFound(NO_SERVICE)
    if found.component.name == OWN_COMPONENT:
        raise Conflict(OWN_SERVICES)
    return found


def _form(
    visit: UserVisit,
    component: Component,
    service: Service | None,
    given: Mapping[str, str],
    error: str = "",
    errors: Mapping[str, str] | None = None,
) -> Answer:
    path = component_path(component.name)
    return visit.page(
        "services/service_form.html",
        status=422 if error or errors else 200,
        component=component,
        name=None if service is None else service.name,
        back=path,
        action=f"{path}/new-service/register" if service is None else service_path(SAVE, service.name),
        given=given,
        error=error,
        errors=errors or {},
    )


ROUTES = (
    administrator_page(f"{COMPONENT}/{{name}}/new-service", new, ANY_NAME),
    administrator_making(f"{COMPONENT}/{{name}}/new-service/register", register, ANY_NAME),
    administrator_page(f"{CHANGE}/{{name}}", ask_for_change, ANY_NAME),
    administrator_action(f"{SAVE}/{{name}}", change, ANY_NAME),
)
