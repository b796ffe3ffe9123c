"""Users as administrators read and write them, as types and as documents (`http-api.md` §7.4)."""

from typing import Any, NotRequired, TypedDict

import msgspec

from astakos.clock import to_iso
from astakos.directory.entities import Account

BACKEND = "astakos"
"""The one way to log in that there is: with a password that is kept here."""


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
