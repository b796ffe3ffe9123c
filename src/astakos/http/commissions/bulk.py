"""`POST account/v1.0/commissions/bulk`: issues many commissions in one call (`docs/ledger.md`)."""

from collections.abc import Container, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec.structs import replace

from astakos.directory.entities import Component
from astakos.http.bodies import JsonBody, require_storable
from astakos.http.commissions.charged_keys import ChargedKeys, charged_keys
from astakos.http.commissions.charging_rights import NotChargeable, not_chargeable
from astakos.http.commissions.fingerprints import fingerprint, first_fingerprint
from astakos.http.commissions.issuing import KEY, IssueBody, issue_operation, told_issue
from astakos.http.commissions.missing_holdings import NO_RESOURCE
from astakos.http.commissions.project_obstacles import obstacle_in, obstacles_of
from astakos.http.commissions.refused_issues import Obstacle, Result, not_understood, refused
from astakos.http.commissions.requested_provisions import (
    Requested,
    RequestedProvision,
    SumOutOfRange,
    understand,
)
from astakos.http.faults import FailedDependency, TooManyRequests
from astakos.http.openapi.description import Reply, described
from astakos.http.pauses import with_pauses
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.ledger.operations import Issued, IssuedMany, IssueMany, KeyReused
from astakos.ledger.rules import NoHolding, Refusal
from astakos.ledger.slices import carry_out_slices, slices
from astakos.ledger.waiting import work_of
from astakos.service.service import Service
from astakosclient.answer_types import BulkResults

MOST_AT_ONCE = 1000
COMMISSIONS_BETWEEN_PAUSES = 64
"""Understanding so many takes half a millisecond."""


class BulkBody(msgspec.Struct):
    """The commissions to issue. With `all_or_none`, none is issued if one is refused."""

    commissions: Annotated[list[IssueBody], msgspec.Meta(min_length=1, max_length=MOST_AT_ONCE)]
    all_or_none: bool = False


BULK = JsonBody(BulkBody)


@described(
    "issuing.issue_many",
    parameters=[KEY],
    body=BULK,
    answers={200: Reply(BulkResults)},
    faults=[TooManyRequests],
)
async def issue_many(service: Service, request: Request, component: Component) -> Answer:
    """Issues many commissions in one call. Returns a status and a body for each."""
    key = KEY.of(request)
    body = BULK.read(request, request.dialect.require_json)
    for position, commission in enumerate(body.commissions):
        require_storable(f"name of commission {position}", commission.name)
    understood = [
        understand(commission.provisions)
        async for commission in with_pauses(body.commissions, COMMISSIONS_BETWEEN_PAUSES)
    ]
    foreign = await not_chargeable(
        service, component, (requested for requested in understood if isinstance(requested, Requested))
    )
    named = await charged_keys(service, [commission.key for commission in body.commissions])
    results = [
        _refused_at_once(requested, foreign, named, commission.key)
        for requested, commission in zip(understood, body.commissions, strict=True)
    ]
    all_asked = [
        _Asked(position, commission, requested, None if key is None else f"{key}\n{position}")
        for position, (commission, requested) in enumerate(zip(body.commissions, understood, strict=True))
        if isinstance(requested, Requested)
    ]
    asked = [one for one in all_asked if results[one.position] is None]
    if key is not None and len(asked) < len(all_asked):
        without_right = [one for one in all_asked if results[one.position] is not None]
        for one, earlier in await _issued_before(service, component, without_right):
            results[one.position] = _result(earlier, one, {})
    undone = body.all_or_none and any(result is not None and result.is_refusal for result in results)
    if asked and not undone:
        many = await _submit_many(service, component, asked, all_or_none=body.all_or_none)
        undone = many.undone
        obstacles = await obstacles_of(service, many.outcomes)
        for one, outcome in zip(asked, many.outcomes, strict=False):
            results[one.position] = _result(outcome, one, obstacles)
    document = {"done": not undone, "results": [_part(result, undone=undone) for result in results]}
    return Answer(200, to_json(document))


def _refused_at_once(
    requested: Requested | RequestedProvision | SumOutOfRange,
    foreign: NotChargeable,
    named: ChargedKeys,
    key: str | None,
) -> Result | None:
    """Returns the refusal of a commission that the ledger is not asked about."""
    if not isinstance(requested, Requested):
        return not_understood(requested)
    match foreign.refusal(requested) or named.refusal(key, requested):
        case None:
            return None
        case NoHolding() as refusal:
            return refused(refusal, requested, NO_RESOURCE)
        case fault:
            return Result(fault.status, fault.envelope())


class _Asked(NamedTuple):
    position: int
    body: IssueBody
    requested: Requested
    key: str | None


async def _issued_before(
    service: Service, component: Component, asked: Sequence[_Asked]
) -> list[tuple[_Asked, Issued]]:
    """Returns what the same requests have issued, when the component had the right, and the key was valid."""
    many = await _issued_many(service, component, asked, set(), all_or_none=False, are_questions=True)
    return [
        (one, outcome)
        for one, outcome in zip(asked, many.outcomes, strict=True)
        if isinstance(outcome, Issued) and outcome.repeated
    ]


async def _submit_many(
    service: Service, component: Component, asked: Sequence[_Asked], *, all_or_none: bool
) -> IssuedMany:
    many = await _issued_many(service, component, asked, set(), all_or_none=all_or_none)
    reused = {number for number, outcome in enumerate(many.outcomes) if isinstance(outcome, KeyReused)}
    if not reused:
        return many
    # As in `issue`, the keys may predate an upgrade. The other commissions have keys too, so they are not
    # issued twice. With `all_or_none`, the first refusal ended the attempt, so any of the keys may be old.
    older = set(range(len(asked))) if all_or_none else reused
    return await _issued_many(service, component, asked, older, all_or_none=all_or_none)


async def _issued_many(
    service: Service,
    component: Component,
    asked: Sequence[_Asked],
    older: Container[int],
    *,
    all_or_none: bool,
    are_questions: bool = False,
) -> IssuedMany:
    """Issues commissions, or asks; those whose number is in `older` with the fingerprint of version 1."""
    issues = (
        issue_operation(
            component, one.body, one.requested, one.key, first_fingerprint if number in older else fingerprint
        )
        for number, one in enumerate(asked)
    )
    if are_questions:
        issues = (replace(issue, is_question=True) for issue in issues)
    parts = [tuple(issues)] if all_or_none else slices(issues, work_of)
    operations = (IssueMany(tuple(part), all_or_none) for part in parts)
    outcomes: list[Issued | Refusal | KeyReused] = []
    undone = False
    for many in await carry_out_slices(service.ledger, operations):
        if not isinstance(many, IssuedMany):
            raise TypeError(f"unexpected outcome of a bulk issue: {type(many).__name__}")
        outcomes += many.outcomes
        undone = undone or many.undone
    return IssuedMany(tuple(outcomes), undone)


def _result(
    outcome: Issued | Refusal | KeyReused, asked: _Asked, obstacles: Mapping[str, Obstacle]
) -> Result:
    if isinstance(outcome, Issued):
        return Result(200 if asked.body.dry_run else 201, told_issue(outcome, asked.requested))
    return refused(outcome, asked.requested, obstacle=obstacle_in(obstacles, outcome))


NOT_DONE = Result(424, FailedDependency("Not issued because another commission was refused.").envelope())


def _part(result: Result | None, *, undone: bool) -> dict[str, Any]:
    if result is None or (undone and not result.is_refusal):
        result = NOT_DONE
    return {"status": result.status, "body": result.document}
