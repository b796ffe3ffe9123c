"""`account/v1.0/admin/keys`: administrators make, list, change, rotate and revoke keys of all users."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, TypedDict, TypeVar

import msgspec

from astakos.administration.accounts import find_user
from astakos.administration.administrators import is_administrator
from astakos.administration.key_changes import find_key, make_key, revoke_key, rotate_key
from astakos.administration.state_document import StateError
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
from astakos.http.faults import BadRequest, Conflict, Forbidden, ItemNotFound, UnprocessableEntity
from astakos.http.making import KEY, once_of, replies
from astakos.http.media_types import JSON_TYPE
from astakos.http.openapi.description import EMPTY, Parameter, Reply, as_text, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import api_keys, key_holdings
from astakos.storage.tables.api_keys import Owned
from astakosclient.answer_types import Key, NewKey

T = TypeVar("T")
USUAL_PAGE, LARGEST_PAGE = 100, 1000
ONLY_ADMINISTRATORS = "Only administrators may call this."


class KeyOfUser(Key):
    """A key, and the UUID of its user."""

    user: str


class NewKeyOfUser(NewKey):
    """A key that was just made or rotated, and the UUID of its user; `key` is shown only here."""

    user: str


class KeyOfUserMadeBefore(KeyMadeBefore):
    """The same as `KeyMadeBefore`, and the UUID of the user of the key."""

    user: str


class PageOfKeys(TypedDict):
    """Some of the keys, in the order in which they were made.

    `next` is the value of `after` for the following page; null at the end.
    """

    keys: list[KeyOfUser]
    next: int | None


class NewKeyOfUserBody(NewKeyBody, kw_only=True, forbid_unknown_fields=True):
    """The same as for a key of one's own, and `user`: a UUID or an email address."""

    user: Annotated[str, msgspec.Meta(min_length=1)]


def _page_size(text: str) -> int:
    number = int(text)
    if not 1 <= number <= LARGEST_PAGE:
        raise ValueError(text)
    return number


def _place(text: str) -> int:
    number = int(text)
    if not 0 <= number < 2**63:
        raise ValueError(text)
    return number


NEW = JsonBody(NewKeyOfUserBody)
CHANGED = JsonBody(ChangedKeyBody)
ACTION = JsonBody(KeyActionBody)
USER = Parameter("user", "Only keys of the user with this UUID or email address.", as_text)
AFTER = Parameter(
    "after",
    "Where the page begins: `next` of the page before.",
    _place,
    "a number that an answer has told",
    {"type": "integer", "minimum": 0},
)
LIMIT = Parameter(
    "limit",
    f"How many keys at most; {USUAL_PAGE} by default.",
    _page_size,
    f"a number from 1 to {LARGEST_PAGE}",
    {"type": "integer", "minimum": 1, "maximum": LARGEST_PAGE},
)
REASON = Parameter("reason", "Why, for the audit log.", as_text)


@described(
    "keys_admin.list_all_keys",
    parameters=[USER, AFTER, LIMIT],
    answers={200: Reply(PageOfKeys)},
    faults=[Forbidden],
)
async def list_(service: Service, request: Request, administrator: User) -> Answer:
    """Lists the keys of all users, or of one, without their secrets. For administrators."""
    name, after, most = USER.of(request), AFTER.of(request) or 0, LIMIT.of(request) or USUAL_PAGE

    def read(connection: Connection) -> bytes:
        _require_administrator(connection, administrator)
        user = None if name is None else find_user(connection, name).id
        found = api_keys.list_page(connection, after, most, user)
        more = found[-1].key.id if len(found) == most else None
        return to_json({"keys": [_document(connection, service, one) for one in found], "next": more})

    with _refusals():
        return Answer(body=await service.read_much(read))


@described(
    "keys_admin.make_key_of_user",
    parameters=[KEY],
    body=NEW,
    answers={201: replies(NewKeyOfUser, KeyOfUserMadeBefore)},
    faults=[Forbidden, Conflict, UnprocessableEntity],
)
async def make(service: Service, request: Request, administrator: User) -> Answer:
    """Makes a key of a user, with which programs act as this user. For administrators.

    `key` in the answer is shown only here.
    """
    body, now = NEW.read(request), service.now()
    wanted, once = wanted_in(body), once_of(service, request, administrator.uuid, body, KEY_SECRETS)

    def make_key_of_user(connection: Connection, actor: Actor) -> NewKeyOfUser:
        user = find_user(connection, body.user)
        key, text, limits = make_key(connection, actor, user, wanted, now)
        return {**key_document(service, key, limits), "key": text, "user": user.uuid}

    return once.answer(201, await _carry_out(service, request, administrator, once.made_by(make_key_of_user)))


