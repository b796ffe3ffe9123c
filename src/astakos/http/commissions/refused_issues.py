"""How a refused issue is answered: with data instead of details (`http-api.md` §4, §8.6)."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict

import msgspec

from astakos.http.commissions.requested_provisions import Requested, RequestedProvision, Scalar
from astakos.http.faults import UnprocessableEntity
from astakos.ledger.operations import KeyReused
from astakos.ledger.rules import NoCapacity, NoHolding, NoQuantity, OutOfRange, Refusal

NO_HOLDING = "There is no such holding: this holder has nothing of this resource from this source."


class RefusedProvision(TypedDict):
    """The provision that was refused, as it was requested; those of one holding are added up."""

    holder: Scalar
    source: Scalar
    resource: Scalar
    quantity: int | bool


class RefusalData(TypedDict):
    """Why a commission was refused; the figures where there is a holding."""

    name: Literal["NoHoldingError", "NoCapacityError", "NoQuantityError"]
    provision: RefusedProvision
    usage: NotRequired[int]
    limit: NotRequired[int]


class CommissionRefusal(TypedDict):
    """A commission was refused; there is data in place of details."""

    code: int
    message: str
    data: RefusalData


class NoHoldingRefusal(TypedDict):
    """A holding is missing."""

    itemNotFound: CommissionRefusal


class OverLimitRefusal(TypedDict):
    """There is not enough left, or more would be released than is in use."""

    overLimit: CommissionRefusal


class Result(NamedTuple):
    """A status and the document that goes with it."""

    status: int
    document: Mapping[str, Any]


def no_such_holding(entry: RequestedProvision) -> Result:
    """An entry names what can not be a holding."""
    return _with_data(404, "itemNotFound", NO_HOLDING, _data("NoHoldingError", msgspec.to_builtins(entry)))


def refused(refusal: Refusal | KeyReused, requested: Requested) -> Result:
    """The ledger refused what was requested; the provision is called as the request called it."""
    if isinstance(refusal, KeyReused):
        message = f"The Idempotency-Key {refusal.key!r} came with another body before; use a new one."
        return Result(422, UnprocessableEntity(message).envelope())
    key = requested.spoken.get(refusal.provision.key, refusal.provision.key)
    provision = {**key._asdict(), "quantity": refusal.provision.quantity}
    match refusal:
        case NoHolding():
            return _with_data(404, "itemNotFound", NO_HOLDING, _data("NoHoldingError", provision))
        case NoCapacity(_, usage, limit):
            message = "The limit of this holding does not leave room for this quantity."
            return _with_data(413, "overLimit", message, _data("NoCapacityError", provision, usage, limit))
        case NoQuantity(_, usage, limit):
            message = "More would be released than is certainly in use."
            return _with_data(413, "overLimit", message, _data("NoQuantityError", provision, usage, limit))
        case OutOfRange():
            message = "The quantity would take the usage out of the range of signed 64-bit numbers."
            return Result(400, {"badRequest": {"code": 400, "message": message}})


def _data(name: str, provision: Any, usage: int | None = None, limit: int | None = None) -> dict[str, Any]:
    data = {"name": name, "provision": provision}
    return data if usage is None else data | {"usage": usage, "limit": limit}


def _with_data(status: int, name: str, message: str, data: dict[str, Any]) -> Result:
    return Result(status, {name: {"code": status, "message": message, "data": data}})
