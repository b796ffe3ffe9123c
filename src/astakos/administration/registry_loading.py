"""Loads entries of `components`, `services` and `resources` of a state document."""

from collections.abc import Iterable

from astakos.administration.component_tokens import REPLACED, refuse_token_name
from astakos.administration.document_places import Place
from astakos.administration.document_tokens import token_at
from astakos.administration.document_values import (
    limit_at,
    new_name_at,
    optional_instant_at,
    scale_at,
    secret_at,
    text_at,
    thresholds_at,
    web_url_at,
)
from astakos.administration.journal import (
    Journal,
    facts_of_component,
    facts_of_resource,
    facts_of_service,
)
from astakos.administration.meter_loading import check_meter
from astakos.administration.state_document import ComponentEntry, ResourceEntry, ServiceEntry, StateError
from astakos.administration.unknown_resources import no_such_resource
from astakos.directory.charging_rights import MayCharge
from astakos.directory.entities import Component, Resource
from astakos.directory.service_catalog import refuse_menu
from astakos.ledger.rules import UNLIMITED
from astakos.storage.protocol import Connection
from astakos.storage.tables import component_tokens, meters, registry
from astakos.storage.tables.component_tokens import ComponentToken

UNTOLD = Resource(0, "", "", "", None, "", 0, 0, ui_visible=False, api_visible=False)
"""A resource that tells the ledger nothing."""


def load_component(
    connection: Connection, entry: ComponentEntry, place: Place, now: int, journal: Journal
) -> None:
    """Registers a component, or changes it to match its entry."""
    known = registry.find_component(connection, entry.name)
    if known is None:
        new_name_at(entry.name, place / "name", "compute")
    refusal = refuse_menu(entry.menu)
    if refusal:
        raise (place / "menu").error(refusal)
    component = Component(
        0,
        entry.name,
        web_url_at(entry.ui_url, place / "ui_url"),
        web_url_at(entry.base_url, place / "base_url"),
        menu=entry.menu,
        may_charge=_may_charge(entry, known),
    )
    registry.save_component(connection, component)
    before = None if known is None else facts_of_component(known)
    journal.compare("component", before, facts_of_component(component), name=entry.name)
    _load_token(connection, entry, known, place, now, journal)
    _load_named_tokens(connection, entry, place, now, journal)


def _load_token(
    connection: Connection,
    entry: ComponentEntry,
    known: Component | None,
    place: Place,
    now: int,
    journal: Journal,
) -> None:
    declared = secret_at(entry.token, entry.token_hash, place)
    held = registry.find_component_token_hash(connection, entry.name)
    token = token_at(declared, held, entry, place)
    if token is None:
        return
    owner = registry.find_component_by_token(connection, token)
    if owner is not None and owner.name != entry.name:
        raise (place / "token").error(f"the component {owner.name!r} already has this token")
    kept = known if token == held else None
    created = optional_instant_at(entry.token_created, place / "token_created")
    if created is None:
        created = now if kept is None or kept.token_created is None else kept.token_created
    expires = optional_instant_at(entry.token_expires, place / "token_expires")
    if expires is None and declared is None and kept is not None:
        expires = kept.token_expires
    registry.set_component_token(connection, entry.name, token, created, expires)
    if token != held:
        journal.note("component.token_renewed", after={"component": entry.name})


def _load_named_tokens(
    connection: Connection, entry: ComponentEntry, place: Place, now: int, journal: Journal
) -> None:
    """Gives a component exactly the named tokens of its entry, if that has some."""
    component = registry.find_component(connection, entry.name)
    if entry.tokens is None or component is None:
        return
    known = {one.name: one for one in component_tokens.list_of(connection, component.id)}
    wanted: list[ComponentToken] = []
    for position, one in enumerate(entry.tokens):
        here = place / f"tokens[{position}]"
        # A token that was replaced keeps its name in a dump.
        try:
            refuse_token_name(one.name.removesuffix(REPLACED))
        except StateError as refusal:
            raise (here / "name").error(str(refusal)) from refusal
        hashed = secret_at(one.token, one.token_hash, here)
        if hashed is None:
            raise (here / "token").error("the token is missing")
        owner = registry.find_component_by_token(connection, hashed)
        if owner is not None and owner.name != entry.name:
            raise (here / "token").error(f"the component {owner.name!r} already has this token")
        if one.name in {other.name for other in wanted} or hashed in _hashes(connection, entry, wanted):
            raise here.error("the component has this name or this token twice")
        kept = known.get(one.name)
        created = optional_instant_at(one.created, here / "created")
        if created is None:
            created = now if kept is None or kept.token_hash != hashed else kept.created
        expires = optional_instant_at(one.expires, here / "expires")
        wanted.append(ComponentToken(one.name, hashed, created, expires))
    component_tokens.replace_all(connection, component.id, wanted)
    new = {one.name: one.token_hash for one in wanted}
    old = {one.name: one.token_hash for one in known.values()}
    for name in sorted({*old, *new}):
        if old.get(name) != new.get(name):
            after = {"component": entry.name, "token": name}
            if name not in old:
                journal.note("component.token_added", after=after)
            elif name not in new:
                journal.note("component.token_revoked", after=after)
            else:
                journal.note("component.token_renewed", after=after)


