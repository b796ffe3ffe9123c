"""How administrators look at users over HTTP, and what they do to them."""

from typing import Any

from service.caller import Caller, Reply
from service.world import (
    ALICE,
    Person,
)

USERS = "/identity/v2.0/users"
NEWCOMER: dict[str, Any] = {"username": "Nina@Example.org", "first_name": "Nina", "last_name": "Newcomer"}


def user_of(caller: Caller, person: Person | str) -> Any:
    uuid = person if isinstance(person, str) else person.uuid
    return caller.get(f"{USERS}/{uuid}", ALICE.token).document["user"]


def create(caller: Caller, **changes: Any) -> Reply:
    return caller.post(USERS, ALICE.token, {"user": NEWCOMER | changes})


def act(caller: Caller, person: Person, action: str, **details: Any) -> Reply:
    return caller.post(f"{USERS}/{person.uuid}/action", ALICE.token, {action: details})


def update(caller: Caller, person: Person, **changes: Any) -> Reply:
    return caller("PUT", f"{USERS}/{person.uuid}", ALICE.token, document={"user": changes})
