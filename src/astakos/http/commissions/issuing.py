"""`POST account/v1.0/commissions` and `…/bulk`: issuing one commission, or many (`docs/ledger.md`)."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, NamedTuple, TypedDict

import msgspec

from astakos.clock import MICROSECONDS
from astakos.directory.entities import Component
from astakos.http.bodies import JsonBody, require_storable
from astakos.http.commissions.fingerprints import fingerprint, first_fingerprint
from astakos.http.commissions.refused_issues import (
    NoHoldingRefusal,
    OverLimitRefusal,
    Result,
    no_such_holding,
    refused,
)
from astakos.http.commissions.requested_provisions import Requested, RequestedProvision, understand
from astakos.http.dialects.system_charges import ATTEMPTS, spread_charges
from astakos.http.faults import FailedDependency, UnprocessableEntity
from astakos.http.openapi.description import Parameter, Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.ledger.operations import Idempotency, Issue, Issued, IssuedMany, IssueMany, KeyReused, Outcome
from astakos.ledger.rules import NoCapacity, NoQuantity, Refusal, merge
from astakos.service.service import Service
from astakosclient.answer_types import BulkResults

LONGEST_NAME = 4096
LONGEST_KEY = 255
LONGEST_TIME_TO_LIVE = 30 * 24 * 3600
MOST_AT_ONCE = 1000


class IssueBody(msgspec.Struct, omit_defaults=True):
    """The body of an issue; what else it holds is ignored. New fields go to the end, see `fingerprints`."""

    provisions: list[RequestedProvision]
    name: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)] = ""
    force: bool = False
    auto_accept: bool = False
    ttl: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_TIME_TO_LIVE)] | None = None


class BulkBody(msgspec.Struct):
    """The body of many issues."""

    commissions: Annotated[list[IssueBody], msgspec.Meta(min_length=1, max_length=MOST_AT_ONCE)]
    all_or_none: bool = False


class Serial(TypedDict):
    """The serial of a commission."""

    serial: int


def _idempotency_key(text: str) -> str:
    if not 1 <= len(text) <= LONGEST_KEY or not text.isprintable():
        raise ValueError(text)
    return text


KEY_HEADER = "Idempotency-Key"
KEY_REPLAYED_HEADER = "Idempotency-Replayed"
KEY = Parameter(
    KEY_HEADER,
    "The same key again answers the same serial again, and issues nothing more.",
    _idempotency_key,
    f"1 to {LONGEST_KEY} printable characters",
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY},
    "header",
)
ISSUE = JsonBody(IssueBody)
BULK = JsonBody(BulkBody)


@described(
    "issuing.issue",
    parameters=[KEY],
    body=ISSUE,
    answers={
        201: Reply(Serial, headers=[KEY_HEADER, KEY_REPLAYED_HEADER]),
        404: Reply(NoHoldingRefusal),
        413: Reply(OverLimitRefusal),
    },
    faults=[UnprocessableEntity],
)
async def issue(service: Service, request: Request, component: Component) -> Answer:
    """`POST commissions`: 201 with the serial, or why not; with an Idempotency-Key, the same again."""
    key = KEY.of(request)
    body = await ISSUE.read(request, request.dialect.require_json)
    require_storable("name", body.name)
    requested = understand(body.provisions)
    if isinstance(requested, RequestedProvision):
        return _answer(no_such_holding(requested))
    outcome = await service.ledger.submit(_operation(component, body, requested, key))
    if isinstance(outcome, KeyReused):
        # The key may be from before an upgrade.
        outcome = await service.ledger.submit(_operation(component, body, requested, key, first_fingerprint))
    if request.dialect.system_is_everything and isinstance(outcome, NoCapacity | NoQuantity):
        outcome, requested = await _issue_spread(service, component, body, key)
    if isinstance(outcome, Issued):
        return Answer(201, to_json({"serial": outcome.serial}), headers=_honoured(key, outcome))
    if not isinstance(outcome, Refusal | KeyReused):
        raise TypeError(f"an issue ended as {type(outcome).__name__}")
    return _answer(refused(outcome, requested))


async def _issue_spread(
    service: Service, component: Component, body: IssueBody, key: str | None
) -> tuple[Outcome, Requested]:
    """Try again what the users' own projects could not take, with all the projects that they draw from."""
    attempts = 0
    while True:
        attempts += 1
        spread = await service.read_much(spread_charges, body.provisions)
        outcome = await service.ledger.submit(_operation(component, body, spread.requested, key))
        is_refused = isinstance(outcome, NoCapacity | NoQuantity)
        # What was there when it was read may have been used by others since then.
        if not (is_refused and spread.is_possible) or attempts == ATTEMPTS:
            return spread.retold(outcome), spread.requested


