"""`commissions/<n>/action`: accepts or rejects a pending commission, or changes it (`http-api.md` §8.6)."""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, UnsetType

from astakos.clock import MICROSECONDS, to_iso
from astakos.directory.entities import Component
from astakos.http.bodies import JsonBody
from astakos.http.commissions.charging_rights import may_not, not_chargeable
from astakos.http.commissions.issuing import LONGEST_TIME_TO_LIVE
from astakos.http.commissions.project_obstacles import obstacle_of
from astakos.http.commissions.refused_issues import (
    OF_REFUSALS,
    OverLimitRefusal,
    named,
    refused,
)
from astakos.http.commissions.requested_provisions import Requested, RequestedProvision, understand
from astakos.http.faults import BadRequest, Forbidden, TooManyRequests
from astakos.http.openapi.description import EMPTY, Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.ledger.operations import (
    CannotSettle,
    Extend,
    Grow,
    NotPending,
    Operation,
    Progress,
    Resolve,
    Resolved,
    Revised,
    Settle,
)
from astakos.ledger.overage import Overage
from astakos.ledger.rules import Provision, Refusal
from astakos.service.service import Service


class Settlement(msgspec.Struct):
    """The quantities to settle. Provisions that are not listed settle in full.

    `overage` says what happens to quantities above those that were issued: they are refused, settled as far
    as there is room, or settled beyond the limits. The default is what the issue said.
    """

    quantities: list[RequestedProvision] | UnsetType = UNSET
    overage: Overage | None = None


class Growth(msgspec.Struct):
    """The new total of each provision that grows. Repeating it does no harm."""

    quantities: list[RequestedProvision]
    force: bool = False


class Extension(msgspec.Struct):
    """After how many seconds from now the commission expires, unless it does so later already."""

    ttl: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_TIME_TO_LIVE)]


class Used(msgspec.Struct):
    """What has been used so far. If the commission expires, it settles for that."""

    quantities: list[RequestedProvision]


Anything = str | int | float | bool | list[Any] | None


class ActionBody(msgspec.Struct):
    """Exactly one of the keys. Of the value of `accept`, only `quantities` and `overage` count."""

    accept: Settlement | Anything | UnsetType = UNSET
    reject: dict[str, Any] | Anything | UnsetType = UNSET
    grow: Growth | UnsetType = UNSET
    extend: Extension | UnsetType = UNSET
    progress: Used | UnsetType = UNSET


KEYS = ActionBody.__struct_fields__
EXACTLY_ONE = {"oneOf": [{"required": [key]} for key in KEYS]}
ACTION = JsonBody(ActionBody, further_schema=EXACTLY_ONE)


@described(
    "commissions.act",
    body=ACTION,
    answers={
        200: EMPTY,
        404: EMPTY,
        413: Reply(OverLimitRefusal, headers=OF_REFUSALS),
    },
    faults=[Forbidden, TooManyRequests],
)
async def act(service: Service, request: Request, component: Component) -> Answer:
    """Accepts or rejects a pending commission, or changes it. Returns an empty 404 if it is not pending.

    `grow` raises what is reserved to new totals, or is refused like an issue of the difference. `extend` lets
    it expire later. `progress` says what has been used so far, which counts if it expires.

    The answer has no body, with two exceptions: `extend` returns `{"expires": "…"}`, null if it does not
    expire, and `accept` with `overage` returns what was settled, `{"settled": [{"holder": …, "source": …,
    "resource": …, "quantity": …}]}`.
    """
    body = ACTION.read(request, request.dialect.require_json)
    if sum(getattr(body, key) is not UNSET for key in KEYS) != 1:
        raise BadRequest(
            'The body must have exactly one of the keys: {"accept": ""} or {"reject": ""}, or one of grow, '
            "extend and progress."
        )
    operation = _operation(body, component.id, request.serial)
    if isinstance(operation, Grow):
        # A component that has lost its right settles what it holds, and takes no more.
        foreign = await not_chargeable(service, component, [Requested(list(operation.totals))])
        if foreign.others:
            raise may_not("charge", component, foreign.others)
    outcome = await service.ledger.submit(operation)
    match outcome:
        case Resolved(settled=settled):
            if not settled:
                return Answer(404 if outcome.not_found else 200)
            return Answer(body=to_json({"settled": request.dialect.provisions(settled)}))
        case NotPending():
            return Answer(404)
        case Revised(expires=expires):
            if body.extend is UNSET:
                return Answer()
            return Answer(body=to_json({"expires": None if expires is None else to_iso(expires)}))
        case CannotSettle():
            raise BadRequest(_why(outcome, grows=body.grow is not UNSET))
    if isinstance(outcome, Refusal):
        grown = operation.totals if isinstance(operation, Grow) else ()
        obstacle = await obstacle_of(service, outcome)
        result = refused(outcome, Requested(list(grown)), obstacle=obstacle)
        return Answer(result.status, to_json(result.document), headers=result.headers)
    raise TypeError(f"unexpected outcome of an action: {type(outcome).__name__}")


def _operation(body: ActionBody, component: int, serial: int) -> Operation:
    if isinstance(body.grow, Growth):
        return Grow(component, serial, _quantities(body.grow.quantities), body.grow.force)
    if isinstance(body.extend, Extension):
        return Extend(component, serial, body.extend.ttl * MICROSECONDS)
    if isinstance(body.progress, Used):
        return Progress(component, serial, _quantities(body.progress.quantities))
    if body.reject is not UNSET:
        return Resolve(component, reject=frozenset([serial]))
    if isinstance(body.accept, Settlement) and body.accept.quantities is not UNSET:
        return Settle(component, serial, _quantities(body.accept.quantities), body.accept.overage)
    return Resolve(component, accept=frozenset([serial]))


def _quantities(entries: list[RequestedProvision]) -> tuple[Provision, ...]:
    requested = understand(entries)
    if isinstance(requested, RequestedProvision):
        raise BadRequest("quantities must name provisions of the commission.")
    if not isinstance(requested, Requested) or len(dict(requested.provisions)) < len(requested.provisions):
        raise BadRequest("quantities must name each provision at most once.")
    for key in requested.beyond:
        raise BadRequest(f"The quantity for {named(key)} is larger than any holding can have.")
    return tuple(requested.provisions)


def _why(outcome: CannotSettle, *, grows: bool) -> str:
    if outcome.issued is None:
        return f"The commission has no provision for {named(outcome.key)}."
    if grows:
        return f"{named(outcome.key)} can grow from {outcome.issued} to more, but not to {outcome.settled}."
    return (
        f"The quantity for {named(outcome.key)} must be from 0 to the issued {outcome.issued}, "
        f"not {outcome.settled}."
    )
