"""Responses to refused issues, which carry `data` instead of `details` (`http-api.md` §4, §8.6)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final, Literal, NamedTuple, NotRequired, TypedDict

import msgspec

from astakos.clock import MICROSECONDS, to_iso
from astakos.directory.api_keys import without_secrets
from astakos.http.commissions.missing_holdings import NO_QUOTA, NOT_BY_ITSELF, NOT_NAMES, malformed_name
from astakos.http.commissions.requested_provisions import (
    Requested,
    RequestedProvision,
    Scalar,
    SumOutOfRange,
)
from astakos.http.faults import UnprocessableEntity
from astakos.ledger.grants import base_of_grant
from astakos.ledger.key_levels import KEY, prefix_of_holder
from astakos.ledger.operations import KeyReused
from astakos.ledger.rules import (
    UNLIMITED,
    IsMeter,
    Key,
    NoCapacity,
    NoHolding,
    NoQuantity,
    OutOfRange,
    Refusal,
    Renewal,
)
from astakos.projects.unusable_meters import UnusableMeters

LEVEL = "Astakos-Level"
"""The header that says whose limit an import or a release has met, however the request named the holding."""
PROJECT_STATE = "Astakos-Project-State"
"""The header that says why a project has no room, if nothing can be drawn from it."""
RATE_LIMIT = "RateLimit"
RATE_LIMIT_POLICY = "RateLimit-Policy"
"""Headers of the IETF's draft "RateLimit header fields for HTTP"."""
OF_REFUSALS: Final = (LEVEL, PROJECT_STATE, RATE_LIMIT, RATE_LIMIT_POLICY, "Retry-After")
"""The headers that a refusal of a charge can have."""
PARENT: Final = "parent"
OF_KEY: Final = "key"
LONGEST_RETRY_AFTER = 60
"""In seconds."""


Level = Literal["key", "user", "project", "parent"]


class RefusedProvision(TypedDict):
    """The refused provision, as requested. Provisions on the same holding are added up."""

    holder: Scalar
    source: Scalar
    resource: Scalar
    quantity: int | bool


class RefusalData(TypedDict):
    """Why the commission was refused. `usage` and `limit` are present if the holding exists.

    If a meter, a parent or a key has no room, the provision names it, and `level` says whose it is: the
    user's, the project's, that of a parent, a project above it, or that of the key. `resets` is when the
    period of a meter ends or, for a rate, when there will be room; it is absent if waiting does not help.
    `available` is how much there is room for, if that includes grants. `project_state` is that of the project
    without room, or the parent, if nothing can be drawn from it now; for a single commission, the header
    `Astakos-Project-State` says it.
    """

    name: Literal["NoHoldingError", "NoCapacityError", "NoQuantityError"]
    provision: RefusedProvision
    usage: NotRequired[int]
    limit: NotRequired[int]
    level: NotRequired[Level]
    resets: NotRequired[str]
    available: NotRequired[int]
    project_state: NotRequired[Literal["uninitialized", "suspended", "terminated", "deleted"]]


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
    """A status, and the document and the headers that go with it."""

    status: int
    document: Mapping[str, Any]
    headers: Mapping[str, str] = MappingProxyType({})

    @property
    def is_refusal(self) -> bool:
        """Whether nothing was issued, or would be."""
        return self.status >= 400


class Obstacle(NamedTuple):
    """Why nothing can be drawn from a project.

    Attributes:
        state: The state of the project, unless it is active.
        unusable: The meters that it limits in vain, because it gives nothing of what they count.
    """

    state: str = ""
    unusable: tuple[UnusableMeters, ...] = ()

    def in_words(self, resource: str) -> str:
        """Returns what to say besides about a refusal of a resource, and what mends it."""
        for one in self.unusable:
            if one.base == resource:
                mends = f"--resource {resource} unlimited unlimited"
                return f" The project gives each member 0 of {resource} itself: set its limits with {mends}."
        return ""


NO_OBSTACLE: Final = Obstacle()


def not_understood(problem: RequestedProvision | SumOutOfRange) -> Result:
    """Returns the response for what prevents a request from being understood; see `understand`."""
    if isinstance(problem, SumOutOfRange):
        return _bad_request(
            f"The body is not valid: each quantity for {named(problem.key)}, and their sum, must be from "
            f"-{UNLIMITED} to {UNLIMITED} - at `$.provisions[...].quantity`."
        )
    is_key = isinstance(problem.holder, str) and problem.holder.startswith(KEY)
    return _no_holding(msgspec.to_builtins(problem), NOT_BY_ITSELF if is_key else NOT_NAMES)


