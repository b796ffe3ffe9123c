"""Components, their services and endpoints, and the resources that services offer."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from astakos.directory.charging_rights import ChargingRight, MayCharge, charging_right
from astakos.directory.entities import Component, Resource, Service
from astakos.storage.protocol import Connection
from astakos.storage.texts import is_storable

COMPONENT_COLUMNS = (
    "c.id, c.name, c.ui_url, c.base_url, c.token_created, c.token_expires, c.menu, c.may_charge"
)
FIND_COMPONENT_BY_TOKEN = f"SELECT {COMPONENT_COLUMNS} FROM components c WHERE c.token_hash = ?"
FIND_COMPONENT_BY_NAMED_TOKEN = """
SELECT c.id, c.name, c.ui_url, c.base_url, t.created, t.expires, c.menu, c.may_charge
FROM component_tokens t JOIN components c ON c.id = t.component_id WHERE t.token_hash = ?
"""
FIND_COMPONENT = f"SELECT {COMPONENT_COLUMNS} FROM components c WHERE c.name = ?"
LIST_COMPONENTS = f"SELECT {COMPONENT_COLUMNS} FROM components c ORDER BY c.id"
SAVE_COMPONENT = """
INSERT INTO components (name, ui_url, base_url, menu, may_charge) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET ui_url = excluded.ui_url, base_url = excluded.base_url, menu = excluded.menu,
    may_charge = excluded.may_charge
"""
SET_COMPONENT_TOKEN = """
UPDATE components SET token_hash = ?, token_created = ?, token_expires = ? WHERE name = ?
"""
END_COMPONENT_TOKEN = """
UPDATE components SET token_hash = NULL, token_created = NULL, token_expires = NULL WHERE name = ?
"""
FIND_MAY_CHARGE = "SELECT may_charge FROM components WHERE id = ?"
FIND_COMPONENT_TOKEN_HASH = "SELECT token_hash FROM components WHERE name = ?"

LIST_SERVICES = f"""
SELECT s.id, s.name, s.type, {COMPONENT_COLUMNS} FROM services s JOIN components c ON c.id = s.component_id
ORDER BY s.id
"""
LIST_NAMES_OF_SERVICES = "SELECT component_id, name FROM services"
LIST_ENDPOINTS = "SELECT service_id, data FROM endpoints ORDER BY id"
LIST_ENDPOINTS_OF = "SELECT data FROM endpoints WHERE service_id = ? ORDER BY id"
SAVE_SERVICE = """
INSERT INTO services (name, type, component_id) SELECT ?, ?, id FROM components WHERE name = ?
ON CONFLICT (name) DO UPDATE SET type = excluded.type
RETURNING id
"""
DELETE_ENDPOINTS = "DELETE FROM endpoints WHERE service_id = ?"
INSERT_ENDPOINT = "INSERT INTO endpoints (service_id, data) VALUES (?, ?)"

RESOURCE_COLUMNS = """
r.id, r.name, s.name, s.type, r.unit, r.description, r.system_default, r.project_default, r.ui_visible,
r.api_visible, r.scale, r.max_debt, r.thresholds, r.shadow
"""
LIST_RESOURCES = f"""
SELECT {RESOURCE_COLUMNS} FROM resources r JOIN services s ON s.id = r.service_id ORDER BY r.id
"""
FIND_WHOLE_RESOURCE = f"""
SELECT {RESOURCE_COLUMNS} FROM resources r JOIN services s ON s.id = r.service_id WHERE r.name = ?
"""
LIST_SCALES = "SELECT name, scale FROM resources"
LIST_RESOURCES_OF = """
SELECT r.name FROM resources r JOIN services s ON s.id = r.service_id WHERE s.component_id = ?
"""
FIND_RESOURCE = "SELECT id FROM resources WHERE name = ?"
FIND_COMPONENT_OF_RESOURCE = """
SELECT s.component_id FROM resources r JOIN services s ON s.id = r.service_id WHERE r.name = ?
"""
SAVE_RESOURCE = """
INSERT INTO resources (name, service_id, unit, description, system_default, project_default, ui_visible,
                       api_visible, scale, max_debt, thresholds, shadow)
SELECT ?, id, ?, ?, ?, ?, ?, ?, ?, ?, ?, ? FROM services WHERE name = ?
ON CONFLICT (name) DO UPDATE SET
    service_id = excluded.service_id, unit = excluded.unit, description = excluded.description,
    system_default = excluded.system_default, project_default = excluded.project_default,
    ui_visible = excluded.ui_visible, api_visible = excluded.api_visible, scale = excluded.scale,
    max_debt = excluded.max_debt, thresholds = excluded.thresholds, shadow = excluded.shadow
