"""Renews the tokens of components, and registers this program's own services."""

from dataclasses import replace
from typing import Any

from astakos.administration.component_tokens import replace_token
from astakos.administration.journal import Journal, facts_of_component, facts_of_service
from astakos.administration.state_document import StateError
from astakos.directory.entities import Component
from astakos.directory.service_catalog import OWN_COMPONENT, OWN_SERVICES, own_endpoint
from astakos.events.event import SERVICE, Actor
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import registry
from astakos.storage.texts import is_storable


def renew_component_token(connection: Connection, actor: Actor, name: str, now: int) -> str:
    """Replaces a component's token and returns the new one, which cannot be shown again.

    Raises:
        StateError: there is no such component.
    """
    return replace_token(connection, actor, name, now)


def register_own_services(database: Database, base_url: str, now: int) -> None:
    """Registers this program's own services in the service catalog, below its base URL.

    The component's own URLs follow the base URL, except those that an operator has set.

    Raises:
        StateError: the base URL contains characters that cannot be stored.
    """
    if not is_storable(base_url):
        raise StateError(f"the base URL cannot contain NUL or lone surrogates: {base_url!r}")
    wanted = {name: own_endpoint(base_url, prefix, version) for name, _, prefix, version in OWN_SERVICES}

    def is_registered(connection: Connection) -> bool:
        present = {service.name: service.endpoints for service in registry.list_services(connection)}
        if any(present.get(name) != (endpoint,) for name, endpoint in wanted.items()):
            return False
        return registry.find_component(connection, OWN_COMPONENT) == _wanted_component(connection, base_url)

    def register(connection: Connection) -> None:
        before = _registered(connection)
        registry.save_component(connection, _wanted_component(connection, base_url))
        for name, kind, _, _ in OWN_SERVICES:
            registry.save_service(connection, name, kind, OWN_COMPONENT, [wanted[name]])
        with Journal(connection, SERVICE, now) as journal:
            for (thing, name), facts in _registered(connection).items():
                journal.compare(thing, before.get((thing, name)), facts, name=name)

    if not is_registered(database.reader()):
        database.change(register)


def _registered(connection: Connection) -> dict[tuple[str, str], dict[str, Any]]:
    """Returns what the audit log tells of this program's component and services."""
    component = registry.find_component(connection, OWN_COMPONENT)
    found = {} if component is None else {("component", OWN_COMPONENT): facts_of_component(component)}
    for service in registry.list_services(connection):
        if service.component.name == OWN_COMPONENT:
            found["service", service.name] = facts_of_service(service)
    return found


def _own_component(base_url: str) -> Component:
    return Component(0, OWN_COMPONENT, f"{base_url}/ui", base_url, menu={"cloudbar": {"show": False}})


def _wanted_component(connection: Connection, base_url: str) -> Component:
    """Returns this program's component at a base URL, with what an operator has set."""
    present = registry.find_component(connection, OWN_COMPONENT)
    own = _own_component(base_url)
    if present is None:
        return own
    former = [_own_component(url) for url in _former_base_urls(connection, present)]
    return replace(
        present,
        ui_url=own.ui_url if present.ui_url in {one.ui_url for one in former} else present.ui_url,
        base_url=own.base_url if present.base_url in {one.base_url for one in former} else present.base_url,
    )


def _former_base_urls(connection: Connection, present: Component) -> set[str]:
    """Returns the base URLs that this program's component and the endpoints of its services were set for."""
    former = set()
    endpoints = {service.name: service.endpoints for service in registry.list_services(connection)}
    for name, _, prefix, version in OWN_SERVICES:
        below = own_endpoint("", prefix, version)["publicURL"]
        for endpoint in endpoints.get(name, ()):
            base_url = endpoint.get("publicURL", "").removesuffix(f"/{below}")
            if own_endpoint(base_url, prefix, version) == endpoint:
                former.add(base_url)
    # Earlier versions moved the endpoints alone, and left the component as they had registered it.
    if present.base_url is not None:
        registered = _own_component(present.base_url)
        if (present.ui_url, present.menu) == (registered.ui_url, registered.menu):
            former.add(present.base_url)
    return former
