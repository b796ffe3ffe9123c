"""`ui/admin/services/resources/<name>`: one resource; and its default limit, changed after a preview."""

from collections.abc import Mapping
from typing import Final

import msgspec

from astakos.administration.default_following import find_following, start_following, stop_following
from astakos.administration.default_limits import DefaultPreview, preview_default
from astakos.administration.registered_entries import entry_of_resource
from astakos.administration.state_document import StateDocument, StateError
from astakos.http.faults import Conflict
from astakos.http.pages.page_kinds import administrator_action, administrator_page
from astakos.http.pages.services.visited import (
    RESOURCE,
    SERVICES,
    apply,
    change,
    resource_path,
    visited_resource,
)
from astakos.http.pages.visits import Question, UserVisit
from astakos.http.request import Answer
from astakos.ledger.meter_definitions import base_of
from astakos.pages.amounts import read_amount, written
from astakos.pages.sentences import sentence
from astakos.service.default_limits import begin_to_follow
from astakos.storage.protocol import Connection
from astakos.storage.tables.meters import find_definitions

DEFAULT: Final = f"{SERVICES}/default-limit"
FOLLOW: Final = "follow"


async def resource_page(visit: UserVisit) -> Answer:
    """Shows the page."""
    known = await visit.service.read(visited_resource, visit)
    meters = await visit.service.read(_meters, known.resource.name)
    return visit.page(
        "services/resource.html",
        resource=known.resource,
        meter=known.meter,
        meters=meters,
        base=base_of(known.resource.name) if known.meter else None,
        services=SERVICES,
        resources=RESOURCE,
        following=await visit.service.read(find_following, known.resource.name),
    )


def _meters(connection: Connection, name: str) -> list[tuple[str, str, str]]:
    return [
        (meter, resource_path(meter), definition.in_words())
        for meter, definition in find_definitions(connection).items()
        if base_of(meter) == name
    ]


async def default_limit(visit: UserVisit) -> Answer:
    """Shows the default limit and the form; and, with a new one, whom that would concern."""
    return await _shown(visit, visit.request.query)


async def _shown(visit: UserVisit, given: Mapping[str, str], error: str = "") -> Answer:
    resource, _ = await visit.service.read(visited_resource, visit)
    text = given.get("limit", "")
    following = await visit.service.read(find_following, resource.name)
    preview: DefaultPreview | None = None
    if text and not error and (following is None or not following.goes_on):
        try:
            quantity = read_amount(text, visit.site.preferences, resource.unit, resource.scale)
            preview = await visit.service.read_much(preview_default, resource.name, quantity, is_bounded=True)
        except (ValueError, StateError) as refusal:
            error = sentence(str(refusal))
    return visit.page(
        "services/default_limit.html",
        status=422 if error else 200,
        resource=resource,
        path=resource_path(resource.name),
        following=following,
        given=text or written(resource.system_default, visit.site.preferences, resource.unit, resource.scale),
        preview=preview,
        error=error,
    )


async def set_default(visit: UserVisit) -> Answer:
    """Sets the default limit, and lets users who have the one so far follow if that is chosen."""
    resource, meter = await visit.service.read(visited_resource, visit)
    try:
        quantity = read_amount(
            visit.form.get("limit", ""), visit.site.preferences, resource.unit, resource.scale
        )
    except ValueError as error:
        return await _shown(visit, visit.form, sentence(str(error)))
    amount = written(quantity, visit.site.preferences, resource.unit, resource.scale)
    path = resource_path(resource.name)
    if visit.form.get("existing") == FOLLOW:
        return await _let_follow(visit, resource.name, quantity, amount)
    following = await visit.service.read(find_following, resource.name)
    if following is not None and following.goes_on:
        raise Conflict("Users follow another default at the moment. Wait, or stop that first.")
    entry = msgspec.structs.replace(entry_of_resource(resource, meter), system_default=quantity)
    refusal = await apply(visit, StateDocument(resources=[entry]))
    if refusal:
        raise Conflict(refusal)
    return visit.done(f"New users get a limit of {amount}. Existing users keep theirs.", path)


async def _let_follow(visit: UserVisit, name: str, quantity: int, amount: str) -> Answer:
    path = resource_path(name)
    await change(
        visit,
        lambda connection, actor: start_following(connection, actor, name, quantity, visit.service.now()),
    )
    left = await begin_to_follow(visit.service, name)
    if left is None:
        told = f"New users get a limit of {amount}. So do users who had the default."
        return visit.done(told, path)
    if left.goes_on:
        told = f"Users who have the default get {amount} in the background. This page says how far that is."
        return visit.done(told, path)
    raise Conflict(f"Users no longer follow: {left.stopped}.")


async def stop(visit: UserVisit) -> Answer:
    """Lets nobody else follow a new default, after asking."""
    resource, _ = await visit.service.read(visited_resource, visit)
    path = resource_path(resource.name)
    if not visit.is_confirmed:
        lines = (
            "Users who have followed so far keep the new limit. The others and the default stay as they are.",
            "If you set the new default again, with users who follow, the others get it, too.",
        )
        return visit.ask(
            Question(f"Let nobody else follow the new default of {resource.name}?", lines, "Stop", path)
        )
    stopped = await change(
        visit,
        lambda connection, actor: stop_following(connection, actor, resource.name, visit.service.now()),
    )
    people = "1 user has" if stopped.users == 1 else f"{stopped.users:,} users have"
    return visit.done(f"Nobody else follows. {people} the new limit.", path)


ROUTES = (
    administrator_page(f"{RESOURCE}/{{resource}}", resource_page),
    administrator_page(f"{DEFAULT}/{{resource}}", default_limit),
    administrator_action(f"{SERVICES}/set-default-limit/{{resource}}", set_default),
    administrator_action(f"{SERVICES}/stop-following/{{resource}}", stop),
)
