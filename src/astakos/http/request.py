"""A request as handlers see it, and the response that they return."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import parse_qsl, quote, unquote

from astakos.http.faults import BodyTooLarge, TwoTokens
from astakos.http.media_types import JSON_TYPE, JSON_UTF8, XML_TYPE, XML_UTF8

if TYPE_CHECKING:
    from astakos.http.dialects.dialect import Dialect
    from astakos.http.routing import Route

BODY_LIMIT = 1024 * 1024
"""Maximum size of a body in bytes, unless an operation takes less."""
NO_ROUTE = "none"
"""The route name of a request that matches no route."""
NO_SUCH_CALL = "This path does not exist. See the API reference."
TOKEN_NAME = "X-Auth-Token"  # noqa: S105 - the name of a header
AUTHORIZATION = b"authorization"
AUTHORIZATION_SERVER = "/.well-known/oauth-authorization-server"
"""The only path that is also answered outside the base URL: with its path at the end (RFC 8414, 3.1)."""
BEARER = "bearer"
JSON = "json"
XML = "xml"
MEDIA_TYPES = {JSON_TYPE: JSON, XML_TYPE: XML}


NEGOTIATED_TYPES = {JSON: JSON_UTF8, XML: XML_UTF8}
NO_HEADERS: Mapping[str, str] = {}
SAFE_IN_PATHS = "/!$&'()*+,;=:@~"
"""Characters that need not be encoded in a path (RFC 3986, 3.3), besides letters, digits and `_.-`."""


class Request:
    """One request to a path below the base URL.

    Attributes:
        method: As sent.
        path: Below the path of the base URL, with percent-encoding decoded; "" for the root.
        raw_query: The query string as received.
        headers: Values by lower-case name. Repeated headers form one list.
        peer: Address and port of the peer of the connection; None if unknown.
        scheme: Scheme of the connection: `https` only if this process terminates TLS itself.
        id: Links the request, its response and its log lines.
        dialect: The dialect of the API to answer in.
        route: Name of the route; see `astakos.http.routes`.
        parameter: The part of the path that stands for the variable of the route.
        serial: The same as the serial of a commission.
        began: When its head arrived, in seconds of `time.perf_counter`.
        found: The route; None if there is none.
    """

    # Defaults stand on the class: setting them on every request costs more than the look-up.
    scheme = "http"
    route = NO_ROUTE
    found: "Route | None" = None
    parameter = ""
    serial = 0
    has_gone = False
    _on_gone: Callable[[], None] | None = None
    _body = b""
    _most = 0
    _query: Mapping[str, str] | None = None
    _serialization = ""

    def __init__(
        self,
        method: str,
        target: bytes,
        headers: Mapping[bytes, bytes],
        dialect: "Dialect",
        *,
        prefix: str = "",
        peer: tuple[str, int] | None = None,
        request_id: str = "",
        began: float = 0.0,
    ) -> None:
        """Reads the target. Its body comes later, with `body_has_come`.

        Args:
            method: As sent.
            target: Path and query.
            headers: Values by lower-case name.
            dialect: The dialect of the API.
            prefix: Path of the base URL, without a trailing slash.
            peer: Address and port of the peer.
            request_id: Its ID.
            began: When its head arrived.
        """
        path, _, query = target.partition(b"?")
        self.method = method
        self.path = _below(prefix, path.partition(b"#")[0].decode("ascii"))
        self.raw_query = query.partition(b"#")[0].decode("ascii")
        self.headers = headers
        self.peer = peer
        self.id = request_id
        self.dialect = dialect
        self.began = began

    @property
    def is_outside(self) -> bool:
        """Whether its path is not below the base URL."""
        return self.path is OUTSIDE

    @property
    def address(self) -> str:
        """The path below the base URL and the query, encoded as in URLs: to lead a browser back to here."""
        path = quote(self.path, SAFE_IN_PATHS)
        return f"{path}?{self.raw_query}" if self.raw_query else path

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters of the query. If a parameter occurs more than once, the last value wins."""
        if self._query is None:
            raw = self.raw_query
            self._query = dict(parse_qsl(raw, keep_blank_values=True)) if raw else {}
        return self._query

    def header(self, name: bytes) -> str:
        """Returns the value of a header without surrounding whitespace, or "" if it is missing."""
        return self.headers.get(name, b"").strip().decode("latin-1")

    @property
    def token(self) -> str:
        """The token; "" if there is none.

        It is in the query, in the header X-Auth-Token, or in the header Authorization with the scheme Bearer
        (RFC 6750). The first that is not empty wins, but none is ignored that Authorization contradicts.

        Raises:
            TwoTokens: The request carries another one in Authorization.
        """
        token = self.query.get(TOKEN_NAME) or self.header(b"x-auth-token")
        if AUTHORIZATION not in self.headers:
            return token
        bearer = self._bearer_token
        if token and bearer and token != bearer:
            raise TwoTokens
        return token or bearer

    @property
    def has_token(self) -> bool:
        """Whether it carries a token, or several."""
        return bool(self.query.get(TOKEN_NAME) or self.header(b"x-auth-token") or self._bearer_token)

    @property
    def header_token(self) -> str:
        """The token in a header; "" if there is none.

        Raises:
            TwoTokens: There are two that differ.
        """
        token, bearer = self.header(b"x-auth-token"), self._bearer_token
        if token and bearer and token != bearer:
            raise TwoTokens
        return token or bearer

    @property
    def _bearer_token(self) -> str:
        scheme, _, token = self.header(AUTHORIZATION).partition(" ")
        return token.strip() if scheme.lower() == BEARER else ""

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

    @property
    def body(self) -> bytes:
        """The whole body.

        Raises:
            BodyTooLarge: The body exceeds what the operation takes.
        """
        if self._most:
            raise BodyTooLarge(self._most)
        return self._body

    @property
    def body_length(self) -> int:
        """The length of the body as far as it was read; 0 if it was refused."""
        return len(self._body)

    def body_has_come(self, body: bytes) -> None:
        """Sets the body."""
        self._body = body

    def refuse_body(self, most: int) -> None:
        """Makes reading the body fail, because it exceeds so many bytes."""
        self._most = most

    def when_gone(self, call: Callable[[], None]) -> None:
        """Calls back once when the client has disconnected."""
        if self.has_gone:
            call()
        else:
            self._on_gone = call

    def client_has_gone(self) -> None:
        """Notes that the client has disconnected."""
        self.has_gone = True
        if self._on_gone is not None:
            self._on_gone()
            self._on_gone = None

    @property
    def serialization(self) -> str:
        """The serialization that the caller prefers (`http-api.md` §2)."""
        if not self._serialization:
            self._serialization = self._negotiated()
        return self._serialization

    @serialization.setter
    def serialization(self, serialization: str) -> None:
        self._serialization = serialization

    @property
    def media_type(self) -> str:
        """The media type of a response in that serialization."""
        return NEGOTIATED_TYPES[self.serialization]

    def _negotiated(self) -> str:
        wanted = self.query.get("format")
        if wanted in (JSON, XML):
            return wanted
        for serialization in (JSON, XML):
            if self.path.endswith("." + serialization):
                return serialization
        for part in self.headers.get(b"accept", b"").decode("latin-1").split(","):
            found = MEDIA_TYPES.get(part.partition(";")[0].strip())
            if found:
                return found
        return JSON


OUTSIDE = "\0outside"
"""Stands for a path that is not below the base URL; no request can have it."""


def _below(prefix: str, path: str) -> str:
    """Returns the part of a path below the base URL: "" for the root, `OUTSIDE` if it is not below it."""
    if "%" in path:
        path = unquote(path)
    if path in ("/", prefix):
        return ""
    if path.startswith(prefix + "/"):
        return path[len(prefix) :]
    return AUTHORIZATION_SERVER if path == AUTHORIZATION_SERVER + prefix else OUTSIDE


class Answer(NamedTuple):
    """A response. The media type is the negotiated one unless the handler sets another.

    Attributes:
        cookies: Values of the `Set-Cookie` headers.
    """

    status: int = 200
    body: bytes = b""
    media_type: str | None = None
    headers: Mapping[str, str] = NO_HEADERS
    cookies: Sequence[str] = ()
