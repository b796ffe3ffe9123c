"""`identity/v2.0/users`: how administrators list, create, and update users (`http-api.md` §7.4)."""

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from astakos.administration.administrators import may_manage
from astakos.administration.user_registration import (
    Particulars,
    UserRefusedError,
    change_user,
    new_password,
    register_user,
)
from astakos.directory.attempt_limits import unknown_account, user_account
from astakos.directory.entities import User
from astakos.directory.mail_addresses import refuse_new_address
from astakos.directory.password_rules import refuse_password
from astakos.events.event import Actor
from astakos.http.authentication import user_of_token
from astakos.http.bodies import JsonBody, require_storable
from astakos.http.faults import BadRequest, Conflict, Fault, Forbidden, ItemNotFound, UnprocessableEntity
from astakos.http.idempotency_keys import ABOUT_KEYS
from astakos.http.identity.administrators import InnerFault, require_still_valid
from astakos.http.identity.user_documents import (
    MOST_LEVELS,
    ChangedUser,
    Created,
    CreatedUser,
    Person,
    PersonBody,
    UserCreatedBefore,
    UserList,
    account_document,
    nests_too_deeply,
)
from astakos.http.making import KEY, Made, Once, Secrets, once_of
from astakos.http.media_types import JSON_TYPE
from astakos.http.openapi.description import Reply, described
from astakos.http.request import Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import user_records, users

T = TypeVar("T")

NO_SUCH_USER = "There is no user with this UUID."
REQUIRED = ("username", "first_name", "last_name")
"""The attributes that every user must have."""
SECRETS: Final = Secrets(
    ("password", "auth_token"),
    "To get others, renew the user's token with the action renewToken, and set a password with PUT.",
)


BODY = JsonBody(PersonBody)
REFUSALS: Sequence[type[Fault]] = (BadRequest, InnerFault, Forbidden)
"""The faults of every call: the API is disabled, or the caller may not use it."""


@described("users_admin.users_list", answers={200: Reply(UserList, [JSON_TYPE])}, faults=REFUSALS)
async def users_list(service: Service, _request: Request) -> Answer:
    """Lists all users."""
    return Answer(body=await service.read_much(_all_users, detailed=False))


@described("users_admin.users_detail", answers={200: Reply(UserList, [JSON_TYPE])}, faults=REFUSALS)
async def users_detail(service: Service, _request: Request) -> Answer:
    """Lists all users, with timestamps."""
    return Answer(body=await service.read_much(_all_users, detailed=True))


def _all_users(connection: Connection, *, detailed: bool) -> bytes:
    accounts = user_records.list_accounts(connection)
    return to_json({"users": [account_document(account, detailed=detailed) for account in accounts]})


@described(
    "users_admin.user_get", answers={200: Reply(ChangedUser, [JSON_TYPE])}, faults=[*REFUSALS, ItemNotFound]
)
async def user_get(service: Service, request: Request) -> Answer:
    """Retrieves a user."""
    return await answer_user(service, request.parameter)


async def answer_user(service: Service, uuid: str, **more: str | None) -> Answer:
    """Returns the response that shows a user, with any values that were just created for them.

    Raises:
        ItemNotFound: There is no such user.
    """
    account = await service.read(user_records.find_account, uuid)
    if account is None:
        raise ItemNotFound(NO_SUCH_USER)
    return Answer(body=to_json({"user": account_document(account, detailed=True) | more}))


@described(
    "users_admin.user_create",
    parameters=[KEY],
    body=BODY,
    answers={
        200: [Reply(kind, [JSON_TYPE], headers=ABOUT_KEYS) for kind in (CreatedUser, UserCreatedBefore)]
    },
    faults=[*REFUSALS, Conflict, UnprocessableEntity],
)
async def user_create(service: Service, request: Request) -> Answer:
    """Creates a user who can call the API at once. Generates and returns a password unless one is given."""
    person = await _read_person(request)
    for name in REQUIRED:
        if getattr(person, name) is msgspec.UNSET:
            raise BadRequest(f"The user's {name} is missing.")
    once = await _once(service, request, person)
    made = await once.earlier() or await _create(service, request, person, once)
    return Answer(body=to_json({"user": made.document}), headers=once.headers(made))


