"""`ui/admin/services/resources/<name>`: one resource; and its default limit, changed after a preview."""

from collections.abc import Mapping
from typing import Final

import msgspec

from astakos.administration.default_limits import DefaultPreview, preview_default
from astakos.administration.registered_entries import entry_of_resource
from astakos.administration.state_document import StateDocument, StateError
from astakos.http.faults import Conflict
from astakos.http.pages.page_kinds import administrator_action, administrator_page
from astakos.http.pages.services.visited import RESOURCE, SERVICES, apply, resource_path, visited_resource
from astakos.http.pages.visits import UserVisit
from astakos.http.request import Answer
from astakos.ledger.meter_definitions import base_of
from astakos.pages.amounts import read_amount, written
from astakos.pages.sentences import sentence
from astakos.service.default_limits import follow_default
from astakos.storage.protocol import Connection
from astakos.storage.tables.meters import find_definitions

DEFAULT: Final = f"{SERVICES}/default-limit"
LONGEST_AMOUNT: Final = 40
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
    preview: DefaultPreview | None = None
    if text and not error:
        try:
            quantity = read_amount(text, resource.unit, resource.scale)
            preview = await visit.service.read_much(preview_default, resource.name, quantity, is_bounded=True)
        except (ValueError, StateError) as refusal:
            error = sentence(str(refusal))
    return visit.page(
        "services/default_limit.html",
        status=422 if error else 200,
        resource=resource,
        path=resource_path(resource.name),
        given=text or written(resource.system_default, resource.unit, resource.scale),
        preview=preview,
        error=error,
        longest=LONGEST_AMOUNT,
    )


async def set_default(visit: UserVisit) -> Answer:
    """Sets the default limit, and lets users who have the one so far follow if that is chosen."""
    resource, meter = await visit.service.read(visited_resource, visit)
    try:
        quantity = read_amount(visit.form.get("limit", ""), resource.unit, resource.scale)
    except ValueError as error:
        return await _shown(visit, visit.form, sentence(str(error)))
    follows = visit.form.get("existing") == FOLLOW
    if follows:
        actor = await visit.service.read(visit.actor)
        try:
            await follow_default(visit.service, actor, resource.name, quantity)
        except StateError as error:
            raise Conflict(sentence(str(error))) from error
    entry = msgspec.structs.replace(entry_of_resource(resource, meter), system_default=quantity)
    refusal = await apply(visit, StateDocument(resources=[entry]))
    if refusal:
        raise Conflict(refusal)
    amount = written(quantity, resource.unit, resource.scale)
    others = "So do users who had the default." if follows else "Existing users keep theirs."
    return visit.done(f"New users get a limit of {amount}. {others}", resource_path(resource.name))


ROUTES = (
    administrator_page(f"{RESOURCE}/{{resource}}", resource_page),
    administrator_page(f"{DEFAULT}/{{resource}}", default_limit),
    administrator_action(f"{SERVICES}/set-default-limit/{{resource}}", set_default),
)