def refused(
    refusal: Refusal | KeyReused,
    requested: Requested,
    reason: str = NO_QUOTA,
    obstacle: Obstacle = NO_OBSTACLE,
    *,
    is_recorded: bool = False,
) -> Result:
    """Returns the response for a refusal by the ledger. Names the holding as the request did.

    Args:
        refusal: Why the ledger refused.
        requested: The provisions of the request.
        reason: Why a holding, whose names have the right form, does not exist.
        obstacle: Why nothing can be drawn from the project that has no room, as far as that is why.
        is_recorded: Whether the original answers the call, too. Then `data` keeps its keys, and the state
            is in a header.
    """
    if isinstance(refusal, KeyReused):
        message = f"The Idempotency-Key {refusal.key!r} was used with a different body. Use a new key."
        return Result(422, UnprocessableEntity(message).envelope())
    key, quantity = requested.as_asked(refusal.provision)
    provision = {**key._asdict(), "quantity": quantity}
    match refusal:
        case NoHolding():
            return _no_holding(provision, malformed_name(refusal.provision.key) or reason)
        case NoCapacity(provision=_, usage=usage, limit=limit, renewal=renewal):
            level = level_of(refusal.provision.key, requested)
            data = _data("NoCapacityError", provision, usage, limit)
            whose, state = "parent" if level == PARENT else "project", obstacle.state
            addition = f" The {whose} is {state}." if state else ""
            of_state = {PROJECT_STATE: state} if state else {}
            if state and not is_recorded:
                data["project_state"] = state
            if renewal is not None:
                told = _no_room_on_meter(refusal, renewal, {**data, "level": level}, addition)
                return told._replace(headers={**told.headers, **of_state})
            message = "The quantity would exceed the limit of the holding."
            if level == PARENT:
                message = f"The quantity would exceed the limit of {key.holder}, a parent of the project."
                data["level"] = level
            elif level == OF_KEY:
                message = f"The quantity would exceed the limit of the key {prefix_of_holder(key.holder)}."
                data["level"] = level
            message += addition + obstacle.in_words(refusal.provision.key.resource)
            headers = {LEVEL: level, **of_state}
            return _with_data(413, "overLimit", message, data)._replace(headers=headers)
        case NoQuantity(_, usage, limit):
            message = "The release exceeds the usage of the holding, not counting pending imports."
            data = _data("NoQuantityError", provision, usage, limit)
            level = level_of(refusal.provision.key, requested)
            if level == PARENT:
                message = f"The release exceeds the usage of {key.holder}, a parent of the project."
                data["level"] = PARENT
            return _with_data(413, "overLimit", message, data)._replace(headers={LEVEL: level})
        case IsMeter():
            return _bad_request(told_meter(refusal))
        case OutOfRange():
            return _bad_request(
                f"The quantity for {named(key)} would take its usage above {UNLIMITED}, the largest possible."
            )


def level_of(key: Key, requested: Requested) -> Level:
    """Returns whose limit a holding has. Projects that a request does not name are above those it names."""
    holder, source, _ = key
    if source is not None:
        return OF_KEY if holder.startswith(KEY) else "user"
    return "project" if any(named.holder == holder for named, _ in requested.provisions) else PARENT


def told_meter(refusal: IsMeter) -> str:
    """Returns what to say about a charge to a meter, or to a grant."""
    name = refusal.provision.key.resource
    if base_of_grant(name) is not None:
        return f"{name} is a grant of {refusal.base}, and is drawn on as needed. Name {refusal.base}."
    return f"{name} is a meter of {refusal.base}, and counts what is charged to that. Name {refusal.base}."


def _no_room_on_meter(refusal: NoCapacity, renewal: Renewal, data: dict[str, Any], addition: str) -> Result:
    name, limit = refusal.provision.key.resource, refusal.limit
    key = prefix_of_holder(refusal.provision.key.holder)
    whose = name if key is None else f"{name} of the key {key}"
    message = f"The quantity would exceed the limit of {whose}, which is {limit}."
    available = refusal.room
    if refusal.available is not None:
        data["available"] = available
        message = f"The quantity would exceed the limit of {name} and its grants: {available} are available."
    headers = {LEVEL: data["level"], RATE_LIMIT_POLICY: f'"{name}";q={limit};w={_seconds(renewal.window)}'}
    if renewal.resets is not None and renewal.wait is not None:
        data["resets"] = to_iso(renewal.resets)
        message += f" It resets at {data['resets']}."
        wait = _seconds(renewal.wait)
        headers[RATE_LIMIT] = f'"{name}";r={available};t={wait}'
        # Clients sleep for this long, which they should not do until the next month.
        if wait < LONGEST_RETRY_AFTER:
            headers["Retry-After"] = str(max(1, wait))
    message += addition
    return _with_data(413, "overLimit", message, data)._replace(headers=headers)


def _seconds(microseconds: int) -> int:
    return -(-microseconds // MICROSECONDS)


def named(key: Key) -> str:
    """Returns the name of a holding in messages."""
    return f"{key.resource} of {key.holder} from {key.source}"


def _no_holding(provision: Mapping[str, Any], reason: str) -> Result:
    name = without_secrets(f"{provision['resource']} of {provision['holder']} from {provision['source']}")
    return _with_data(
        404, "itemNotFound", f"There is no holding {name}: {reason}.", _data("NoHoldingError", provision)
    )


def _bad_request(message: str) -> Result:
    return Result(400, {"badRequest": {"code": 400, "message": message}})


def _data(name: str, provision: Any, usage: int | None = None, limit: int | None = None) -> dict[str, Any]:
    data = {"name": name, "provision": provision}
    return data if usage is None else data | {"usage": usage, "limit": limit}


def _with_data(status: int, name: str, message: str, data: dict[str, Any]) -> Result:
    return Result(status, {name: {"code": status, "message": message, "data": data}})
