"""`POST account/v1.0/commissions` and `…/bulk`: issuing one commission, or many (`docs/ledger.md`)."""

import hashlib
from typing import Annotated, Any

import msgspec

from astakos.clock import MICROSECONDS
from astakos.directory.model import Component
from astakos.http.bodies import read_json, require_storable
from astakos.http.faults import BadRequest
from astakos.http.messages import Answer, Request
from astakos.http.provisions import Requested, RequestedProvision, understand
from astakos.http.refusals import Result, no_such_holding, refused
from astakos.http.serialization import to_json
from astakos.http.service import Service
from astakos.http.system_charges import ATTEMPTS, spread_charges
from astakos.ledger.operations import Idempotency, Issue, Issued, IssuedMany, IssueMany, KeyReused, Outcome
from astakos.ledger.rules import NoCapacity, NoQuantity, Refusal, merge

LONGEST_NAME = 4096
LONGEST_KEY = 255
LONGEST_TIME_TO_LIVE = 30 * 24 * 3600
MOST_AT_ONCE = 1000
KEY_HEADER = b"idempotency-key"


class IssueBody(msgspec.Struct):
    """The body of an issue; what else it holds is ignored."""

    provisions: list[RequestedProvision]
    name: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)] = ""
    force: bool = False
    auto_accept: bool = False
    ttl: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_TIME_TO_LIVE)] | None = None


class BulkBody(msgspec.Struct):
    """The body of many issues."""

    commissions: Annotated[list[IssueBody], msgspec.Meta(min_length=1, max_length=MOST_AT_ONCE)]
    all_or_none: bool = False


_issues = msgspec.json.Decoder(IssueBody)
_bulks = msgspec.json.Decoder(BulkBody)


async def issue(service: Service, request: Request, component: Component) -> Answer:
    """`POST commissions`: 201 with the serial, or why not; with an Idempotency-Key, the same again."""
    service.generation.require_json(request)
    key = _idempotency_key(request)
    body = await read_json(request, _issues)
    require_storable("name", body.name)
    requested = understand(body.provisions)
    if isinstance(requested, RequestedProvision):
        return _answer(no_such_holding(requested))
    outcome = await service.ledger.submit(_operation(component, body, requested, key))
    if service.generation.system_is_everything and isinstance(outcome, NoCapacity | NoQuantity):
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


async def issue_many(service: Service, request: Request, component: Component) -> Answer:
    """`POST commissions/bulk`: 200 with the status and body that each single call would have had."""
    service.generation.require_json(request)
    key = _idempotency_key(request)
    body = await read_json(request, _bulks)
    for position, commission in enumerate(body.commissions):
        require_storable(f"name of commission {position}", commission.name)
    understood = [understand(commission.provisions) for commission in body.commissions]
    results: list[Result | None] = [
        no_such_holding(requested) if isinstance(requested, RequestedProvision) else None
        for requested in understood
    ]
    issues: list[Issue] = []
    positions: list[tuple[int, Requested]] = []
    for position, (commission, requested) in enumerate(zip(body.commissions, understood, strict=True)):
        if isinstance(requested, Requested):
            part = None if key is None else f"{key}\n{position}"
            issues.append(_operation(component, commission, requested, part))
            positions.append((position, requested))
    undone = body.all_or_none and len(issues) < len(understood)
    if issues and not undone:
        many = await service.ledger.submit(IssueMany(tuple(issues), body.all_or_none))
        if not isinstance(many, IssuedMany):
            raise TypeError(f"many issues ended as {type(many).__name__}")
        undone = many.undone
        for (position, requested), outcome in zip(positions, many.outcomes, strict=False):
            results[position] = _result(outcome, requested)
    document = {"done": not undone, "results": [_part(result, undone=undone) for result in results]}
    return Answer(200, to_json(document))


def _operation(component: Component, body: IssueBody, requested: Requested, key: str | None) -> Issue:
    # What the body says is compared, not how it says it.
    fingerprint = b"" if key is None else hashlib.sha256(msgspec.json.encode(body)).digest()
    return Issue(
        component=component.id,
        provisions=tuple(merge(requested.provisions)),
        name=body.name,
        force=body.force,
        auto_accept=body.auto_accept,
        time_to_live=None if body.ttl is None else body.ttl * MICROSECONDS,
        idempotency=None if key is None else Idempotency(key, fingerprint),
    )


def _idempotency_key(request: Request) -> str | None:
    if KEY_HEADER not in request.headers:
        return None
    key = request.header(KEY_HEADER)
    if not 1 <= len(key) <= LONGEST_KEY or not key.isprintable():
        raise BadRequest(f"Idempotency-Key must be 1 to {LONGEST_KEY} printable characters.")
    return key


def _honoured(key: str | None, outcome: Issued) -> dict[str, str]:
    if key is None:
        return {}
    return {"Idempotency-Key": key, "Idempotency-Replayed": "true" if outcome.repeated else "false"}


def _result(outcome: Issued | Refusal | KeyReused, requested: Requested) -> Result:
    if isinstance(outcome, Issued):
        return Result(201, {"serial": outcome.serial})
    return refused(outcome, requested)


NOT_DONE = Result(
    424,
    {
        "failedDependency": {
            "code": 424,
            "message": "Not issued, since another one was refused.",
            "details": "",
        }
    },
)


def _part(result: Result | None, *, undone: bool) -> dict[str, Any]:
    if result is None or (undone and result.status == 201):
        result = NOT_DONE
    return {"status": result.status, "body": result.document}


def _answer(result: Result) -> Answer:
    return Answer(result.status, to_json(result.document))