async def _create(service: Service, request: Request, person: Person, once: Once) -> Made:
    generated = None if person.password else new_password()
    password = person.password or generated or ""
    given = _particulars(person)
    _require_address(given["email"])
    given["password_hash"] = await service.passwords.hash(unknown_account(given["email"]), password)
    now = service.now()

    def create(connection: Connection, actor: Actor) -> Created:
        user, token = register_user(connection, actor, given, now)
        return {"id": user.uuid, "password": generated, "auth_token": token}

    def carry_out(connection: Connection) -> Made:
        actor = require_still_valid(connection, service, request)
        return once.made_by(create)(connection, actor)

    try:
        return await service.write(carry_out)
    except UserRefusedError as refusal:
        raise Conflict(str(refusal)) from refusal


async def _once(service: Service, request: Request, person: Person) -> Once:
    """Returns what a request creates. Its password is compared as a hash that is slow to guess."""
    caller, key, asked = await user_of_token(service, request.token), KEY.of(request), person
    if key is not None and person.password:
        account = unknown_account(_particulars(person)["email"])
        printed = await service.passwords.print_of(account, person.password, f"{caller.uuid}\n{key}")
        asked = replace(person, password=printed)
    return once_of(service, request, caller.uuid, PersonBody(asked), SECRETS)


@described(
    "users_admin.user_update",
    body=BODY,
    answers={200: Reply(ChangedUser, [JSON_TYPE])},
    faults=[*REFUSALS, ItemNotFound, Conflict],
)
async def user_update(service: Service, request: Request) -> Answer:
    """Updates a user. Attributes that are not sent stay unchanged."""
    person = await _read_person(request)
    given = _particulars(person)
    if person.password is not msgspec.UNSET:
        if not person.password:
            raise BadRequest("The user's password must not be empty.")
        given["password_hash"] = await service.passwords.hash(
            user_account(request.parameter), person.password
        )
        given["keep_keys"] = person.keep_keys
    now = service.now()

    def change(connection: Connection, actor: Actor, user: User) -> None:
        email = given.get("email", user.email)
        if email.lower() != user.username:
            _require_address(email)
        change_user(connection, actor, user, given, now)

    await change_account(service, request, change)
    return await answer_user(service, request.parameter)


async def change_account(
    service: Service, request: Request, change: Callable[[Connection, Actor, User], T]
) -> T:
    """Changes the user that the path names. The change takes effect at once.

    Raises:
        ItemNotFound: There is no such user.
        Forbidden: It is an administrator, and the caller is none.
        Conflict: The change is refused.
    """
    caller = await user_of_token(service, request.token)

    def carry_out(connection: Connection) -> T:
        actor = require_still_valid(connection, service, request)
        user = users.find_by_uuid(connection, request.parameter)
        if user is None:
            raise ItemNotFound(NO_SUCH_USER)
        if not may_manage(connection, caller, user):
            raise Forbidden("Only administrators may change the account of an administrator.")
        return change(connection, actor, user)

    try:
        changed = await service.write(carry_out)
    except UserRefusedError as refusal:
        raise Conflict(str(refusal)) from refusal
    service.forget_users()
    return changed


async def _read_person(request: Request) -> Person:
    person = BODY.read(request).user
    for name in ("username", "first_name", "last_name", "password", "affiliation"):
        value = getattr(person, name)
        if isinstance(value, str):
            require_storable(name, value)
    for name in REQUIRED:
        if getattr(person, name) == "":
            raise BadRequest(f"The user's {name} must not be empty.")
    if person.password:
        refusal = refuse_password(person.password)
        if refusal is not None:
            raise BadRequest(f"The user's password is not accepted: {refusal}.")
    if nests_too_deeply(person.metadata):
        raise BadRequest(f"The user's metadata must not nest deeper than {MOST_LEVELS} lists and objects.")
    return person


def _require_address(email: str) -> None:
    refusal = refuse_new_address(email)
    if refusal is not None:
        raise BadRequest(f"The user's username is not accepted: {refusal}.")


def _particulars(person: Person) -> Particulars:
    """Returns the attributes that a body sets, except the password."""
    given = Particulars()
    if person.username is not msgspec.UNSET:
        given["email"] = person.username
    if person.first_name is not msgspec.UNSET:
        given["first_name"] = person.first_name
    if person.last_name is not msgspec.UNSET:
        given["last_name"] = person.last_name
    if person.affiliation is not msgspec.UNSET:
        given["affiliation"] = person.affiliation
    if person.metadata is not msgspec.UNSET:
        given["metadata"] = person.metadata or {}
    return given
