"""`identity/v2.0/users`: users as administrators see, make and change them (`http-api.md` §7.4)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NotRequired, TypedDict, TypeVar

import msgspec

from astakos.administration.user_registration import (
    Particulars,
    UserRefusedError,
    change_user,
    new_password,
    register_user,
)
from astakos.clock import to_iso
from astakos.directory.entities import Account, User
from astakos.directory.mail_addresses import EXAMPLE, is_mail_address
from astakos.http.authentication import MISSING, user_of_token
from astakos.http.bodies import JsonBody, require_storable
from astakos.http.faults import BadRequest, Conflict, Fault, Forbidden, ItemNotFound, NotAllowed, Unauthorized
from astakos.http.openapi.description import JSON_TYPE, Reply, TokenKind, described
from astakos.http.request import JSON, NO_SUCH_CALL, Answer, Request
from astakos.http.serialization import to_json
from astakos.service.service import Service
from astakos.storage.protocol import Connection
from astakos.storage.tables import settings, user_records, users

T = TypeVar("T")

NO_SUCH_USER = "There is no user of this uuid."
REQUIRED = ("username", "first_name", "last_name")
"""What a new user must have, and nobody may lose."""
BACKEND = "astakos"
"""The one way to log in that there is: with a password that is kept here."""


class InnerFault(Fault):
    """The caller's token does not count; this API has a name of its own for that."""

    status = 401
    name = "fault"


@dataclass(frozen=True, slots=True)
class ForAdministrators:
    """The methods of a path, for members of the groups that a setting names; unknown without that setting."""

    handlers: Mapping[str, Callable[[Service, Request], Awaitable[Answer]]]
    tokens: ClassVar[tuple[TokenKind, ...]] = ("user",)

    async def __call__(self, service: Service, request: Request) -> Answer:
        """See that it is turned on, that there is such a method, and that the caller may use it."""
        groups = await service.read(_permitted_groups)
        if groups is None:
            raise BadRequest(NO_SUCH_CALL)
        request.serialization = JSON
        handler = self.handlers.get(request.method)
        if handler is None:
            raise NotAllowed.method(request.method, tuple(self.handlers))
        if not request.token:
            raise Unauthorized(MISSING)
        try:
            user = await user_of_token(service, request.token)
        except Unauthorized as refusal:
            raise InnerFault(refusal.message) from refusal
        if not any(group.name in groups for group in await service.read(users.groups_of, user.id)):
            raise Forbidden(f"This is for members of one of these groups: {', '.join(groups)}.")
        return await handler(service, request)


def _permitted_groups(connection: Connection) -> list[str] | None:
    if not settings.find(connection, settings.ADMIN_USERS):
        return None
    groups: list[str] = settings.find(
        connection, settings.ADMIN_USERS_GROUPS, settings.DEFAULT_ADMIN_USERS_GROUPS
    )
    return groups


class Person(msgspec.Struct):
    """What a body says of a user; what it does not say is left as it is."""

    username: str | msgspec.UnsetType = msgspec.UNSET
    first_name: str | msgspec.UnsetType = msgspec.UNSET
    last_name: str | msgspec.UnsetType = msgspec.UNSET
    password: str | msgspec.UnsetType | None = msgspec.UNSET
    affiliation: str | msgspec.UnsetType | None = msgspec.UNSET
    metadata: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET


class PersonBody(msgspec.Struct):
    """A user who is to be made, or changed."""

    user: Person


class LoginMethod(TypedDict):
    """A way in which a user can log in."""

    backend: str
    identifier: str | None
    active: bool
    affiliation: str | None
    metadata: dict[str, Any]


class ListedUser(TypedDict):
    """A user as administrators see one; the times are there in detail only, ISO 8601."""

    id: str
    email: str
    first_name: str
    last_name: str
    is_active: bool
    is_rejected: bool
    deactivated_reason: str | None
    rejected_reason: str | None
    accepted_policy: str | None
    roles: list[str]
    authentication_methods: list[LoginMethod]
    date_joined: NotRequired[str | None]
    moderated_at: NotRequired[str | None]
    verified_at: NotRequired[str | None]
    auth_token_expires: NotRequired[str | None]


class ShownUser(ListedUser):
    """A user, and the token that has just been made for them."""

    auth_token: NotRequired[str]


class UserList(TypedDict):
    """All users."""

    users: list[ListedUser]


class ChangedUser(TypedDict):
    """One user."""

    user: ShownUser


class Created(TypedDict):
    """Who has been made, with what is shown only now."""

    id: str
    password: str
    auth_token: str


class CreatedUser(TypedDict):
    """A new user."""

    user: Created


BODY = JsonBody(PersonBody)
REFUSALS: Sequence[type[Fault]] = (BadRequest, InnerFault, Forbidden)
"""What may come of any call: it is not turned on, or the caller may not use it."""


@described("users_admin.users_list", answers={200: Reply(UserList, [JSON_TYPE])}, faults=REFUSALS)
async def users_list(service: Service, _request: Request) -> Answer:
    """`GET users`: all of them."""
    return Answer(body=await service.read_much(_all_users, detailed=False))