"""


def _component(row: tuple[Any, ...]) -> Component:
    identifier, name, ui_url, base_url, token_created, token_expires, menu, may_charge = row
    return Component(
        identifier,
        name,
        ui_url,
        base_url,
        token_created,
        token_expires,
        json.loads(menu),
        _may_charge(may_charge),
    )


def _may_charge(stored: str | None) -> MayCharge:
    value = None if stored is None else json.loads(stored)
    return tuple(value) if isinstance(value, list) else value


def find_component_by_token(connection: Connection, token_hash: bytes) -> Component | None:
    """Finds a component by the hash of a token; the result has the times of that token."""
    for statement in (FIND_COMPONENT_BY_TOKEN, FIND_COMPONENT_BY_NAMED_TOKEN):
        row = connection.execute(statement, (token_hash,)).fetchone()
        if row is not None:
            return _component(row)
    return None


def find_component(connection: Connection, name: str) -> Component | None:
    """Finds a component by name."""
    if not is_storable(name):
        return None
    row = connection.execute(FIND_COMPONENT, (name,)).fetchone()
    return None if row is None else _component(row)


def list_components(connection: Connection) -> list[Component]:
    """Lists all components in the order in which they were registered."""
    return [_component(row) for row in connection.execute(LIST_COMPONENTS)]


def save_component(connection: Connection, component: Component) -> None:
    """Stores a component without its id and token; replaces one with the same name."""
    may_charge = None if component.may_charge is None else json.dumps(component.may_charge)
    connection.execute(
        SAVE_COMPONENT,
        (component.name, component.ui_url, component.base_url, json.dumps(component.menu), may_charge),
    )


def set_component_token(
    connection: Connection, name: str, token_hash: bytes, created: int, expires: int | None
) -> None:
    """Sets a component's token; the old one stops working when the transaction commits."""
    connection.execute(SET_COMPONENT_TOKEN, (token_hash, created, expires, name))


def end_component_token(connection: Connection, name: str) -> None:
    """Ends a component's own token; it stops working when the transaction commits."""
    connection.execute(END_COMPONENT_TOKEN, (name,))


def find_component_token_hash(connection: Connection, name: str) -> bytes | None:
    """Returns the hash of a component's token, if it has one."""
    row = connection.execute(FIND_COMPONENT_TOKEN_HASH, (name,)).fetchone()
    return None if row is None else row[0]


def list_services(connection: Connection) -> list[Service]:
    """Lists all services with their endpoints, in the order in which they were registered."""
    endpoints: dict[int, list[Mapping[str, str]]] = {}
    for service, data in connection.execute(LIST_ENDPOINTS):
        endpoints.setdefault(service, []).append(json.loads(data))
    return [
        Service(
            id=row[0],
            name=row[1],
            type=row[2],
            component=_component(row[3:]),
            endpoints=tuple(endpoints.get(row[0], ())),
        )
        for row in connection.execute(LIST_SERVICES)
    ]


def names_of_services(connection: Connection) -> dict[int, frozenset[str]]:
    """Returns the names of the services of each component, by its id."""
    names: dict[int, set[str]] = {}
    for component, name in connection.execute(LIST_NAMES_OF_SERVICES):
        names.setdefault(component, set()).add(name)
    return {component: frozenset(found) for component, found in names.items()}


def save_service(
    connection: Connection, name: str, kind: str, component: str, endpoints: Iterable[Mapping[str, str]]
) -> None:
    """Stores a service of an existing component; if the name exists, replaces its type and endpoints."""
    (service,) = connection.execute(SAVE_SERVICE, (name, kind, component)).fetchone()
    wanted = [(json.dumps(dict(endpoint)),) for endpoint in endpoints]
    if connection.execute(LIST_ENDPOINTS_OF, (service,)).fetchall() != wanted:
        connection.execute(DELETE_ENDPOINTS, (service,))
        connection.executemany(INSERT_ENDPOINT, ((service, data) for (data,) in wanted))


def list_resources(connection: Connection) -> list[Resource]:
    """Lists all resources in the order in which they were registered."""
    return [_resource(row) for row in connection.execute(LIST_RESOURCES)]


def _resource(row: tuple[Any, ...]) -> Resource:
    *facts, thresholds, shadow = row
    percents = None if thresholds is None else tuple(json.loads(thresholds))
    facts[8:10] = map(bool, facts[8:10])
    return Resource(*[*facts, percents, bool(shadow)])


def find_resource(connection: Connection, name: str) -> Resource | None:
    """Finds a resource by name."""
    row = connection.execute(FIND_WHOLE_RESOURCE, (name,)).fetchone() if is_storable(name) else None
    return None if row is None else _resource(row)


def scales(connection: Connection) -> dict[str, int]:
    """Returns how many digits after the point each resource has, by name."""
    return dict(connection.execute(LIST_SCALES))


def resources_of(connection: Connection, component: int) -> set[str]:
    """Returns the names of the resources that a component's services offer."""
    return {name for (name,) in connection.execute(LIST_RESOURCES_OF, (component,))}


def find_charging_right(connection: Connection, component: int) -> ChargingRight:
    """Returns which resources a component may charge and reconcile; none if there is no such component."""
    row = connection.execute(FIND_MAY_CHARGE, (component,)).fetchone()
    return charging_right(() if row is None else _may_charge(row[0]), resources_of(connection, component))


def has_resource(connection: Connection, name: str) -> bool:
    """Returns whether a resource exists."""
    return is_storable(name) and connection.execute(FIND_RESOURCE, (name,)).fetchone() is not None


def component_of_resource(connection: Connection, name: str) -> int | None:
    """Returns the id of the component whose service offers a resource; None if there is no such resource."""
    row = connection.execute(FIND_COMPONENT_OF_RESOURCE, (name,)).fetchone()
    return None if row is None else row[0]


def save_resource(connection: Connection, resource: Resource) -> None:
    """Stores a resource of an existing service, without its id; replaces one with the same name."""
    connection.execute(
        SAVE_RESOURCE,
        (
            resource.name,
            resource.unit,
            resource.description,
            resource.system_default,
            resource.project_default,
            resource.ui_visible,
            resource.api_visible,
            resource.scale,
            resource.max_debt,
            None if resource.thresholds is None else json.dumps(resource.thresholds),
            resource.shadow,
            resource.service,
        ),
    )