@described("keys_admin.show_key_of_user", answers={200: Reply(KeyOfUser)}, faults=[Forbidden, ItemNotFound])
async def show(service: Service, request: Request, administrator: User) -> Answer:
    """Retrieves a key of any user, by its prefix. For administrators."""

    def read(connection: Connection) -> KeyOfUser:
        _require_administrator(connection, administrator)
        return _document(connection, service, find_key(connection, prefix_of(request.parameter)))

    with _refusals():
        return Answer(body=to_json(await service.read(read)))


@described(
    "keys_admin.change_key_of_user",
    body=CHANGED,
    answers={200: Reply(KeyOfUser)},
    faults=[Forbidden, ItemNotFound, Conflict],
)
async def change(service: Service, request: Request, administrator: User) -> Answer:
    """Changes a key of any user. What is not sent stays. For administrators."""
    given, now = given_in(CHANGED.read(request)), service.now()

    def carry_out(connection: Connection, actor: Actor) -> KeyOfUser:
        owned = find_key(connection, prefix_of(request.parameter))
        changed, limits = change_as_given(connection, actor, owned, given, now)
        return {**key_document(service, changed, limits), "user": owned.user}

    return Answer(body=to_json(await _carry_out(service, request, administrator, carry_out)))


@described(
    "keys_admin.act_on_key_of_user",
    parameters=[KEY],
    body=ACTION,
    answers={200: replies(NewKeyOfUser, KeyOfUserMadeBefore)},
    faults=[Forbidden, ItemNotFound, Conflict, UnprocessableEntity],
)
async def act(service: Service, request: Request, administrator: User) -> Answer:
    """Rotates a key of any user: gives it a new secret. The present one is valid for the overlap.

    `key` in the answer is shown only here. For administrators.
    """
    body, now = ACTION.read(request), service.now()
    overlap = body.rotate.overlap_seconds * MICROSECONDS
    once = once_of(service, request, administrator.uuid, body, KEY_SECRETS)

    def rotate(connection: Connection, actor: Actor) -> NewKeyOfUser:
        owned = find_key(connection, prefix_of(request.parameter))
        key, text, limits = rotate_key(connection, actor, owned, now, overlap)
        return {**key_document(service, key, limits), "key": text, "user": owned.user}

    return once.answer(200, await _carry_out(service, request, administrator, once.made_by(rotate)))


@described(
    "keys_admin.revoke_key_of_user",
    parameters=[REASON],
    answers={204: EMPTY},
    faults=[Forbidden, ItemNotFound],
)
async def revoke(service: Service, request: Request, administrator: User) -> Answer:
    """Revokes a key of any user, with all its secrets. For administrators."""
    reason, now = REASON.of(request) or "", service.now()

    def carry_out(connection: Connection, actor: Actor) -> None:
        revoke_key(connection, actor, find_key(connection, prefix_of(request.parameter)), now, reason)

    await _carry_out(service, request, administrator, carry_out)
    return Answer(204, media_type=JSON_TYPE)


async def _carry_out(
    service: Service, request: Request, administrator: User, change: Callable[[Connection, Actor], T]
) -> T:
    """Runs a change, if the caller is still logged in and an administrator. It takes effect at once."""

    def carry_out(connection: Connection, actor: Actor) -> T:
        _require_administrator(connection, administrator)
        return change(connection, actor)

    with _refusals():
        return await change_keys(service, request, administrator, carry_out)


def _require_administrator(connection: Connection, user: User) -> None:
    if not is_administrator(connection, user):
        raise Forbidden(ONLY_ADMINISTRATORS)


@contextmanager
def _refusals() -> Iterator[None]:
    try:
        with refusals_as_faults():
            yield
    except StateError as refusal:
        words = str(refusal)
        raise BadRequest(f"{words[0].upper()}{words[1:]}.") from refusal


def _document(connection: Connection, service: Service, owned: Owned) -> KeyOfUser:
    limits = key_holdings.limits_of(connection, owned.user, owned.key.prefix)
    return {**key_document(service, owned.key, limits), "user": owned.user}
