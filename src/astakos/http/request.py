"""A request as handlers see it, and the response that they return."""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from astakos.http.caller_address import address_of
from astakos.http.faults import BodyTooLarge
from astakos.http.media_types import JSON_TYPE, XML_TYPE

if TYPE_CHECKING:
    from astakos.http.dialects.dialect import Dialect

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
"""An ASGI application."""

BODY_LIMIT = 1024 * 1024
NO_ROUTE = "none"
"""The route name of a request that matches no route."""
NO_SUCH_CALL = "This path does not exist. See the API reference."
TOKEN_NAME = "X-Auth-Token"  # noqa: S105 - the name of a header
JSON = "json"
XML = "xml"
MEDIA_TYPES = {JSON_TYPE: JSON, XML_TYPE: XML}


class DisconnectedError(Exception):
    """The client disconnected before it had sent its whole request."""


class Request:
    """One request to a path below the base URL."""

    __slots__ = (
        "_receive",
        "_scope",
        "dialect",
        "headers",
        "method",
        "parameter",
        "path",
        "query",
        "route",
        "serial",
        "serialization",
    )

    def __init__(self, scope: Scope, receive: Receive, path: str, dialect: "Dialect") -> None:
        """Reads the request line and headers. The body is read only on demand."""
        self.dialect = dialect
        self.method: str = scope["method"]
        self.path = path
        self.route = NO_ROUTE
        self.headers: Mapping[bytes, bytes] = dict(scope["headers"])
        self.query: Mapping[str, str] = _query(scope["query_string"])
        self.serial = 0
        self.parameter = ""
        self._scope = scope
        self._receive = receive
        self.serialization = self._negotiate(scope["headers"])

    @property
    def scheme(self) -> str:
        """The scheme of the connection: `https` only if this process terminates TLS itself."""
        scheme: str = self._scope.get("scheme", "http")
        return scheme

    @property
    def raw_query(self) -> str:
        """The query string as received."""
        query: bytes = self._scope["query_string"]
        return query.decode("latin-1")

    def header(self, name: bytes) -> str:
        """Returns the value of a header without surrounding whitespace, or "" if it is missing."""
        return self.headers.get(name, b"").strip().decode("latin-1")

    @property
    def address(self) -> str | None:
        """The address of the caller; see `address_of`."""
        return address_of(self._scope.get("client"), self.header(b"x-forwarded-for"))

    @property
    def token(self) -> str:
        """The token in the query if it is not empty, otherwise the one in the header; "" if there is none."""
        return self.query.get(TOKEN_NAME) or self.header(b"x-auth-token")

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies by name. If a name occurs more than once, the first, with the longest path, wins."""
        found: dict[str, str] = {}
        for part in self.header(b"cookie").split(";"):
            name, separator, value = part.partition("=")
            if separator:
                found.setdefault(name.strip(), value.strip())
        return found

    @property
    def announced_length(self) -> int:
        """The Content-Length header; 0 if it is missing or malformed."""
        text = self.header(b"content-length")
        return int(text) if text.isascii() and text.isdigit() else 0

    async def body(self) -> bytes:
        """Reads the whole body.

        Raises:
            BodyTooLarge: The body, or its Content-Length, exceeds `BODY_LIMIT`.
            DisconnectedError: The client disconnected before it had sent the whole body.
        """
        if self.announced_length > BODY_LIMIT:
            raise BodyTooLarge(BODY_LIMIT)
        parts: list[bytes] = []
        size = 0
        more = True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise DisconnectedError
            part: bytes = message.get("body", b"")
            size += len(part)
            if size > BODY_LIMIT:
                raise BodyTooLarge(BODY_LIMIT)
            parts.append(part)
            more = message.get("more_body", False)
        return b"".join(parts)

    def _negotiate(self, headers: Sequence[tuple[bytes, bytes]]) -> str:
        """Returns the serialization that the caller prefers (`http-api.md` §2)."""
        wanted = self.query.get("format")
        if wanted in (JSON, XML):
            return wanted
        for serialization in (JSON, XML):
            if self.path.endswith("." + serialization):
                return serialization
        accepted = self.headers.get(b"accept", b"")
        if len(headers) > len(self.headers):
            # Repeated Accept headers form one list.
            accepted = b",".join(value for name, value in headers if name == b"accept")
        for part in accepted.decode("latin-1").split(","):
            found = MEDIA_TYPES.get(part.partition(";")[0].strip())
            if found:
                return found
        return JSON


def _query(text: bytes) -> Mapping[str, str]:
    # If a parameter occurs more than once, the last value wins.
    return dict(parse_qsl(text.decode("latin-1"), keep_blank_values=True)) if text else {}


@dataclass(frozen=True, slots=True)
class Answer:
    """A response. The media type is the negotiated one unless the handler sets another.

    Attributes:
        cookies: Values of the `Set-Cookie` headers.
    """

    status: int = 200
    body: bytes = b""
    media_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Sequence[str] = ()
