"""`account/v1.0/commissions`: lists and shows pending commissions, and resolves many (`http-api.md` §8.6)."""

from collections.abc import Collection
from typing import Annotated, Any, TypedDict

import msgspec

from astakos.clock import to_iso
from astakos.directory.entities import Component
from astakos.http.bodies import JsonBody
from astakos.http.commissions.history_pages import LARGEST_PAGE, page_size, read_number
from astakos.http.faults import BadRequest, TooManyRequests
from astakos.http.openapi.description import EMPTY, Parameter, Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.ledger.key_levels import prefix_of_holder
from astakos.ledger.operations import Resolve, Resolved
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import commissions as stored
from astakosclient.answer_types import CommissionInfo, Fault

MOST_AT_ONCE = 10_000
Serials = Annotated[list[int | bool], msgspec.Meta(max_length=MOST_AT_ONCE)]


class ResolveBody(msgspec.Struct):
    """The serials of the commissions to accept and to reject."""

    accept: Serials = msgspec.field(default_factory=list)
    reject: Serials = msgspec.field(default_factory=list)


class Resolution(TypedDict):
    """The outcome for each serial. `true` and `false` count as 1 and 0, and are returned as sent."""

    accepted: list[int | bool]
    rejected: list[int | bool]
    failed: list[tuple[int | bool, Fault]]


AFTER = Parameter(
    "after",
    "Only return serials above this one. The next page begins after the last serial of a full page.",
    read_number,
    "a number",
    {"type": "integer", "minimum": 0, "maximum": stored.LARGEST_SERIAL},
)
LIMIT = Parameter(
    "limit",
    "The maximum number of serials to return. The default is all.",
    page_size,
    f"a number from 1 to {LARGEST_PAGE}",
    {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE},
)
RESOLVE = JsonBody(ResolveBody)


@described(
    "commissions.pending",
    parameters=[AFTER, LIMIT],
    answers={200: Reply(list[int])},
    faults=[BadRequest],
)
async def pending(service: Service, request: Request, component: Component) -> Answer:
    """Lists the serials of the calling component's pending commissions in ascending order."""
    after, most = AFTER.of(request) or 0, LIMIT.of(request)
    # Without a limit the list can have any length.
    read = service.read_much if most is None else service.read
    return Answer(
        body=await read(_serials, component.id, after, stored.LARGEST_SERIAL if most is None else most)
    )


def _serials(connection: Connection, component: int, after: int, most: int) -> bytes:
    return to_json(stored.list_pending(connection, component, after=after, most=most))


@described("commissions.info", answers={200: Reply(CommissionInfo), 404: EMPTY})
async def info(service: Service, request: Request, component: Component) -> Answer:
    """Retrieves a pending commission of the calling component. Returns an empty 404 if there is none."""
    commission = await service.read(stored.find_pending, component.id, request.serial)
    if commission is None:
        return Answer(404)
    document: dict[str, Any] = {
        "serial": commission.serial,
        "name": commission.name,
        "issue_time": to_iso(commission.issue_time),
        "provisions": request.dialect.provisions(commission.provisions),
    }
    if commission.expires is not None:
        document["expires"] = to_iso(commission.expires)
    if commission.key_holder is not None:
        document["key"] = prefix_of_holder(commission.key_holder)
    return Answer(body=to_json(document))


@described("commissions.resolve", body=RESOLVE, answers={200: Reply(Resolution)}, faults=[TooManyRequests])
async def resolve(service: Service, request: Request, component: Component) -> Answer:
    """Accepts and rejects many commissions in one call. Returns the outcome for each serial."""
    body = RESOLVE.read(request, request.dialect.require_json)
    operation = Resolve(component.id, frozenset(body.accept), frozenset(body.reject))
    resolved = await service.ledger.submit(operation)
    if not isinstance(resolved, Resolved):
        raise TypeError(f"unexpected outcome of a resolution: {type(resolved).__name__}")
    failed = [
        *_failures(resolved.not_found, "itemNotFound", 404, "You have no such pending commission."),
        *_failures(resolved.conflicting, "badRequest", 400, "It cannot be both accepted and rejected."),
    ]
    document = {"accepted": resolved.accepted, "rejected": resolved.rejected, "failed": failed}
    return Answer(body=to_json(document))


def _failures(
    serials: Collection[int], name: str, code: int, message: str
) -> list[tuple[int, dict[str, Any]]]:
    return [(serial, {name: {"code": code, "message": message}}) for serial in serials]
