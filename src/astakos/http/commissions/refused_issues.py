"""Responses to refused issues, which carry `data` instead of `details` (`http-api.md` §4, §8.6)."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

import msgspec

from astakos.http.commissions.requested_provisions import Requested, RequestedProvision, Scalar
from astakos.http.faults import UnprocessableEntity
from astakos.ledger.operations import KeyReused
from astakos.ledger.rules import NoCapacity, NoHolding, NoQuantity, OutOfRange, Refusal

NO_HOLDING = "This holding does not exist: the holder has no quota for the resource from the source."


class RefusedProvision(TypedDict):
    """The refused provision, as requested. Provisions on the same holding are added up."""

    holder: Scalar
    source: Scalar
    resource: Scalar
    quantity: int | bool


class RefusalData(TypedDict):
    """Why the commission was refused. `usage` and `limit` are present if the holding exists."""

    name: Literal["NoHoldingError", "NoCapacityError", "NoQuantityError"]
    provision: RefusedProvision
    usage: NotRequired[int]
    limit: NotRequired[int]


class CommissionRefusal(TypedDict):
    """A refused commission. It has `data` instead of `details`."""

    code: int
    message: str
    data: RefusalData


class NoHoldingRefusal(TypedDict):
    """The holding does not exist."""

    itemNotFound: CommissionRefusal


class OverLimitRefusal(TypedDict):
    """The commission exceeds a limit, or releases more than is in use."""

    overLimit: CommissionRefusal


class Result(NamedTuple):
    """A status and the document that goes with it."""

    status: int
    document: Mapping[str, Any]


def no_such_holding(entry: RequestedProvision) -> Result:
    """Returns the response for a provision whose key cannot be that of a holding."""
    return _with_data(404, "itemNotFound", NO_HOLDING, _data("NoHoldingError", msgspec.to_builtins(entry)))


def refused(refusal: Refusal | KeyReused, requested: Requested) -> Result:
    """Returns the response for a refusal by the ledger. Names the holding as the request did."""
    if isinstance(refusal, KeyReused):
        message = f"The Idempotency-Key {refusal.key!r} was used with a different body. Use a new key."
        return Result(422, UnprocessableEntity(message).envelope())
    key = requested.spoken.get(refusal.provision.key, refusal.provision.key)
    provision = {**key._asdict(), "quantity": refusal.provision.quantity}
    match refusal:
        case NoHolding():
            return _with_data(404, "itemNotFound", NO_HOLDING, _data("NoHoldingError", provision))
        case NoCapacity(_, usage, limit):
            message = "The quantity would exceed the limit of the holding."
            return _with_data(413, "overLimit", message, _data("NoCapacityError", provision, usage, limit))
        case NoQuantity(_, usage, limit):
            message = "The release exceeds the usage of the holding, not counting pending imports."
            return _with_data(413, "overLimit", message, _data("NoQuantityError", provision, usage, limit))
        case OutOfRange():
            message = "The quantity would take the usage out of the signed 64-bit range."
            return Result(400, {"badRequest": {"code": 400, "message": message}})


def _data(name: str, provision: Any, usage: int | None = None, limit: int | None = None) -> dict[str, Any]:
    data = {"name": name, "provision": provision}
    return data if usage is None else data | {"usage": usage, "limit": limit}


def _with_data(status: int, name: str, message: str, data: dict[str, Any]) -> Result:
    return Result(status, {name: {"code": status, "message": message, "data": data}})
