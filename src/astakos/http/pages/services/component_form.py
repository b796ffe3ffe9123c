"""`ui/admin/services/new-component`, and a component's `change` and `remove`."""

import asyncio
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from astakos.administration.component_removal import (
    TOKENS_ACCEPTED_SECONDS,
    RemovalPreview,
    delete_component,
    preview_removal,
    remove_component,
)
from astakos.administration.component_tokens import replace_token
from astakos.administration.load import load_within
from astakos.administration.reasons import require_reason
from astakos.administration.registered_entries import entry_of_component
from astakos.administration.state_document import ComponentEntry, ServiceEntry, StateDocument, StateError
from astakos.directory.charging_rights import ALL
from astakos.directory.entities import Component
from astakos.events.event import Actor
from astakos.http.faults import Conflict
from astakos.http.pages.field_lengths import LONGEST_REGISTERED, too_long
from astakos.http.pages.page_kinds import administrator_action, administrator_making, administrator_page
from astakos.http.pages.services.visited import (
    ANY_NAME,
    COMPONENT,
    SERVICES,
    apply,
    change,
    component_path,
    visited_component,
)
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.pages.sentences import sentence
from astakos.projects.refusals import ProjectRefusedError
from astakos.storage.protocol import Connection
from astakos.storage.tables import registry

NEW: Final = f"{SERVICES}/new-component"
OWN: Final = "own"
RIGHTS: Final = ((OWN, "Its own resources, and those below"), (ALL, "All resources"))
REGISTERED_ALREADY: Final = (
    "You have already sent this form. It registered this component. Its token was shown once and is not"
    " stored. If you do not have it, make a new token below."
)
EXISTS: Final = "There is a component or service of this name already."


async def new(visit: UserVisit) -> Answer:
    """Shows the form for a new component."""
    return _new_form(visit, {})


async def register(visit: UserVisit) -> Answer:
    """Registers a component with a service of the same name; its token is shown once."""
    given = {name: text.strip() for name, text in visit.form.items()}
    errors = too_long(given, LONGEST_REGISTERED)
    if errors:
        return _new_form(visit, given, errors=errors)
    name, url = given.get("name", ""), given.get("base_url", "")
    endpoints = [{"versionId": given.get("version", ""), "publicURL": url.rstrip("/")}] if url else []
    document = StateDocument(
        components=[
            ComponentEntry(name=name, ui_url=given.get("ui_url") or None, base_url=url or None, may_charge=[])
        ],
        services=[
            ServiceEntry(name=name, type=given.get("type") or name, component=name, endpoints=endpoints)
        ],
    )

    def act(connection: Connection, actor: Actor) -> str:
        if name in _names(connection):
            raise StateError(EXISTS)
        now = visit.service.now()
        load_within(connection, document, now, actor)
        return replace_token(connection, actor, name, now)

    try:
        secret = await visit.make(act, place=lambda _: component_path(name), again=REGISTERED_ALREADY)
    except StateError as error:
        return _new_form(visit, given, sentence(getattr(error, "words", str(error))))
    return visit.page(
        "services/token.html",
        component=Component(0, name),
        secret=secret,
        overlap="",
        path=component_path(name),
    )


def _names(connection: Connection) -> set[str]:
    components = {one.name for one in registry.list_components(connection)}
    return components | {one.name for one in registry.list_services(connection)}


def _new_form(
    visit: UserVisit, given: Mapping[str, str], error: str = "", errors: Mapping[str, str] | None = None
) -> Answer:
    status = 422 if error or errors else 200
    return visit.page(
        "services/new_component.html", status=status, given=given, error=error, errors=errors or {}
    )


async def ask_for_change(visit: UserVisit) -> Answer:
    """Shows the form that changes a component."""
    component = await visit.service.read(visited_component, visit)
    return _change_form(visit, component, _known(component))


def _known(component: Component) -> Mapping[str, str]:
    right = component.may_charge
    return {
        "ui_url": component.ui_url or "",
        "base_url": component.base_url or "",
        "right": ALL if right is None or right == ALL else OWN,
        "others": "\n".join(right) if isinstance(right, tuple) else "",
    }


async def change_component(visit: UserVisit) -> Answer:
    """Changes a component."""
    component = await visit.service.read(visited_component, visit)
    given = {name: text.replace("\r\n", "\n").strip() for name, text in visit.form.items()}
    errors = too_long(given, LONGEST_REGISTERED, _known(component))
    if errors:
        return _change_form(visit, component, given, errors=errors)
    entry = msgspec.structs.replace(
        entry_of_component(component),
        ui_url=given.get("ui_url") or None,
        base_url=given.get("base_url") or None,
        may_charge=_right(component, given),
    )
    refusal = await apply(visit, StateDocument(components=[entry]))
    if refusal:
        return _change_form(visit, component, given, refusal)
    return visit.done(f"{component.name} has been changed.", component_path(component.name))


def _right(component: Component, given: Mapping[str, str]) -> list[str] | Literal["all"] | None:
    """Returns what the form lets a component charge; None for what it may charge now."""
    if given.get("right") == OWN:
        return given.get("others", "").split()
    return None if component.may_charge is None else ALL


def _change_form(
    visit: UserVisit,
    component: Component,
    given: Mapping[str, str],
    error: str = "",
    errors: Mapping[str, str] | None = None,
) -> Answer:
    return visit.page(
        "services/change_component.html",
        status=422 if error or errors else 200,
        component=component,
        path=component_path(component.name),
        given=given,
        error=error,
        errors=errors or {},
        rights=RIGHTS,
    )


async def ask_for_removal(visit: UserVisit) -> Answer:
    """Says what removing a component does, and asks for it."""
    return await _removal_form(visit)


async def remove(visit: UserVisit) -> Answer:
    """Removes a component."""
    component = await visit.service.read(visited_component, visit)
    reason = visit.reason
    try:
        require_reason(reason)
    except ProjectRefusedError as error:
        return await _removal_form(visit, reason, sentence(error.message))

    def act(connection: Connection, actor: Actor) -> RemovalPreview:
        return remove_component(connection, actor, component.name, reason, visit.service.now())

    is_deleted = (await change(visit, act)).is_deleted
    if is_deleted:
        await asyncio.sleep(TOKENS_ACCEPTED_SECONDS)
        is_deleted = await change(visit, lambda connection, _: delete_component(connection, component.name))
    stays = "" if is_deleted else " It stays listed, without tokens, because of its resources or history."
    return visit.done(f"{component.name} has been removed.{stays}", SERVICES)


async def _removal_form(visit: UserVisit, reason: str = "", error: str = "") -> Answer:
    component = await visit.service.read(visited_component, visit)
    try:
        preview = await visit.service.read_much(preview_removal, component.name)
    except StateError as refusal:
        raise Conflict(sentence(str(refusal))) from refusal
    return visit.page(
        "services/remove_component.html",
        status=422 if error else 200,
        component=component,
        path=component_path(component.name),
        preview=preview,
        reason=reason,
        error=error,
    )


ROUTES = (
    administrator_page(NEW, new),
    administrator_making(f"{NEW}/register", register),
    administrator_page(f"{COMPONENT}/{{name}}/change", ask_for_change, ANY_NAME),
    administrator_action(f"{COMPONENT}/{{name}}/change/save", change_component, ANY_NAME),
    administrator_page(f"{COMPONENT}/{{name}}/remove", ask_for_removal, ANY_NAME),
    administrator_action(f"{COMPONENT}/{{name}}/remove/confirm", remove, ANY_NAME),
)
