"""`account/v1.0/keys`: a user makes, lists, changes, rotates and revokes API keys (`docs/keys.md`)."""

from collections.abc import Callable
from typing import TypeVar

from astakos.administration.key_changes import (
    ChangedKey,
    find_key,
    make_key,
    revoke_key,
    rotate_key,
)
from astakos.clock import MICROSECONDS
from astakos.directory.api_keys import prefix_of
from astakos.directory.entities import User
from astakos.events.event import Actor
from astakos.http.account.changed_keys import change_keys
from astakos.http.account.key_bodies import (
    KEY_SECRETS,
    ChangedKeyBody,
    KeyActionBody,
    KeyMadeBefore,
    NewKeyBody,
    change_as_given,
    given_in,
    key_document,
    refusals_as_faults,
    wanted_in,
)
from astakos.http.bodies import JsonBody
from astakos.http.faults import Conflict, ItemNotFound, UnprocessableEntity
from astakos.http.making import KEY, once_of, replies
from astakos.http.media_types import JSON_TYPE
from astakos.http.openapi.description import EMPTY, Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import api_keys, key_holdings
from astakosclient.answer_types import Key, NewKey

T = TypeVar("T")
NEW = JsonBody(NewKeyBody)
CHANGED = JsonBody(ChangedKeyBody)
ACTION = JsonBody(KeyActionBody)


@described(
    "keys.make_key",
    parameters=[KEY],
    body=NEW,
    answers={201: replies(NewKey, KeyMadeBefore)},
    faults=[Conflict, UnprocessableEntity],
)
async def make(service: Service, request: Request, user: User) -> Answer:
    """Makes a key, with which programs act as the caller. `key` in the answer is shown only here."""
    body, now = NEW.read(request), service.now()
    wanted, once = wanted_in(body), once_of(service, request, user.uuid, body, KEY_SECRETS)

    def change(connection: Connection, actor: Actor) -> NewKey:
        key, text, limits = make_key(connection, actor, user, wanted, now)
        return {**key_document(service, key, limits), "key": text}

    return once.answer(201, await _carry_out(service, request, user, once.made_by(change)))


@described("keys.list_keys", answers={200: Reply(list[Key])})
async def list_(service: Service, _request: Request, user: User) -> Answer:
    """Lists the caller's keys, without their secrets. Expired ones are listed for 30 days."""
    found = await service.read(_keys_of, user)
    return Answer(body=to_json([key_document(service, key, limits) for key, limits in found]))


@described("keys.show_key", answers={200: Reply(Key)}, faults=[ItemNotFound])
async def show(service: Service, request: Request, user: User) -> Answer:
    """Retrieves one of the caller's keys, by its prefix."""

    def read(connection: Connection) -> Key:
        key = find_key(connection, prefix_of(request.parameter), user).key
        return key_document(service, key, key_holdings.limits_of(connection, user.uuid, key.prefix))

    with refusals_as_faults():
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
    given = given_in(body)

    def carry_out(connection: Connection, actor: Actor) -> Key:
        owned = find_key(connection, prefix_of(request.parameter), user)
        changed, limits = change_as_given(connection, actor, owned, given, now)
        return key_document(service, changed, limits)

    return Answer(body=to_json(await _carry_out(service, request, user, carry_out)))


@described(
    "keys.act_on_key",
    parameters=[KEY],
    body=ACTION,
    answers={200: replies(NewKey, KeyMadeBefore)},
    faults=[ItemNotFound, Conflict, UnprocessableEntity],
)
async def act(service: Service, request: Request, user: User) -> Answer:
    """Rotates a key: gives it a new secret. The present one is still valid for the overlap.

    Its prefix, its name and what it is limited to stay. `key` in the answer is shown only here.
    """
    body, now = ACTION.read(request), service.now()
    overlap = body.rotate.overlap_seconds * MICROSECONDS
    once = once_of(service, request, user.uuid, body, KEY_SECRETS)

    def rotate(connection: Connection, actor: Actor) -> NewKey:
        owned = find_key(connection, prefix_of(request.parameter), user)
        key, text, limits = rotate_key(connection, actor, owned, now, overlap)
        return {**key_document(service, key, limits), "key": text}

    return once.answer(200, await _carry_out(service, request, user, once.made_by(rotate)))


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
    with refusals_as_faults():
        return await change_keys(service, request, user, change)


def _keys_of(connection: Connection, user: User) -> list[ChangedKey]:
    return [
        ChangedKey(key, key_holdings.limits_of(connection, user.uuid, key.prefix))
        for key in api_keys.list_of_user(connection, user.id)
    ]
