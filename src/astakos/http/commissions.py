"""`account/v1.0/commissions`: issuing, seeing and resolving (`http-api.md` §8.6)."""

from collections.abc import Collection
from typing import Any

import msgspec

from astakos.clock import to_iso
from astakos.directory.model import Component
from astakos.http.bodies import read_json, read_object, require_json
from astakos.http.faults import BadRequest
from astakos.http.messages import Answer, Request
from astakos.http.provisions import Requested, RequestedProvision, understand
from astakos.http.serialization import to_json
from astakos.http.service import Service
from astakos.ledger.operations import Issue, Issued, Operation, Outcome, Resolve, Resolved
from astakos.ledger.rules import NoCapacity, NoHolding, NoQuantity, OutOfRange, Provision, Refusal, merge
from astakos.storage import ledger as stored

LONGEST_NAME = 4096


class IssueBody(msgspec.Struct):
    """The body of an issue; what else it holds is ignored."""

    provisions: list[RequestedProvision]
    name: str = ""
    force: bool = False
    auto_accept: bool = False


class ResolveBody(msgspec.Struct):
    """The body of a resolution of many."""

    accept: list[int | bool] = msgspec.field(default_factory=list)
    reject: list[int | bool] = msgspec.field(default_factory=list)


_issues = msgspec.json.Decoder(IssueBody)
_resolves = msgspec.json.Decoder(ResolveBody)


async def issue(service: Service, request: Request, component: Component) -> Answer:
    """`POST commissions`: 201 with the serial, or why not."""
    require_json(request)
    body = await read_json(request, _issues)
    if len(body.name) > LONGEST_NAME:
        raise BadRequest(f"name must be at most {LONGEST_NAME} characters long.")
    requested = understand(body.provisions)
    if isinstance(requested, RequestedProvision):
        return _refused(
            404, "itemNotFound", NO_HOLDING, _data("NoHoldingError", msgspec.to_builtins(requested))
        )
    outcome = await service.ledger.submit(
        Issue(
            component=component.id,
            provisions=tuple(merge(requested.provisions)),
            name=body.name,
            force=body.force,
            auto_accept=body.auto_accept,
        )
    )
    if isinstance(outcome, Issued):
        return Answer(201, to_json({"serial": outcome.serial}))
    if isinstance(outcome, Resolved):
        raise TypeError("an issue ended like a resolution")
    return _refusal(outcome, requested)


NO_HOLDING = "There is no such holding: this holder has nothing of this resource from this source."


def _refusal(refusal: Refusal, requested: Requested) -> Answer:
    provision = _provision(refusal.provision, requested)
    match refusal:
        case NoHolding():
            return _refused(404, "itemNotFound", NO_HOLDING, _data("NoHoldingError", provision))
        case NoCapacity(_, usage, limit):
            message = "The limit of this holding does not leave room for this quantity."
            return _refused(413, "overLimit", message, _data("NoCapacityError", provision, usage, limit))
        case NoQuantity(_, usage, limit):
            message = "More would be released than is certainly in use."
            return _refused(413, "overLimit", message, _data("NoQuantityError", provision, usage, limit))
        case OutOfRange():
            raise BadRequest("The quantity would take the usage out of the range of signed 64-bit numbers.")


def _provision(provision: Provision, requested: Requested) -> dict[str, Any]:
    key = requested.spoken.get(provision.key, provision.key)
    return {**key._asdict(), "quantity": provision.quantity}


def _data(name: str, provision: Any, usage: int | None = None, limit: int | None = None) -> dict[str, Any]:
    data = {"name": name, "provision": provision}
    return data if usage is None else data | {"usage": usage, "limit": limit}


def _refused(status: int, name: str, message: str, data: dict[str, Any]) -> Answer:
    """Refusals of an issue carry data instead of details (§4)."""
    return Answer(status, to_json({name: {"code": status, "message": message, "data": data}}))


async def pending(service: Service, _request: Request, component: Component) -> Answer:
    """`GET commissions`: the serials that wait for the calling component."""
    return Answer(body=to_json(stored.list_pending(service.reader, component.id)))


async def info(service: Service, request: Request, component: Component) -> Answer:
    """`GET commissions/<serial>`: a pending commission of the caller; else 404 and nothing more."""
    commission = stored.find_commission(service.reader, component.id, request.serial)
    if commission is None:
        return Answer(404)
    document = {
        "serial": commission.serial,
        "name": commission.name,
        "issue_time": to_iso(commission.issue_time),
        "provisions": [{**key._asdict(), "quantity": quantity} for key, quantity in commission.provisions],
    }
    return Answer(body=to_json(document))


async def act(service: Service, request: Request, component: Component) -> Answer:
    """`POST commissions/<serial>/action`: accept or reject one; 404 and nothing more if it is not pending."""
    require_json(request)
    body = await read_object(request)
    if ("accept" in body) == ("reject" in body):
        raise BadRequest('Exactly one of the keys is needed: {"accept": ""} or {"reject": ""}.')
    serials = frozenset([request.serial])
    if "accept" in body:
        resolved = await _resolve(service, Resolve(component.id, accept=serials))
    else:
        resolved = await _resolve(service, Resolve(component.id, reject=serials))
    return Answer(404 if resolved.not_found else 200)


async def resolve(service: Service, request: Request, component: Component) -> Answer:
    """`POST commissions/action`: accept and reject many in one step."""
    require_json(request)
    body = await read_json(request, _resolves)
    resolved = await _resolve(service, Resolve(component.id, frozenset(body.accept), frozenset(body.reject)))
    failed = [
        *_failures(resolved.not_found, "itemNotFound", 404, "This is no pending commission of yours."),
        *_failures(resolved.conflicting, "badRequest", 400, "It can not be accepted and rejected at once."),
    ]
    document = {"accepted": resolved.accepted, "rejected": resolved.rejected, "failed": failed}
    return Answer(body=to_json(document))


async def _resolve(service: Service, operation: Operation) -> Resolved:
    outcome: Outcome = await service.ledger.submit(operation)
    if not isinstance(outcome, Resolved):
        raise TypeError("a resolution ended like an issue")
    return outcome


def _failures(
    serials: Collection[int], name: str, code: int, message: str
) -> list[tuple[int, dict[str, Any]]]:
    return [(serial, {name: {"code": code, "message": message}}) for serial in serials]
