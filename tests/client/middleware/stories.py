"""What all the tests' applications say of who is calling."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from service.world import ALICE, CHLOE, Person

if TYPE_CHECKING:
    from astakosclient.middleware import AuthenticatedUser

COOKIE = "_astakos_a"


def story_of(user: AuthenticatedUser | None) -> dict[str, Any]:
    if user is None:
        return {"uuid": None}
    return {
        "uuid": user.uuid,
        "username": user.username,
        "name": user.name,
        "roles": list(user.roles),
        "token": user.token,
        "key": user.key,
        "shown": repr(user),
    }


STORY_OF_ALICE: dict[str, Any] = {
    "uuid": ALICE.uuid,
    "username": ALICE.email,
    "name": "Alice Archer",
    "roles": ["staff", "admin-api"],
    "token": ALICE.token,
    "key": None,
}
STORY_OF_CHLOE: dict[str, Any] = {
    "uuid": CHLOE.uuid,
    "username": CHLOE.email,
    "name": "Chloé Ångström",
    "roles": [],
    "token": CHLOE.token,
    "key": None,
}


def cookie_of(person: Person) -> str:
    """The cookie as the login page sets it, between others."""
    return f'first=1; {COOKIE}={quote(f"{person.uuid}|{person.token}", safe="")}; last="a b"'
