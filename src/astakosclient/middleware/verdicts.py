"""Verdicts on tokens, and the inquiry that obtains one from Astakos, without I/O."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

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

T = TypeVar("T")

DEFAULT_RETRY_AFTER = 5
"""The ``Retry-After`` of a 503 response, in seconds, if Astakos did not specify one."""
LONGEST_RETRY_AFTER = 300
"""The maximum ``Retry-After`` of a 503 response, in seconds."""


class Identity(NamedTuple):
    """The token is valid, and this is its holder.

    ``expires`` is the token's expiry in seconds since the epoch; None if unknown or never. ``key`` is the
    prefix of the key that was sent in place of a token.
    """

    uuid: str
    username: str
    name: str
    roles: tuple[str, ...]
    expires: float | None = None
    key: str | None = None


class Refused(NamedTuple):
    """The token is invalid."""


class Unavailable(NamedTuple):
    """The token cannot be checked now. ``why`` is a reason without secrets; ``retry_after`` is in seconds."""

    retry_after: int
    why: str


Verdict = Identity | Refused | Unavailable


class IdentityClient(Protocol):
    """The methods that an inquiry calls, as in `AstakosClient` and `AsyncAstakosClient`.

    With ``service``, both are called with that keyword argument. With ``component_token``, only
    ``introspect_token(component_token, token, address=…)`` is called.
    """

    def get_user_info(self, token: str, /) -> Any:
        """Returns the holder of a token; the original Astakos since 0.15 does not support this call."""

    def get_endpoints(self, token: str, /) -> Any:
        """Returns the holder of a token and the service catalog."""


def require_client(client: object, inquiry: Inquiry, *, may_be_awaited: bool) -> None:
    """Requires that a client has the methods that an inquiry calls.

    Args:
        client: the client.
        inquiry: the inquiry.
        may_be_awaited: whether its methods can be coroutines.

    Raises:
        BadValue: it has not.
    """
    call = "get_user_info" if inquiry.component_token is None else "introspect_token"
    found = getattr(client, call, None)
    if not callable(found):
        raise BadValue(
            f"client must be a client of Astakos, such as AstakosClient, not a {type(client).__name__}"
        )
    from inspect import iscoroutinefunction  # noqa: PLC0415 - slow to import

    if not may_be_awaited and iscoroutinefunction(found):
        raise BadValue("client must be an AstakosClient: an AsyncAstakosClient needs the ASGI middleware")


class Question:
    """Tells the driver to call a method of the client, and to send its result or throw its exception.

    Attributes:
        call: the name of the method.
        arguments: its positional arguments, which contain tokens.
        options: its keyword arguments.
    """

    __slots__ = ("arguments", "call", "options")

    def __init__(self, call: str, *arguments: str, **options: str) -> None:
        """Sets the attributes."""
        self.call = call
        self.arguments = arguments
        self.options = options


class Inquiry:
    """Identifies the holder of a token, in one call if possible.

    `get_user_info` returns everything. If the server does not support it, `get_endpoints` returns everything
    except the username, and later inquiries skip `get_user_info`. With a component's token,
    `introspect_token` returns everything.
    """

    def __init__(self, service: str | None = None, component_token: str | None = None) -> None:
        """Assumes at first that the server supports `get_user_info`.

        Args:
            service: the name of the service that asks.
            component_token: the token of its component.

        Raises:
            BadValue: one of them is neither None nor a text.
        """
        for name, value in (("service", service), ("component_token", component_token)):
            if value is not None and not (isinstance(value, str) and value):
                # Not the value: a token is secret.
                said = "empty" if value == "" else f"a {type(value).__name__}"
                raise BadValue(f"{name} must be a text, or None, and is {said}")
        self.component_token = component_token
        self._named = {} if service is None else {"service": service}
        self._tells_user_info = True

    def identify(self, token: str) -> Generator[Question, Any, Identity]:
        """Runs an inquiry; the generator returns the holder of the token.

        Raises:
            InvalidResponse: the response does not identify a user.
            AstakosClientException: a call failed.
        """
        if self._tells_user_info:
            try:
                return _read(_from_user_info, (yield Question("get_user_info", token, **self._named)))
            except (BadRequest, NotFound) as unsupported:
                try:
                    access = yield Question("get_endpoints", token, **self._named)
                except NotFound:
                    # Neither call exists: the URL is wrong, and the first call shows it best.
                    raise unsupported from None
                identity = _read(_from_access, access)
                self._tells_user_info = False
                return identity
        return _read(_from_access, (yield Question("get_endpoints", token, **self._named)))

    def judge(self, token: str, address: str | None = None) -> Generator[Question, Any, Verdict]:
        """Runs an inquiry; the generator returns the verdict on the token.

        Args:
            token: the token.
            address: the IP address that it came from; only a component can tell it.
        """
        if self.component_token is not None:
            return (yield from self._introspect(self.component_token, token, address))
        try:
            return (yield from self.identify(token))
        except (Unauthorized, Forbidden, BadValue):
            return Refused()
        except AstakosClientException as error:
            return Unavailable(_retry_after(error), str(error))

    def told_address(self, address: str | None) -> str | None:
        """Returns the address to tell of a caller; None if it is unknown, or nothing is told of callers."""
        return None if self.component_token is None else address

    def _introspect(
        self, component_token: str, token: str, address: str | None
    ) -> Generator[Question, Any, Verdict]:
        options = {} if address is None else {"address": address}
        try:
            document = yield Question("introspect_token", component_token, token, **options)
            return _read(_from_introspection, document)
        except BadValue:
            return Refused()
        except AstakosClientException as error:
            # A 401 is about the component's token, and says nothing about the other one.
            return Unavailable(_retry_after(error), str(error))


def _from_introspection(document: Mapping[str, Any]) -> Identity | Refused:
    # An OAuth2 access token is for what its scope says, and no token of a user.
    if document["active"] is not True or "client_id" in document:
        return Refused()
    return Identity(
        uuid=_required(document["sub"]),
        username=str(document.get("username") or ""),
        name=str(document.get("name") or ""),
        roles=tuple(map(str, document.get("roles") or ())),
        expires=document.get("exp"),
        key=document.get("key"),
    )


def _read(read: Callable[[Mapping[str, Any]], T], document: Any) -> T:
    try:
        return read(document)
    except (LookupError, TypeError, ValueError, AttributeError):
        # Without the cause, whose traceback would reveal the response with the token.
        raise InvalidResponse("the response does not identify a user") from None


def _from_user_info(info: Mapping[str, Any]) -> Identity:
    expires = info.get("auth_token_expires")
    return Identity(
        uuid=_required(info["uuid"]),
        username=str(info.get("username") or ""),
        name=str(info.get("name") or ""),
        roles=tuple(map(str, info.get("groups") or ())),
        expires=None if expires is None else expires / 1000,
        key=info.get("key"),
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
        key=access["token"].get("key"),
    )


def _required(uuid: object) -> str:
    if not isinstance(uuid, str) or not uuid:
        raise ValueError("no uuid")
    return uuid


def _retry_after(error: AstakosClientException) -> int:
    if error.retry_after is None:
        return DEFAULT_RETRY_AFTER
    return min(max(math.ceil(error.retry_after), 1), LONGEST_RETRY_AFTER)
