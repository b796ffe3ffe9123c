"""Renews the tokens of components, and registers this program's own services."""

import os

from astakos.administration.state_document import StateError
from astakos.directory.entities import Component
from astakos.directory.service_catalog import OWN_COMPONENT, OWN_SERVICES, own_endpoint
from astakos.directory.tokens import new_token, token_hash
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import registry
from astakos.storage.texts import is_storable


def renew_component_token(connection: Connection, name: str, now: int) -> str:
    """Replace a component's token and return the new one, which cannot be shown again.

    Raises:
        StateError: there is no such component.
    """
    if registry.find_component(connection, name) is None:
        raise StateError(f"there is no component {name!r}")
    token = new_token(os.urandom)
    registry.set_component_token(connection, name, token_hash(token), now, None)
    return token


def register_own_services(database: Database, base_url: str) -> None:
    """Register this program's own services in the service catalog, below its base URL.

    Raises:
        StateError: the base URL contains characters that cannot be stored.
    """
    if not is_storable(base_url):
        raise StateError(f"the base URL cannot contain NUL or lone surrogates: {base_url!r}")
    wanted = {name: own_endpoint(base_url, prefix, version) for name, _, prefix, version in OWN_SERVICES}
    present = {service.name: service for service in registry.list_services(database.reader())}
    if all(name in present and present[name].endpoints == (endpoint,) for name, endpoint in wanted.items()):
        return

    def register(connection: Connection) -> None:
        if registry.find_component(connection, OWN_COMPONENT) is None:
            component = Component(
                0, OWN_COMPONENT, f"{base_url}/ui", base_url, menu={"cloudbar": {"show": False}}
            )
            registry.save_component(connection, component)
        for name, kind, _, _ in OWN_SERVICES:
            registry.save_service(connection, name, kind, OWN_COMPONENT, [wanted[name]])

    database.change(register)
