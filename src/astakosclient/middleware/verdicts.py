"""What Astakos says of a token, and how it is asked; no input or output here."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from astakosclient.errors import (
    AstakosClientException,
    BadRequest,
    BadValue,
    Forbidden,
    InvalidResponse,
    NotFound,
    Unauthorized,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping

DEFAULT_RETRY_AFTER = 5
"""After how many seconds callers are asked to come again, where Astakos did not say."""
LONGEST_RETRY_AFTER = 300


class Identity(NamedTuple):
    """The token is good, and this is its holder; `expires` is its end in seconds since 1970, if known."""

    uuid: str
    username: str
    name: str
    roles: tuple[str, ...]
    expires: float | None = None


class Refused(NamedTuple):
    """The token is not good."""


class Unavailable(NamedTuple):
    """Nobody can tell now; `why` has no secrets."""

    retry_after: int
    why: str


Verdict = Identity | Refused | Unavailable


class IdentityClient(Protocol):
    """The two calls of `AstakosClient` or `AsyncAstakosClient` that are made; either kind will do."""

    def get_user_info(self, token: str, /) -> Any:
        """Who holds this token; not served by later generations of Astakos."""

    def get_endpoints(self, token: str, /) -> Any:
        """Who holds this token, among other things."""


class Question(NamedTuple):
    """Call this method of the client; then send in its answer, or throw in its exception."""

    call: str


class Inquiry:
    """Finds out in as few calls as can be who holds a token.

    One call of `get_user_info` tells everything. Where it is not served, `get_endpoints` tells all but the
    username; once that has been seen, `get_user_info` is not tried again.
    """

    def __init__(self) -> None:
        """Nothing is known of the server yet."""
        self._tells_user_info = True

    def identify(self) -> Generator[Question, Any, Identity]:
        """Who holds a token; the generator's result says it.

        Raises:
            AstakosClientException: what a call raised; `InvalidResponse` if the answer names no user.
        """
        if self._tells_user_info:
            try:
                return _read(_from_user_info, (yield Question("get_user_info")))
            except (BadRequest, NotFound):
                identity = _read(_from_access, (yield Question("get_endpoints")))
                self._tells_user_info = False
                return identity
        return _read(_from_access, (yield Question("get_endpoints")))

    def judge(self) -> Generator[Question, Any, Verdict]:
        """What to think of a token; the generator's result is the verdict."""
        try:
            return (yield from self.identify())
        except (Unauthorized, Forbidden, BadValue):
            return Refused()
        except AstakosClientException as error:
            return Unavailable(_retry_after(error), str(error))


def _read(read: Callable[[Mapping[str, Any]], Identity], document: Any) -> Identity:
    try:
        return read(document)
    except (LookupError, TypeError, ValueError, AttributeError):
        # The cause would show the document, which holds the token.
        raise InvalidResponse("the answer names no user") from None


def _from_user_info(info: Mapping[str, Any]) -> Identity:
    expires = info.get("auth_token_expires")
    return Identity(
        uuid=_required(info["uuid"]),
        username=str(info.get("username") or ""),
        name=str(info.get("name") or ""),
        roles=tuple(map(str, info.get("groups") or ())),
        expires=None if expires is None else expires / 1000,
    )


def _from_access(document: Mapping[str, Any]) -> Identity:
    access = document["access"]
    user = access["user"]
    expires = access["token"].get("expires")
    return Identity(
        uuid=_required(user["id"]),
        username="",
        name=str(user.get("name") or ""),
        roles=tuple(str(role["name"]) for role in user.get("roles") or ()),
        expires=None if expires is None else datetime.fromisoformat(expires).timestamp(),
    )


def _required(uuid: object) -> str:
    if not isinstance(uuid, str) or not uuid:
        raise ValueError("no uuid")
    return uuid


def _retry_after(error: AstakosClientException) -> int:
    if error.retry_after is None:
        return DEFAULT_RETRY_AFTER
    return min(max(math.ceil(error.retry_after), 1), LONGEST_RETRY_AFTER)
