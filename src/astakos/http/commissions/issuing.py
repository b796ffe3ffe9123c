"""`POST account/v1.0/commissions`: issuing a commission (`docs/ledger.md`)."""

import contextlib
from collections.abc import Callable
from typing import Annotated, Any, NotRequired, TypedDict

import msgspec
from msgspec.structs import replace

from astakos.clock import MICROSECONDS
from astakos.directory.entities import Component
from astakos.http.bodies import JsonBody, require_storable
from astakos.http.commissions.charged_keys import charged_keys
from astakos.http.commissions.charging_rights import not_chargeable
from astakos.http.commissions.fingerprints import fingerprint, first_fingerprint
from astakos.http.commissions.missing_holdings import NO_QUOTA, malformed_name, unknown_name
from astakos.http.commissions.project_obstacles import obstacle_of
from astakos.http.commissions.refused_issues import (
    OF_REFUSALS,
    Level,
    NoHoldingRefusal,
    OverLimitRefusal,
    RefusedProvision,
    Result,
    level_of,
    not_understood,
    refused,
)
from astakos.http.commissions.requested_provisions import Requested, RequestedProvision, understand
from astakos.http.dialects.system_charges import ATTEMPTS, spread_charges
from astakos.http.faults import Fault, Forbidden, TooManyRequests, UnprocessableEntity
from astakos.http.idempotency_keys import ABOUT_KEYS, LONGEST_KEY, honored, key_parameter
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.ledger.key_levels import key_holder
from astakos.ledger.operations import Idempotency, Issue, Issued, KeyReused, Outcome
from astakos.ledger.overage import Overage
from astakos.ledger.ports import StorageUnavailableError
from astakos.ledger.rules import NoCapacity, NoHolding, NoQuantity, Provision, Refusal, merge
from astakos.service.service import Service

LONGEST_NAME = 4096
LONGEST_TIME_TO_LIVE = 30 * 24 * 3600


class IssueBody(msgspec.Struct, omit_defaults=True):
    """A commission to issue. Unknown fields are ignored.

    `key` is the prefix of the API key with which the user has called: its limits count as well.
    """

    # Append new fields: `fingerprints` depends on the order.
    provisions: list[RequestedProvision]
    name: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)] = ""
    force: bool = False
    auto_accept: bool = False
    ttl: Annotated[int, msgspec.Meta(ge=1, le=LONGEST_TIME_TO_LIVE)] | None = None
    overage: Overage = Overage.REFUSE
    at_most: bool = False
    dry_run: bool = False
    key: Annotated[str, msgspec.Meta(max_length=LONGEST_KEY)] | None = None


class Passed(TypedDict):
    """What a limit in shadow would have refused, with the figures that it would have had no room for."""

    provision: RefusedProvision
    usage: int
    limit: int
    level: Level


class Serial(TypedDict):
    """The serial of the commission; null for a dry run. `granted` is what `at_most` has come to.

    `would_refuse` is there if limits in shadow would have refused something.
    """

    serial: int | None
    granted: NotRequired[list[RefusedProvision]]
    would_refuse: NotRequired[list[Passed]]


KEY = key_parameter("return the same serial")
ISSUE = JsonBody(IssueBody)


@described(
    "issuing.issue",
    parameters=[KEY],
    body=ISSUE,
    answers={
        200: Reply(Serial),
        201: Reply(Serial, headers=ABOUT_KEYS),
        404: Reply(NoHoldingRefusal),
        413: Reply(OverLimitRefusal, headers=OF_REFUSALS),
    },
    faults=[Forbidden, UnprocessableEntity, TooManyRequests],
)
async def issue(service: Service, request: Request, component: Component) -> Answer:
    """Issues a commission. Returns its serial.

    With an Idempotency-Key, a repeated request returns the serial of the first one and issues nothing. With
    `at_most`, as much of each resource is issued as there is room for. With `dry_run`, nothing is issued: the
    answer is what it would have been, with status 200 and no serial.
    """
    key = KEY.of(request)
    body = ISSUE.read(request, request.dialect.require_json)
    require_storable("name", body.name)
    requested = understand(body.provisions)
    if not isinstance(requested, Requested):
        return _answer(not_understood(requested))
    right = await not_chargeable(service, component, [requested])
    refusal: Fault | NoHolding | None = right.refusal(requested)
    if body.key is not None:
        refusal = refusal or (await charged_keys(service, [body.key])).refusal(body.key, requested)
    if refusal is not None:
        earlier = await _issued_before(service, component, body, requested, key)
        if earlier is not None:
            return _issued(earlier, body, requested, key)
        if isinstance(refusal, NoHolding):
            return _answer(refused(refusal, requested, await _reason(service, refusal)))
        raise refusal
    outcome = await service.ledger.submit(issue_operation(component, body, requested, key))
    if isinstance(outcome, KeyReused):
        # The key may predate an upgrade: compare with the fingerprint of version 1.
        outcome = await service.ledger.submit(
            issue_operation(component, body, requested, key, first_fingerprint)
        )
    # Whoever names a key knows more than one source.
    is_spread = request.dialect.system_is_everything and body.key is None
    if is_spread and isinstance(outcome, NoCapacity | NoQuantity):
        outcome, requested = await _issue_spread(service, component, body, key)
    if isinstance(outcome, Issued):
        return _issued(outcome, body, requested, key)
    if not isinstance(outcome, Refusal | KeyReused):
        raise TypeError(f"unexpected outcome of an issue: {type(outcome).__name__}")
    reason, obstacle = await _reason(service, outcome), await obstacle_of(service, outcome)
    return _answer(refused(outcome, requested, reason, obstacle, is_recorded=True))


