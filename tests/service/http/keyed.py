"""Making keys over HTTP, for tests."""

from typing import Any

from service.caller import ACCOUNT, Caller

KEYS = f"{ACCOUNT}/keys"


def made(service: Caller, token: str, **wanted: Any) -> dict[str, Any]:
    """A new key of a token's user, as the answer tells of it."""
    reply = service.post(KEYS, token, {"name": "a key", **wanted})
    assert reply.status == 201, reply.content
    document: dict[str, Any] = reply.document
    return document


def text_of(service: Caller, token: str, **wanted: Any) -> str:
    """The text of a new key."""
    return str(made(service, token, **wanted)["key"])