@described("issuing.issue_many", parameters=[KEY], body=BULK, answers={200: Reply(BulkResults)})
async def issue_many(service: Service, request: Request, component: Component) -> Answer:
    """`POST commissions/bulk`: 200 with the status and body that each single call would have had."""
    key = KEY.of(request)
    body = await BULK.read(request, request.dialect.require_json)
    for position, commission in enumerate(body.commissions):
        require_storable(f"name of commission {position}", commission.name)
    understood = [understand(commission.provisions) for commission in body.commissions]
    results: list[Result | None] = [
        no_such_holding(requested) if isinstance(requested, RequestedProvision) else None
        for requested in understood
    ]
    asked = [
        _Asked(position, commission, requested, None if key is None else f"{key}\n{position}")
        for position, (commission, requested) in enumerate(zip(body.commissions, understood, strict=True))
        if isinstance(requested, Requested)
    ]
    undone = body.all_or_none and len(asked) < len(understood)
    if asked and not undone:
        many = await _submit_many(service, component, asked, all_or_none=body.all_or_none)
        undone = many.undone
        for one, outcome in zip(asked, many.outcomes, strict=False):
            results[one.position] = _result(outcome, one.requested)
    document = {"done": not undone, "results": [_part(result, undone=undone) for result in results]}
    return Answer(200, to_json(document))


class _Asked(NamedTuple):
    position: int
    body: IssueBody
    requested: Requested
    key: str | None


async def _submit_many(
    service: Service, component: Component, asked: Sequence[_Asked], *, all_or_none: bool
) -> IssuedMany:
    issues = [_operation(component, one.body, one.requested, one.key) for one in asked]
    many = await _issued_many(service, IssueMany(tuple(issues), all_or_none))
    reused = [number for number, outcome in enumerate(many.outcomes) if isinstance(outcome, KeyReused)]
    if not reused:
        return many
    # As for a single one. The others have keys, too, so they are not issued again. Where they stand or fall
    # together, the first that is refused ended the attempt, and all were asked for in one request.
    for number in range(len(asked)) if all_or_none else reused:
        one = asked[number]
        issues[number] = _operation(component, one.body, one.requested, one.key, first_fingerprint)
    return await _issued_many(service, IssueMany(tuple(issues), all_or_none))


async def _issued_many(service: Service, operation: IssueMany) -> IssuedMany:
    many = await service.ledger.submit(operation)
    if not isinstance(many, IssuedMany):
        raise TypeError(f"many issues ended as {type(many).__name__}")
    return many


def _operation(
    component: Component,
    body: IssueBody,
    requested: Requested,
    key: str | None,
    print_of: Callable[[IssueBody], bytes] = fingerprint,
) -> Issue:
    return Issue(
        component=component.id,
        provisions=tuple(merge(requested.provisions)),
        name=body.name,
        force=body.force,
        auto_accept=body.auto_accept,
        time_to_live=None if body.ttl is None else body.ttl * MICROSECONDS,
        idempotency=None if key is None else Idempotency(key, print_of(body)),
    )


def _honoured(key: str | None, outcome: Issued) -> dict[str, str]:
    if key is None:
        return {}
    return {KEY_HEADER: key, KEY_REPLAYED_HEADER: "true" if outcome.repeated else "false"}


def _result(outcome: Issued | Refusal | KeyReused, requested: Requested) -> Result:
    if isinstance(outcome, Issued):
        return Result(201, {"serial": outcome.serial})
    return refused(outcome, requested)


NOT_DONE = Result(424, FailedDependency("Not issued, since another one was refused.").envelope())


def _part(result: Result | None, *, undone: bool) -> dict[str, Any]:
    if result is None or (undone and result.status == 201):
        result = NOT_DONE
    return {"status": result.status, "body": result.document}


def _answer(result: Result) -> Answer:
    return Answer(result.status, to_json(result.document))
