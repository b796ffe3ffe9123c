"""A request as handlers see it, and the answer that they give."""

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
"""How the route of a request is called that there is no route for."""
NO_SUCH_CALL = "There is no such call; see the documentation of the API."
TOKEN_NAME = "X-Auth-Token"  # noqa: S105 - the name of a header
JSON = "json"
XML = "xml"
MEDIA_TYPES = {JSON_TYPE: JSON, XML_TYPE: XML}


class DisconnectedError(Exception):
    """The client went away before it had sent its whole request."""


class Request:
    """One request below the base URL's path."""

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
        """Read what the first bytes of a request say; the body is read when it is asked for."""
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
        """How it came here: `http`, or `https` if this process itself does TLS."""
        scheme: str = self._scope.get("scheme", "http")
        return scheme

    @property
    def raw_query(self) -> str:
        """What stands behind the `?`, as it came."""
        query: bytes = self._scope["query_string"]
        return query.decode("latin-1")

    def header(self, name: bytes) -> str:
        """A header's value without surrounding blanks, "" if it is not there."""
        return self.headers.get(name, b"").strip().decode("latin-1")

    @property
    def address(self) -> str | None:
        """Where the caller is, see `address_of`."""
        return address_of(self._scope.get("client"), self.header(b"x-forwarded-for"))

    @property
    def token(self) -> str:
        """The token: from the query if there is a non-empty one, else from the header; "" if from neither."""
        return self.query.get(TOKEN_NAME) or self.header(b"x-auth-token")

    @property
    def cookies(self) -> Mapping[str, str]:
        """The cookies by name; of several of one name the first, which is that of the longest path."""
        found: dict[str, str] = {}
        for part in self.header(b"cookie").split(";"):
            name, separator, value = part.partition("=")
            if separator:
                found.setdefault(name.strip(), value.strip())
        return found

    @property
    def announced_length(self) -> int:
        """The body's length by its header; 0 if there is no such header or it makes no sense."""
        text = self.header(b"content-length")
        return int(text) if text.isascii() and text.isdigit() else 0

    async def body(self) -> bytes:
        """The whole body.

        Raises:
            BodyTooLarge: it is, or is announced to be, larger than `BODY_LIMIT`.
            DisconnectedError: it did not come whole.
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
        """Which serialization the caller wants (`http-api.md` §2)."""
        wanted = self.query.get("format")
        if wanted in (JSON, XML):
            return wanted
        for serialization in (JSON, XML):
            if self.path.endswith("." + serialization):
                return serialization
        accepted = self.headers.get(b"accept", b"")
        if len(headers) > len(self.headers):
            # Several headers of this name are one list.
            accepted = b",".join(value for name, value in headers if name == b"accept")
        for part in accepted.decode("latin-1").split(","):
            found = MEDIA_TYPES.get(part.partition(";")[0].strip())
            if found:
                return found
        return JSON


def _query(text: bytes) -> Mapping[str, str]:
    # The last of several values counts.
    return dict(parse_qsl(text.decode("latin-1"), keep_blank_values=True)) if text else {}


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back; the media type is the negotiated one unless the handler names another.

    Attributes:
        cookies: the values of as many headers `Set-Cookie`.
    """

    status: int = 200
    body: bytes = b""
    media_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Sequence[str] = ()
