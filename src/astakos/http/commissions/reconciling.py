"""`POST account/v1.0/reconcile`: compares a component's own figures with the ledger's (`docs/ledger.md`)."""

from collections.abc import Sequence, Set
from typing import Annotated, Any

import msgspec

from astakos.directory.entities import Component
from astakos.http.bodies import JsonBody, require_storable
from astakos.http.commissions.charging_rights import may_not, not_reconcilable
from astakos.http.commissions.issuing import LONGEST_NAME
from astakos.http.commissions.refused_issues import named, told_meter
from astakos.http.faults import BadRequest, Forbidden, TooManyRequests
from astakos.http.openapi.description import Reply, described
from astakos.http.pauses import with_pauses
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.ledger.key_levels import KEY
from astakos.ledger.operations import Drift, Reconcile, Reconciled
from astakos.ledger.rules import UNLIMITED, IsMeter, Key, NoQuantity, Provision, Refusal
from astakos.ledger.slices import carry_out_slices, slices
from astakos.service.service import Service
from astakosclient.answer_types import Reconciliation

MOST_AT_ONCE = 10_000
HOLDINGS_BETWEEN_PAUSES = 256
"""Describing so many takes a third of a millisecond."""


class ObservedUsage(msgspec.Struct):
    """The actual usage of a holding, as the component has measured it."""

    holder: str
    source: str | None
    resource: str
    usage: Annotated[int, msgspec.Meta(ge=0, le=UNLIMITED)]


class ReconcileBody(msgspec.Struct):
    """The actual usage by holding. With `mend`, a commission with the given name corrects the ledger."""

    usage: Annotated[list[ObservedUsage], msgspec.Meta(max_length=MOST_AT_ONCE)]
    mend: bool = False
    name: Annotated[str, msgspec.Meta(max_length=LONGEST_NAME)] = "reconciliation"


BODY = JsonBody(ReconcileBody)


@described(
    "reconciling.reconcile",
    body=BODY,
    answers={200: Reply(Reconciliation)},
    faults=[Forbidden, TooManyRequests],
)
async def reconcile(service: Service, request: Request, component: Component) -> Answer:
    """Compares actual usage with the ledger. Returns the drift and, on request, corrects it.

    Only for resources that the calling component owns, or was explicitly given the right to charge.
    """
    body = BODY.read(request, request.dialect.require_json)
    require_storable("name", body.name)
    usage = [
        Provision(Key(entry.holder, entry.source, entry.resource), entry.usage)
        async for entry in with_pauses(body.usage, HOLDINGS_BETWEEN_PAUSES)
    ]
    if any(key.holder.startswith(KEY) for key, _ in usage):
        raise BadRequest("usage must name holdings of users and projects. Those of keys are not reconciled.")
    if len({key for key, _ in usage}) < len(usage):
        raise BadRequest("usage must name each holding at most once.")
    foreign = await not_reconcilable(service, component, {key.resource for key, _ in usage})
    if foreign:
        raise may_not("reconcile", component, foreign)
    outcome = await _reconciled(service, component, usage, body)
    if isinstance(outcome.refusal, IsMeter):
        raise BadRequest(told_meter(outcome.refusal))
    if outcome.refusal is not None:
        raise BadRequest(_told_refusal(outcome.refusal, {key for key, _ in usage}))
    document = {
        "holdings": [
            _describe(drift) async for drift in with_pauses(outcome.drifts, HOLDINGS_BETWEEN_PAUSES)
        ],
        "missing": [key._asdict() for key in outcome.missing],
        "drifting": sum(drift.drift != 0 for drift in outcome.drifts),
        "serial": outcome.serial,
    }
    return Answer(body=to_json(document))


async def _reconciled(
    service: Service, component: Component, usage: Sequence[Provision], body: ReconcileBody
) -> Reconciled:
    """Returns the outcome: of one transaction if it corrects the ledger, of one for each slice if not."""
    parts = [usage] if body.mend else slices(usage, lambda _: 1)
    operations = (Reconcile(component.id, tuple(part), body.mend, body.name) for part in parts)
    drifts: list[Drift] = []
    missing: list[Key] = []
    serial, refusal = None, None
    for outcome in await carry_out_slices(service.ledger, operations):
        if not isinstance(outcome, Reconciled):
            raise TypeError(f"unexpected outcome of a reconciliation: {type(outcome).__name__}")
        drifts += outcome.drifts
        missing += outcome.missing
        serial, refusal = outcome.serial, refusal or outcome.refusal
    return Reconciled(tuple(drifts), tuple(missing), serial, refusal)


def _told_refusal(refusal: Refusal, reconciled: Set[Key]) -> str:
    key = refusal.provision.key
    if key in reconciled or not isinstance(refusal, NoQuantity):
        return (
            f"Nothing was corrected: pending provisions for {named(key)} leave no room for the correction. "
            "Resolve them first."
        )
    return (
        f"Nothing was corrected: {named(key)} is above what is reconciled, and has only {refusal.usage} to "
        f"give back, not {-refusal.provision.quantity}. Name it in the same request, with its actual usage."
    )


def _describe(drift: Drift) -> dict[str, Any]:
    return {
        **drift.key._asdict(),
        "limit": drift.holding.limit,
        "usage": drift.holding.usage_max,
        "pending": drift.holding.pending,
        "settled": drift.settled,
        "actual": drift.actual,
        "drift": drift.drift,
    }