def _hashes(connection: Connection, entry: ComponentEntry, tokens: Iterable[ComponentToken]) -> set[bytes]:
    own = registry.find_component_token_hash(connection, entry.name)
    return {*(one.token_hash for one in tokens), *(() if own is None else (own,))}


def _may_charge(entry: ComponentEntry, known: Component | None) -> MayCharge:
    """Returns what an entry lets a component charge; if it does not say, what the component can charge."""
    if entry.may_charge is None:
        return None if known is None else known.may_charge
    return tuple(sorted(set(entry.may_charge))) if isinstance(entry.may_charge, list) else entry.may_charge


def require_charged_resources(connection: Connection, entry: ComponentEntry, place: Place) -> None:
    """Checks what a component may charge, which the same document may have registered."""
    if isinstance(entry.may_charge, list):
        for position, name in enumerate(entry.may_charge):
            if not registry.has_resource(connection, name):
                raise (place / f"may_charge[{position}]").error(no_such_resource(connection, name))


def load_service(connection: Connection, entry: ServiceEntry, place: Place, journal: Journal) -> None:
    """Registers a service, or changes it to match its entry."""
    if registry.find_component(connection, entry.component) is None:
        raise (place / "component").error(f"there is no component {entry.component!r}")
    known = {service.name: service for service in registry.list_services(connection)}
    if entry.name not in known:
        new_name_at(entry.name, place / "name", "compute")
    elif known[entry.name].component.name != entry.component:
        owner = known[entry.name].component.name
        raise (place / "name").error(
            f"the service {entry.name!r} already belongs to the component {owner!r}; use another name"
        )
    text_at(entry.type, place / "type")
    for position, endpoint in enumerate(entry.endpoints):
        here = place / f"endpoints[{position}]"
        missing = [key for key in ("versionId", "publicURL") if key not in endpoint]
        if missing:
            raise here.error(f"the key {missing[0]!r} is missing")
        web_url_at(endpoint["publicURL"], here / "publicURL")
    registry.save_service(connection, entry.name, entry.type, entry.component, entry.endpoints)
    before = facts_of_service(known[entry.name]) if entry.name in known else None
    after = {
        "type": entry.type,
        "component": entry.component,
        "endpoints": [dict(endpoint) for endpoint in entry.endpoints],
    }
    journal.compare("service", before, after, name=entry.name)


def load_resource(
    connection: Connection, entry: ResourceEntry, place: Place, journal: Journal
) -> Resource | None:
    """Registers a resource, or changes it to match its entry; returns it if it is new.

    The projects that there are do not have a new one yet: see `limit_updates.sync_resource`.
    """
    services = {service.name: service for service in registry.list_services(connection)}
    service = services.get(entry.service)
    if service is None:
        raise (place / "service").error(f"there is no service {entry.service!r}")
    if entry.service_type not in (None, service.type):
        raise (place / "service_type").error(f"the service {service.name!r} is of type {service.type!r}")
    known = {resource.name: resource for resource in registry.list_resources(connection)}
    if entry.name in known:
        owner = services[known[entry.name].service].component.name
        if owner != service.component.name:
            raise (place / "service").error(
                f"the resource {entry.name!r} already belongs to the component {owner!r}; use another name"
            )
    elif entry.meter is None:
        new_name_at(entry.name, place / "name", "compute.vm")
    known_meter = check_meter(connection, entry, place)
    ui_visible = entry.api_visible if entry.ui_visible is None else entry.ui_visible
    if ui_visible and not entry.api_visible:
        raise (place / "ui_visible").error("a resource visible in the UI must be visible in the API")
    project_default = entry.project_default
    if project_default is None:
        project_default = 0 if entry.api_visible and entry.meter is None else UNLIMITED
    resource = Resource(
        id=0,
        name=entry.name,
        service=entry.service,
        service_type=service.type,
        unit=entry.unit,
        scale=scale_at(entry.scale, place / "scale"),
        description=entry.description,
        system_default=limit_at(entry.system_default, place / "system_default"),
        project_default=limit_at(project_default, place / "project_default"),
        ui_visible=ui_visible,
        api_visible=entry.api_visible,
        max_debt=limit_at(entry.max_debt, place / "max_debt"),
        thresholds=thresholds_at(entry.thresholds, place / "thresholds"),
        shadow=entry.shadow,
    )
    registry.save_resource(connection, resource)
    if _told_the_ledger(resource) != _told_the_ledger(known.get(entry.name, UNTOLD)):
        meters.note_change(connection)
    if entry.meter is not None:
        meters.save_definition(connection, entry.name, entry.meter)
    before = facts_of_resource(known[entry.name], known_meter) if entry.name in known else None
    after = facts_of_resource(resource, entry.meter)
    journal.compare("resource", before, after, name=entry.name)
    return None if entry.name in known else resource


def _told_the_ledger(resource: Resource) -> tuple[object, ...]:
    return resource.max_debt, resource.thresholds, resource.shadow
