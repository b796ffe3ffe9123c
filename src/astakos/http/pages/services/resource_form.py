"""`ui/admin/services/new-resource` and `change-resource/<name>`: what a resource is."""

from collections.abc import Mapping
from typing import Final

import msgspec

from astakos.administration.registered_entries import entry_of_resource
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.http.pages.field_lengths import LONGEST_REGISTERED, too_long
from astakos.http.pages.page_kinds import administrator_action, administrator_making, administrator_page
from astakos.http.pages.services.visited import (
    SERVICES,
    KnownResource,
    apply,
    apply_new,
    resource_path,
    visited_resource,
)
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.pages.amounts import read_amount, written
from astakos.pages.preferences import Preferences
from astakos.pages.sentences import sentence
from astakos.pages.thresholds import read_thresholds, written_thresholds
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry

NEW: Final = f"{SERVICES}/new-resource"
CHANGE: Final = f"{SERVICES}/change-resource"
SEEN: Final = (("all", "Users and programs"), ("programs", "Programs only"), ("none", "Nobody"))
LIMITS: Final = (("enforce", "Are enforced"), ("shadow", "Only report what they would refuse"))
AMOUNTS: Final = ("system_default", "project_default", "max_debt")
EXISTS: Final = "There is a resource of this name already."
NO_SERVICE: Final = "Choose a service"
LARGEST_SCALE: Final = 18


class RefusedFormError(Exception):
    """A field cannot be what it is; `errors` says why, by field."""

    def __init__(self, errors: Mapping[str, str]) -> None:
        """Sets what is wrong."""
        super().__init__()
        self.errors = errors


async def new(visit: UserVisit) -> Answer:
    """Shows the form for a new resource."""
    begin = {"system_default": "0", "project_default": "0", "max_debt": "0", "scale": "0"}
    return await _form(visit, None, begin, {})


async def register(visit: UserVisit) -> Answer:
    """Registers a resource."""
    given = _given(visit)
    name = given.get("name", "")
    if not given.get("service"):
        return await _form(visit, None, given, {"service": "Choose the service that charges it."})
    try:
        entry = _changed(
            ResourceEntry(name=name, service=given.get("service", "")), given, visit.site.preferences
        )
    except RefusedFormError as refused:
        return await _form(visit, None, given, refused.errors)
    path = resource_path(name)
    refusal = await apply_new(
        visit,
        StateDocument(resources=[entry]),
        path,
        is_taken=lambda connection: registry.find_resource(connection, name) is not None,
        taken=EXISTS,
    )
    if refusal:
        return await _form(visit, None, given, {"name" if refusal == EXISTS else "": refusal})
    return visit.done(f"{name} has been registered.", path)


async def ask_for_change(visit: UserVisit) -> Answer:
    """Shows the form that changes a resource."""
    known = await visit.service.read(visited_resource, visit)
    one = known.resource
    given = {
        "description": one.description,
        "unit": one.unit or "",
        "project_default": written(one.project_default, visit.site.preferences, one.unit, one.scale),
        "max_debt": written(one.max_debt, visit.site.preferences, one.unit, one.scale),
        "thresholds": written_thresholds(one.thresholds),
        "seen": "all" if one.ui_visible else "programs" if one.api_visible else "none",
        "limits": "shadow" if one.shadow else "enforce",
    }
    return await _form(visit, known, given, {})


async def change(visit: UserVisit) -> Answer:
    """Changes a resource."""
    known = await visit.service.read(visited_resource, visit)
    given = _given(visit)
    try:
        changed = _changed(entry_of_resource(*known), given, visit.site.preferences)
    except RefusedFormError as refused:
        return await _form(visit, known, given, refused.errors)
    refusal = await apply(visit, StateDocument(resources=[changed]))
    if refusal:
        return await _form(visit, known, given, {"": refusal})
    return visit.done(f"{known.resource.name} has been changed.", resource_path(known.resource.name))


def _given(visit: UserVisit) -> dict[str, str]:
    return {name: text.strip() for name, text in visit.form.items()}


def _changed(entry: ResourceEntry, given: Mapping[str, str], preferences: Preferences) -> ResourceEntry:
    """Returns an entry with what the form says.

    Raises:
        RefusedFormError: It says what cannot be.
    """
    known = {"description": entry.description or "", "unit": entry.unit or ""}
    errors = too_long(given, LONGEST_REGISTERED, known)
    unit = given.get("unit") or None
    # A scale is chosen once: another one would change what all quantities mean.
    digits = given.get("scale", str(entry.scale))
    scale = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 3 else LARGEST_SCALE + 1
    if scale > LARGEST_SCALE:
        errors["scale"] = f"Write a number from 0 to {LARGEST_SCALE}."
    amounts = {}
    for name in AMOUNTS:
        if name in given and not errors:
            try:
                amounts[name] = read_amount(given[name], preferences, unit, scale)
            except ValueError as error:
                errors[name] = sentence(str(error))
    thresholds = entry.thresholds
    if "thresholds" in given:
        try:
            thresholds = read_thresholds(given["thresholds"])
        except ValueError as error:
            errors["thresholds"] = sentence(str(error))
    if errors:
        raise RefusedFormError(errors)
    seen = given.get("seen", "all")
    return msgspec.structs.replace(
        entry,
        unit=unit,
        scale=scale,
        description=given.get("description", ""),
        ui_visible=seen == "all",
        api_visible=seen in ("all", "programs"),
        shadow=given.get("limits") == "shadow",
        thresholds=thresholds,
        **amounts,
    )


async def _form(
    visit: UserVisit, known: KnownResource | None, given: Mapping[str, str], errors: Mapping[str, str]
) -> Answer:
    name = None if known is None else known.resource.name
    return visit.page(
        "services/resource_form.html",
        status=422 if errors else 200,
        name=name,
        back=SERVICES if name is None else resource_path(name),
        action=f"{NEW}/register" if name is None else f"{SERVICES}/save-resource/{name}",
        given=given,
        problems=errors,
        services=[("", NO_SERVICE), *((one, one) for one in await visit.service.read(_services))],
        seen=SEEN,
        limits=LIMITS,
    )


def _services(connection: Connection) -> list[str]:
    return [one.name for one in registry.list_services(connection)]


ROUTES = (
    administrator_page(NEW, new),
    administrator_making(f"{NEW}/register", register),
    administrator_page(f"{CHANGE}/{{resource}}", ask_for_change),
    administrator_action(f"{SERVICES}/save-resource/{{resource}}", change),
)