@described("users_admin.users_detail", answers={200: Reply(UserList, [JSON_TYPE])}, faults=REFUSALS)
async def users_detail(service: Service, _request: Request) -> Answer:
    """`GET users/detail`: all of them, with their times."""
    return Answer(body=await service.read_much(_all_users, detailed=True))


def _all_users(connection: Connection, *, detailed: bool) -> bytes:
    accounts = user_records.list_accounts(connection)
    return to_json({"users": [account_document(account, detailed=detailed) for account in accounts]})


@described(
    "users_admin.user_get", answers={200: Reply(ChangedUser, [JSON_TYPE])}, faults=[*REFUSALS, ItemNotFound]
)
async def user_get(service: Service, request: Request) -> Answer:
    """`GET users/<uuid>`: one of them."""
    return await answer_user(service, request.parameter)


async def answer_user(service: Service, uuid: str, **more: str) -> Answer:
    """The answer that shows a user, and what has just been made for them.

    Raises:
        ItemNotFound: there is none.
    """
    account = await service.read(user_records.find_account, uuid)
    if account is None:
        raise ItemNotFound(NO_SUCH_USER)
    return Answer(body=to_json({"user": account_document(account, detailed=True) | more}))


@described(
    "users_admin.user_create",
    body=BODY,
    answers={200: Reply(CreatedUser, [JSON_TYPE])},
    faults=[*REFUSALS, Conflict],
)
async def user_create(service: Service, request: Request) -> Answer:
    """`POST users`: a user who can call at once; the password is made if none is given."""
    person = await _read_person(request)
    for name in REQUIRED:
        if getattr(person, name) is msgspec.UNSET:
            raise BadRequest(f"The user's {name} is missing.")
    password = person.password or new_password()
    given = _particulars(person)
    given["password_hash"] = await service.passwords.hash(password)
    now = service.now()

    def create(connection: Connection) -> dict[str, str]:
        user, token = register_user(connection, given, now)
        return {"id": user.uuid, "password": password, "auth_token": token}

    try:
        created = await service.write(create)
    except UserRefusedError as refusal:
        raise Conflict(str(refusal)) from refusal
    return Answer(body=to_json({"user": created}))


@described(
    "users_admin.user_update",
    body=BODY,
    answers={200: Reply(ChangedUser, [JSON_TYPE])},
    faults=[*REFUSALS, ItemNotFound, Conflict],
)
async def user_update(service: Service, request: Request) -> Answer:
    """`PUT users/<uuid>`: change what the body names."""
    person = await _read_person(request)
    given = _particulars(person)
    if person.password is not msgspec.UNSET:
        if not person.password:
            raise BadRequest("The user's password must not be empty.")
        given["password_hash"] = await service.passwords.hash(person.password)
    await change_account(service, request, lambda connection, user: change_user(connection, user, given))
    return await answer_user(service, request.parameter)


async def change_account(service: Service, request: Request, change: Callable[[Connection, User], T]) -> T:
    """Carry out a change of the user whom the path names, so that it counts at once.

    Raises:
        ItemNotFound: there is no such user.
        Conflict: the change is refused.
    """

    def carry_out(connection: Connection) -> T:
        user = users.find_by_uuid(connection, request.parameter)
        if user is None:
            raise ItemNotFound(NO_SUCH_USER)
        return change(connection, user)

    try:
        changed = await service.write(carry_out)
    except UserRefusedError as refusal:
        raise Conflict(str(refusal)) from refusal
    service.forget()
    return changed


async def _read_person(request: Request) -> Person:
    person = (await BODY.read(request)).user
    for name in ("username", "first_name", "last_name", "password", "affiliation"):
        value = getattr(person, name)
        if isinstance(value, str):
            require_storable(name, value)
    for name in REQUIRED:
        if getattr(person, name) == "":
            raise BadRequest(f"The user's {name} must not be empty.")
    if person.username is not msgspec.UNSET and not is_mail_address(person.username):
        raise BadRequest(f"The username must be a mail address such as {EXAMPLE}.")
    return person


def _particulars(person: Person) -> Particulars:
    """What a body says of a user, but for the password."""
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


def account_document(account: Account, *, detailed: bool) -> dict[str, Any]:
    """A user as administrators see one; in detail with the times."""
    user, record, groups, has_password = account
    method = {
        "backend": BACKEND,
        "identifier": None,
        "active": True,
        "affiliation": record.affiliation,
        "metadata": dict(record.metadata),
    }
    document = {
        "id": user.uuid,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "is_active": user.is_active,
        "is_rejected": user.is_rejected,
        "deactivated_reason": record.deactivated_reason,
        "rejected_reason": record.rejected_reason,
        "accepted_policy": record.accepted_policy,
        "roles": list(groups),
        "authentication_methods": [method] if has_password else [],
    }
    if detailed:
        document |= {
            # Of a user of before there were records no more is known than when the token was made.
            "date_joined": _time(record.date_joined or user.token_created),
            "moderated_at": _time(record.moderated_at),
            "verified_at": _time(record.verified_at),
            "auth_token_expires": _time(user.token_expires),
        }
    return document


def _time(instant: int | None) -> str | None:
    return None if instant is None else to_iso(instant)
