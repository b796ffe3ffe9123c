"""The API key with which the request was made that is being handled, as the middleware has found out.

A context variable holds it: each task and each thread has its own.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import NamedTuple

USER = "user:"
"""What the ledger's names of users begin with."""


class RequestKey(NamedTuple):
    """The prefix of the key, and the UUID of its user."""

    user: str
    prefix: str


HANDLED: ContextVar[RequestKey | None] = ContextVar("astakos_request_key", default=None)


def key_of_request(holder: object) -> str | None:
    """Returns the prefix of the key of the present request, if it is one of this holder; otherwise None."""
    key = HANDLED.get()
    if key is None or not isinstance(holder, str) or holder.removeprefix(USER) != key.user:
        return None
    return key.prefix
