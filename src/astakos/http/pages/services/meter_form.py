"""`ui/admin/services/new-meter/<resource>` and `change-meter/<meter>`: limits of a resource by period."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from astakos.administration.registered_entries import entry_of_resource, meter_name
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.http.faults import ItemNotFound
from astakos.http.pages.page_kinds import administrator_action, administrator_making, administrator_page
from astakos.http.pages.services.visited import (
    NO_RESOURCE,
    SERVICES,
    KnownResource,
    apply,
    apply_new,
    resource_path,
    visited_resource,
)
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.ledger.meter_definitions import Kind, MeterDefinition
from astakos.ledger.periods import Unit
from astakos.ledger.rules import UNLIMITED
from astakos.pages.amounts import read_amount, written
from astakos.pages.preferences import Preferences
from astakos.pages.sentences import sentence
from astakos.storage.tables import registry

NEW: Final = f"{SERVICES}/new-meter"
CHANGE: Final = f"{SERVICES}/change-meter"
KINDS: Final = (
    (Kind.BUDGET.value, "Budget: begins anew with each period of the calendar"),
    (Kind.WINDOW.value, "Window: a period begins with the first use"),
    (Kind.RATE.value, "Rate: what is used is forgotten all the time"),
)
UNITS: Final = tuple((unit.value, unit.value) for unit in Unit)
MOST_DIGITS: Final = 9


async def new(visit: UserVisit) -> Answer:
    """Shows the form for a new limit by period."""
    known = await _base(visit)
    given = {"every": "1", "unit": Unit.MONTH.value, "zone": "UTC", "rollover": "0"}
    return _form(visit, known, given, {})


async def _base(visit: UserVisit) -> KnownResource:
    known = await visit.service.read(visited_resource, visit)
    if known.meter is not None:
        raise ItemNotFound(NO_RESOURCE)
    return known


async def register(visit: UserVisit) -> Answer:
    """Registers a limit by period."""
    known, given = await _base(visit), _given(visit)
    errors: dict[str, str] = {}
    definition = _definition(visit.site.preferences, known, given, errors)
    limit = _amount(visit.site.preferences, known, given, "limit", errors)
    if errors:
        return _form(visit, known, given, errors)
    base = known.resource
    name = meter_name(base.name, definition.kind, definition.unit, definition.every)
    entry = ResourceEntry(
        name=name,
        service=base.service,
        unit=base.unit,
        scale=base.scale,
        description=f"{base.name} {definition.in_words()}",
        system_default=limit,
        project_default=UNLIMITED,
        ui_visible=base.ui_visible,
        api_visible=base.api_visible,
        meter=definition,
    )
    refusal = await apply_new(
        visit,
        StateDocument(resources=[entry]),
        resource_path(name),
        is_taken=lambda connection: registry.find_resource(connection, name) is not None,
        taken=f"There is {name} already. Change its default limit or period.",
    )
    if refusal:
        return _form(visit, known, given, {"": refusal})
    return visit.done(f"{name} has been registered.", resource_path(name))


async def ask_for_change(visit: UserVisit) -> Answer:
    """Shows the form that changes a period."""
    known, meter = await _meter(visit)
    given = {
        "kind": meter.kind.value,
        "every": str(meter.every),
        "unit": meter.unit.value,
        "zone": meter.zone,
        "anchor": meter.anchor or "",
        "rollover": written(
            meter.rollover, visit.site.preferences, known.resource.unit, known.resource.scale
        ),
    }
    return _form(visit, known, given, {})


async def change(visit: UserVisit) -> Answer:
    """Changes a period."""
    known, meter = await _meter(visit)
    given = _given(visit)
    errors: dict[str, str] = {}
    definition = _definition(visit.site.preferences, known, given, errors)
    if errors:
        return _form(visit, known, given, errors)
    kept = msgspec.structs.replace(definition, keeps_debt=meter.keeps_debt)
    refusal = await apply(visit, StateDocument(resources=[entry_of_resource(known.resource, kept)]))
    if refusal:
        return _form(visit, known, given, {"": refusal})
    name = known.resource.name
    return visit.done(f"{name} now counts {kept.in_words()}.", resource_path(name))


async def _meter(visit: UserVisit) -> tuple[KnownResource, MeterDefinition]:
    known = await visit.service.read(visited_resource, visit)
    if known.meter is None:
        raise ItemNotFound(NO_RESOURCE)
    return known, known.meter


def _given(visit: UserVisit) -> dict[str, str]:
    return {name: text.strip() for name, text in visit.form.items()}


def _definition(
    preferences: Preferences, known: KnownResource, given: Mapping[str, str], errors: dict[str, str]
) -> MeterDefinition:
    kind = next((kind for kind in Kind if kind.value == given.get("kind")), Kind.BUDGET)
    unit = next((unit for unit in Unit if unit.value == given.get("unit")), Unit.MONTH)
    digits = given.get("every", "1")
    every = int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= MOST_DIGITS else 0
    if not every:
        errors["every"] = "Write a whole number, from 1."
    # Only periods of the calendar begin in a time zone, and leave something over.
    terms: dict[str, Any] = {}
    if kind is Kind.BUDGET:
        terms = {
            "zone": given.get("zone") or "UTC",
            "anchor": given.get("anchor") or None,
            "rollover": _amount(preferences, known, {"rollover": "0", **given}, "rollover", errors),
        }
    return MeterDefinition(kind=kind, unit=unit, every=every or 1, **terms)


def _amount(
    preferences: Preferences,
    known: KnownResource,
    given: Mapping[str, str],
    name: str,
    errors: dict[str, str],
) -> int:
    try:
        return read_amount(given.get(name, ""), preferences, known.resource.unit, known.resource.scale)
    except ValueError as error:
        errors[name] = sentence(str(error))
        return 0


def _form(
    visit: UserVisit, known: KnownResource, given: Mapping[str, str], errors: Mapping[str, str]
) -> Answer:
    name, is_new = known.resource.name, known.meter is None
    return visit.page(
        "services/meter_form.html",
        status=422 if errors else 200,
        name=name,
        is_new=is_new,
        path=resource_path(name),
        action=f"{SERVICES}/{'save-new-meter' if is_new else 'save-meter'}/{name}",
        given=given,
        problems=errors,
        kinds=KINDS,
        units=UNITS,
    )


ROUTES = (
    administrator_page(f"{NEW}/{{resource}}", new),
    administrator_making(f"{SERVICES}/save-new-meter/{{resource}}", register),
    administrator_page(f"{CHANGE}/{{resource}}", ask_for_change),
    administrator_action(f"{SERVICES}/save-meter/{{resource}}", change),
)
