"""Asking for tokens as Keystone's clients do."""

from typing import Any

from service.caller import Caller, Reply
from service.world import ALICE, PASSWORD, Person

V3 = "/identity/v3"
TOKENS_3 = f"{V3}/auth/tokens"
DOMAIN = {"id": "default", "name": "Default"}


def by_password(password: object = PASSWORD, scope: object = ..., **user: object) -> dict[str, Any]:
    user = user or {"name": ALICE.email, "domain": {"id": "default"}}
    identity = {"methods": ["password"], "password": {"user": {**user, "password": password}}}
    return body(identity, scope)


def by_token(token: object, scope: object = ...) -> dict[str, Any]:
    return body({"methods": ["token"], "token": {"id": token}}, scope)


def body(identity: object, scope: object = ...) -> dict[str, Any]:
    auth: dict[str, Any] = {"identity": identity}
    return {"auth": auth if scope is ... else {**auth, "scope": scope}}


def project(uuid: str) -> dict[str, Any]:
    return {"project": {"id": uuid}}


def project_named(project: str, **domain: str) -> dict[str, Any]:
    return {"project": {"name": project, "domain": domain or {"id": "default"}}}


def log_in(service: Caller, scope: object = ...) -> str:
    """A temporary token of Alice, got by her password."""
    reply = service.post(TOKENS_3, None, by_password(scope=scope))
    assert reply.status == 201, reply.content
    return reply.headers["x-subject-token"]


def check(service: Caller, token: str, asking: str = ALICE.token, method: str = "GET") -> Reply:
    """What a token says."""
    return service(method, TOKENS_3, asking, headers={"X-Subject-Token": token})


def is_accepted(service: Caller, person_token: str) -> bool:
    """Whether a token counts where a user's token is needed."""
    return service.get("/account/v1.0/quotas", person_token).status == 200


def user_of(person: Person) -> dict[str, Any]:
    return {
        "id": person.uuid,
        "name": person.email.lower(),
        "domain": DOMAIN,
        "password_expires_at": None,
    }
