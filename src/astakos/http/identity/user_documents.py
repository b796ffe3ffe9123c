"""Users as administrators read and write them: types and documents (`http-api.md` §7.4)."""

from collections.abc import Iterable
from typing import Any, NotRequired, TypedDict

import msgspec

from astakos.clock import to_iso
from astakos.directory.entities import Account

BACKEND = "astakos"
"""The only login method: a password whose hash this service stores."""
MOST_LEVELS = 64
"""How deep lists and objects in metadata can be within each other."""


class Person(msgspec.Struct):
    """The attributes of a user. In an update, those that are not sent stay unchanged.

    A new password ends the user's keys, unless `keep_keys` is true.
    """

    username: str | msgspec.UnsetType = msgspec.UNSET
    first_name: str | msgspec.UnsetType = msgspec.UNSET
    last_name: str | msgspec.UnsetType = msgspec.UNSET
    password: str | msgspec.UnsetType | None = msgspec.UNSET
    keep_keys: bool = False
    affiliation: str | msgspec.UnsetType | None = msgspec.UNSET
    metadata: dict[str, Any] | msgspec.UnsetType | None = msgspec.UNSET


class PersonBody(msgspec.Struct):
    """The user to create or update."""

    user: Person


class LoginMethod(TypedDict):
    """A login method of a user."""

    backend: str
    identifier: str | None
    active: bool
    affiliation: str | None
    metadata: dict[str, Any]


class ListedUser(TypedDict):
    """A user, as administrators see them. Only detailed responses have timestamps (ISO 8601)."""

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
    """A user. `auth_token` is present only if the call created a new token.

    It is null if an earlier request with the same Idempotency-Key has; `message` then says so.
    """

    auth_token: NotRequired[str | None]
    message: NotRequired[str]


class UserList(TypedDict):
    """All users."""

    users: list[ListedUser]


class ChangedUser(TypedDict):
    """A user."""

    user: ShownUser


class Created(TypedDict):
    """The ID of the new user, with a token and a generated password that no other call returns.

    The password is null if the request contained one.
    """

    id: str
    password: str | None
    auth_token: str


class CreatedUser(TypedDict):
    """A new user."""

    user: Created


class CreatedBefore(TypedDict):
    """The ID of a user whom an earlier request with the same Idempotency-Key has created."""

    id: str
    password: None
    auth_token: None
    message: str


class UserCreatedBefore(TypedDict):
    """A user whom an earlier request has created."""

    user: CreatedBefore


def nests_too_deeply(value: object) -> bool:
    """Returns whether lists and objects are within each other deeper than metadata can be."""
    level: list[object] = [value]
    for _ in range(MOST_LEVELS + 1):
        level = [inner for outer in level for inner in _inside(outer)]
    return bool(level)


def _inside(value: object) -> Iterable[object]:
    match value:
        case dict():
            return value.values()
        case list():
            return value
    return ()


def account_document(account: Account, *, detailed: bool) -> dict[str, Any]:
    """Returns a user as administrators see them; with timestamps if `detailed`."""
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
            # Older accounts have no join date; use the token's creation time.
            "date_joined": _time(record.date_joined or user.token_created),
            "moderated_at": _time(record.moderated_at),
            "verified_at": _time(record.verified_at),
            "auth_token_expires": _time(user.token_expires),
        }
    return document


def _time(instant: int | None) -> str | None:
    return None if instant is None else to_iso(instant)
