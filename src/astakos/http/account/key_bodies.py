"""What requests say about keys, and what answers tell of them."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from astakos.administration.key_changes import (
    LONGEST_NAME,
    LONGEST_OVERLAP,
    MOST_NAMED,
    USUAL_OVERLAP,
    ChangedKey,
    KeyConflictError,
    KeyRefusedError,
    NoSuchKeyError,
    Wanted,
    change_key,
)
from astakos.administration.key_quotas import MOST_LIMITS, told_limits
from astakos.clock import MICROSECONDS, from_iso, to_iso
from astakos.directory.api_keys import ApiKey
from astakos.events.event import Actor
from astakos.http.faults import BadRequest, Conflict, ItemNotFound
from astakos.http.making import Secrets
from astakos.ledger.rules import UNLIMITED
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import key_holdings
from astakos.storage.tables.api_keys import Owned
from astakosclient.answer_types import Key

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
Names = Annotated[list[str], msgspec.Meta(max_length=MOST_NAMED)]
# The range is for the API reference: `set_limits` checks it, and names the resource.
Limit = Annotated[int, msgspec.Meta(extra_json_schema={"minimum": 0, "maximum": UNLIMITED})]
Limits = Annotated[dict[str, Limit | None], msgspec.Meta(max_length=MOST_LIMITS)]


class NewKeyBody(msgspec.Struct, forbid_unknown_fields=True):
    """What the key shall be limited to. null, or nothing, stands for no limit.

    `expires` is an ISO 8601 time with a time zone. `services` are names of services, `networks` addresses or
    networks like 192.0.2.0/24. `calls` are areas of this API or calls of it, like `quotas` or
    `quotas.periods`; a key that names services can make none unless they are named as well. `project` is the
    UUID of the only project that the key may draw from. `limits` are those of resources and of their meters,
    like {"llm.tokens/month": 10000}; a resource with null is only counted.
    """

    name: Name
    expires: str | None = None
    services: Names | None = None
    calls: Names | None = None
    networks: Names | None = None
    project: str | None = None
    limits: Limits | None = None


class ChangedKeyBody(msgspec.Struct, forbid_unknown_fields=True):
    """What shall change: the same as for a new key, except the project. What is not sent stays.

    The same for `limits`: those that are not sent stay, and null in place of one removes it. Changes count at
    once.
    """

    name: Name | UnsetType = UNSET
    expires: str | UnsetType | None = UNSET
    services: Names | UnsetType | None = UNSET
    calls: Names | UnsetType | None = UNSET
    networks: Names | UnsetType | None = UNSET
    limits: Limits | UnsetType | None = UNSET


class Rotation(msgspec.Struct, forbid_unknown_fields=True):
    """For how many seconds the present key is still valid; by default for a day, at most for 30."""

    overlap_seconds: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_OVERLAP // MICROSECONDS)] = (
        USUAL_OVERLAP // MICROSECONDS
    )


class KeyActionBody(msgspec.Struct, forbid_unknown_fields=True):
    """The only action on a key."""

    rotate: Rotation


class KeyMadeBefore(Key):
    """A key that an earlier request with the same Idempotency-Key has made or rotated, without its secret."""

    key: None
    message: str


KEY_SECRETS: Final = Secrets(("key",), "Rotate the key, with another Idempotency-Key, to get a new secret.")


def wanted_in(body: NewKeyBody) -> Wanted:
    """Returns what a new key shall be.

    Raises:
        BadRequest: `expires` is not a time.
    """
    return Wanted(
        body.name,
        instant_of(body.expires),
        body.services,
        body.calls,
        body.networks,
        body.project,
        body.limits or {},
    )


def given_in(body: ChangedKeyBody) -> dict[str, Any]:
    """Returns the attributes that shall change, by name.

    Raises:
        BadRequest: `expires` is not a time.
    """
    given = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}
    if "expires" in given:
        given["expires"] = instant_of(given["expires"])
    return given


def change_as_given(
    connection: Connection, actor: Actor, owned: Owned, given: Mapping[str, Any], now: int
) -> ChangedKey:
    """Changes what is given; all else stays.

    Raises:
        KeyRefusedError: The key cannot be changed like that.
    """
    known = owned.key
    present = Wanted(known.name, known.expires, known.services, known.calls, known.networks)
    limits = given.get("limits") or {}
    if "limits" in given and given["limits"] is None:
        limits = dict.fromkeys(key_holdings.limits_of(connection, owned.user, known.prefix))
    return change_key(connection, actor, owned, replace(present, **{**given, "limits": limits}), now)


@contextmanager
def refusals_as_faults() -> Iterator[None]:
    """Raises the faults with which a change of keys is refused."""
    try:
        yield
    except KeyRefusedError as refusal:
        words = str(refusal)
        message = f"{words[0].upper()}{words[1:]}."
        if isinstance(refusal, NoSuchKeyError):
            raise ItemNotFound(message) from refusal
        if isinstance(refusal, KeyConflictError):
            raise Conflict(message) from refusal
        raise BadRequest(message) from refusal


def instant_of(text: str | None) -> int | None:
    """Reads when a key expires.

    Raises:
        BadRequest: It is not a time.
    """
    if text is None:
        return None
    try:
        return from_iso(text)
    except ValueError as error:
        raise BadRequest(f"expires must be an ISO 8601 time with a time zone, not {text!r}.") from error


def key_document(service: Service, key: ApiKey, limits: Mapping[str, int | None]) -> Key:
    """Returns what is told of a key: everything but its secrets."""
    last_used = service.key_uses.last(key.prefix, key.last_used)
    return {
        "prefix": key.prefix,
        "name": key.name,
        "state": "expired" if key.has_expired(service.now()) else "valid",
        "project": key.project,
        "services": None if key.services is None else list(key.services),
        "calls": None if key.calls is None else list(key.calls),
        "networks": None if key.networks is None else list(key.networks),
        "created": to_iso(key.created),
        "expires": None if key.expires is None else to_iso(key.expires),
        "last_used": None if last_used is None else to_iso(last_used),
        "creator": key.creator,
        "limits": told_limits(limits),
    }