async def _issued_before(
    service: Service, component: Component, body: IssueBody, requested: Requested, key: str | None
) -> Issued | None:
    """Returns what the same request has issued, when the component had the right, and the key was valid."""
    if key is None:
        return None
    question = replace(issue_operation(component, body, requested, key), is_question=True)
    outcome = await service.ledger.submit(question)
    return outcome if isinstance(outcome, Issued) and outcome.repeated else None


def _issued(outcome: Issued, body: IssueBody, requested: Requested, key: str | None) -> Answer:
    document: dict[str, Any] = told_issue(outcome, requested)
    if body.dry_run:
        return Answer(body=to_json(document))
    return Answer(201, to_json(document), headers=honored(key, is_repeated=outcome.repeated))


def told_issue(outcome: Issued, requested: Requested) -> dict[str, Any]:
    """Returns the document about an issue: its serial, and what was granted if that can differ."""
    document: dict[str, Any] = {"serial": outcome.serial or None}
    if outcome.granted is not None:
        keys = [key for key, _ in merge(requested.provisions)]
        told = {
            requested.as_asked(Provision(key, quantity)).key: quantity
            for key, quantity in zip(keys, outcome.granted, strict=True)
        }
        document["granted"] = [{**key._asdict(), "quantity": quantity} for key, quantity in told.items()]
    if outcome.would_refuse:
        document["would_refuse"] = [_passed(one, requested) for one in outcome.would_refuse]
    return document


def _passed(refusal: NoCapacity, requested: Requested) -> Passed:
    (holder, source, resource), quantity = requested.as_asked(refusal.provision)
    return {
        "provision": {"holder": holder, "source": source, "resource": resource, "quantity": quantity},
        "usage": refusal.usage,
        "limit": refusal.limit,
        "level": level_of(refusal.provision.key, requested),
    }


async def _reason(service: Service, refusal: Refusal | KeyReused) -> str:
    """Returns why a holding does not exist, as far as the database can tell now."""
    if isinstance(refusal, NoHolding) and malformed_name(refusal.provision.key) is None:
        # The refusal is certain, and an answer in general terms is better than none.
        with contextlib.suppress(StorageUnavailableError):
            return await service.read(unknown_name, refusal.provision.key)
    return NO_QUOTA


async def _issue_spread(
    service: Service, component: Component, body: IssueBody, key: str | None
) -> tuple[Outcome, Requested]:
    """Retries charges on `system` that the users' own projects cannot take, spread over all projects."""
    attempts = 0
    while True:
        attempts += 1
        spread = await service.read_much(spread_charges, body.provisions, service.now())
        outcome = await service.ledger.submit(issue_operation(component, body, spread.requested, key))
        is_refused = isinstance(outcome, NoCapacity | NoQuantity)
        # Other requests may have used up the capacity since it was read.
        if not (is_refused and spread.is_possible) or attempts == ATTEMPTS:
            return spread.retold(outcome), spread.requested


def issue_operation(
    component: Component,
    body: IssueBody,
    requested: Requested,
    key: str | None,
    print_of: Callable[[IssueBody], bytes] = fingerprint,
) -> Issue:
    """Returns the ledger operation for a request."""
    return Issue(
        component=component.id,
        provisions=tuple(merge(requested.provisions)),
        name=body.name,
        force=body.force,
        auto_accept=body.auto_accept,
        time_to_live=None if body.ttl is None else body.ttl * MICROSECONDS,
        idempotency=None if key is None or body.dry_run else Idempotency(key, print_of(body)),
        overage=body.overage,
        at_most=body.at_most,
        is_question=body.dry_run,
        key_holder=None if body.key is None else key_holder(body.key),
    )


def _answer(result: Result) -> Answer:
    return Answer(result.status, to_json(result.document), headers=result.headers)
