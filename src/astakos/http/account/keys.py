"""`account/v1.0/keys`: a user makes, lists, changes, rotates and revokes API keys (`docs/keys.md`)."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, TypeVar

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
    find_key,
    make_key,
    revoke_key,
    rotate_key,
)
from astakos.administration.key_quotas import MOST_LIMITS, told_limits
from astakos.clock import MICROSECONDS, from_iso, to_iso
from astakos.directory.api_keys import ApiKey, prefix_of
from astakos.directory.entities import User
from astakos.directory.tokens import token_hash
from astakos.events.event import Actor
from astakos.http.bodies import JsonBody
from astakos.http.faults import BadRequest, Conflict, ItemNotFound, Unauthorized
from astakos.http.media_types import JSON_TYPE
from astakos.http.openapi.description import EMPTY, Reply, described
from astakos.http.projects.actors import actor_of, origin_of
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.ledger.rules import UNLIMITED
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import api_keys, key_holdings, sessions
from astakosclient.answer_types import Key, NewKey

T = TypeVar("T")
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=LONGEST_NAME)]
Names = Annotated[list[str], msgspec.Meta(max_length=MOST_NAMED)]
Limit = Annotated[int, msgspec.Meta(ge=0, le=UNLIMITED)]
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


NEW = JsonBody(NewKeyBody)
CHANGED = JsonBody(ChangedKeyBody)
ACTION = JsonBody(KeyActionBody)


@described("keys.make_key", body=NEW, answers={201: Reply(NewKey)}, faults=[Conflict])
async def make(service: Service, request: Request, user: User) -> Answer:
    """Makes a key, with which programs act as the caller. `key` in the answer is shown only here."""
    body, now = NEW.read(request), service.now()
    wanted = Wanted(
        body.name,
        _instant(body.expires),
        body.services,
        body.calls,
        body.networks,
        body.project,
        body.limits or {},
    )

    def change(connection: Connection, actor: Actor) -> NewKey:
        key, text, limits = make_key(connection, actor, user, wanted, now)
        return {**_document(service, key, limits), "key": text}

    return Answer(201, to_json(await _carry_out(service, request, user, change)))


@described("keys.list_keys", answers={200: Reply(list[Key])})
async def list_(service: Service, _request: Request, user: User) -> Answer:
    """Lists the caller's keys, without their secrets. Expired ones are listed for 30 days."""
    found = await service.read(_keys_of, user)
    return Answer(body=to_json([_document(service, key, limits) for key, limits in found]))


@described("keys.show_key", answers={200: Reply(Key)}, faults=[ItemNotFound])
async def show(service: Service, request: Request, user: User) -> Answer:
    """Retrieves one of the caller's keys, by its prefix."""

    def read(connection: Connection) -> Key:
        key = find_key(connection, prefix_of(request.parameter), user).key
        return _document(service, key, key_holdings.limits_of(connection, user.uuid, key.prefix))

    with _refusals_as_faults():
        return Answer(body=to_json(await service.read(read)))


@described(
    "keys.change_key",
    body=CHANGED,
    answers={200: Reply(Key)},
    faults=[ItemNotFound, Conflict],
)
async def change(service: Service, request: Request, user: User) -> Answer:
    """Changes the name of a key, what it is limited to, or when it expires. What is not sent stays."""
    body, now = CHANGED.read(request), service.now()
    given = {name: value for name, value in msgspec.structs.asdict(body).items() if value is not UNSET}
    if "expires" in given:
        given["expires"] = _instant(given["expires"])
    removes_limits = "limits" in given and given["limits"] is None
    given["limits"] = given.get("limits") or {}

    def carry_out(connection: Connection, actor: Actor) -> Key:
        owned = find_key(connection, prefix_of(request.parameter), user)
        known = owned.key
        present = Wanted(known.name, known.expires, known.services, known.calls, known.networks)
        wanted = replace(present, **given)
        if removes_limits:
            present_limits = key_holdings.limits_of(connection, user.uuid, known.prefix)
            wanted = replace(wanted, limits=dict.fromkeys(present_limits))
        changed, limits = change_key(connection, actor, owned, wanted, now)
        return _document(service, changed, limits)

    return Answer(body=to_json(await _carry_out(service, request, user, carry_out)))


@described(
    "keys.act_on_key",
    body=ACTION,
    answers={200: Reply(NewKey)},
    faults=[ItemNotFound, Conflict],
)
async def act(service: Service, request: Request, user: User) -> Answer:
    """Rotates a key: gives it a new secret. The present one is still valid for the overlap.

    Its prefix, its name and what it is limited to stay. `key` in the answer is shown only here.
    """
    overlap, now = ACTION.read(request).rotate.overlap_seconds * MICROSECONDS, service.now()

    def change(connection: Connection, actor: Actor) -> NewKey:
        owned = find_key(connection, prefix_of(request.parameter), user)
        key, text, limits = rotate_key(connection, actor, owned, now, overlap)
        return {**_document(service, key, limits), "key": text}

    return Answer(body=to_json(await _carry_out(service, request, user, change)))


@described("keys.revoke_key", answers={204: EMPTY}, faults=[ItemNotFound])
async def revoke(service: Service, request: Request, user: User) -> Answer:
    """Revokes a key. It is valid no longer, and neither are those that it was rotated from."""
    now = service.now()

    def change(connection: Connection, actor: Actor) -> None:
        revoke_key(connection, actor, find_key(connection, prefix_of(request.parameter), user), now)

    await _carry_out(service, request, user, change)
    return Answer(204, media_type=JSON_TYPE)


async def _carry_out(
    service: Service, request: Request, user: User, change: Callable[[Connection, Actor], T]
) -> T:
    """Runs a change of keys, if the token has not ended since it was checked. It takes effect at once."""

    def carry_out(connection: Connection) -> T:
        holder = sessions.find_holder(connection, token_hash(request.token))
        if holder is None or holder.id != user.id or not holder.is_active:
            raise Unauthorized("The token has just ended.")
        return change(connection, actor_of(connection, user, origin_of(service, request)))

    with _refusals_as_faults():
        done = await service.write(carry_out)
    service.forget_keys()
    return done


@contextmanager
def _refusals_as_faults() -> Iterator[None]:
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


def _instant(text: str | None) -> int | None:
    if text is None:
        return None
    try:
        return from_iso(text)
    except ValueError as error:
        raise BadRequest(f"expires must be an ISO 8601 time with a time zone, not {text!r}.") from error


def _keys_of(connection: Connection, user: User) -> list[ChangedKey]:
    return [
        ChangedKey(key, key_holdings.limits_of(connection, user.uuid, key.prefix))
        for key in api_keys.list_of_user(connection, user.id)
    ]


def _document(service: Service, key: ApiKey, limits: Mapping[str, int | None]) -> Key:
    last_used = service.key_uses.last(key.id, key.last_used)
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
