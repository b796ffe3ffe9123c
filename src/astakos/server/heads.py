"""The head of a request, strictly read: the parser is llhttp, and what it lets pass is judged here.

llhttp refuses nearly all that makes two readers of one stream disagree: bare line feeds and carriage returns,
NUL, folded headers, blanks before a colon, several lengths, a length beside a coding. Judged here are the
form of the request line, transfer codings other than `chunked`, a missing `Host`, and the repetition of a
header that says who calls or what is sent.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple

import httptools

from astakos.server.foreign_protocols import foreign_protocol

METHOD_CHARACTER: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]")
REQUEST_LINE: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([!-~]+) HTTP/(1\.[01])\r\n")
OTHER_VERSION: Final = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+ [!-~]+ HTTP/[0-9](?:\.[0-9])?\r\n")
HOST: Final = re.compile(rb"[A-Za-z0-9\-._~!$&'()*+,;=%:\[\]]*")
ABSOLUTE: Final = re.compile(rb"https?://[^/?#]*", re.IGNORECASE)

KNOWN_METHODS: Final = frozenset({b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH"})
STAND_IN: Final = b"POST"
"""Is parsed in place of any other method: to llhttp some of them are unknown, and some change the framing."""

ONCE: Final = frozenset(
    {
        b"host",
        b"authorization",
        b"content-length",
        b"content-type",
        b"expect",
        b"idempotency-key",
        b"transfer-encoding",
        b"x-auth-token",
        b"x-subject-token",
    }
)
"""Header fields that may occur once: of two, one reader believes the first and another the last."""


class Violation(Exception):  # noqa: N818 - what a peer did wrong, not an error of the server
    """What came is not an acceptable request; the connection cannot go on after it."""

    def __init__(self, message: str, status: int = 400, *, protocol: str = "") -> None:
        """Says what is wrong, which status to answer with, and which other protocol it is, if known."""
        super().__init__(message)
        self.message = message
        self.status = status
        self.protocol = protocol


class Head(NamedTuple):
    """The head of a request.

    Attributes:
        method: as it was sent; methods are case-sensitive.
        target: the path and the query, without scheme and authority where the client sent these.
        headers: values by lower-case name; several fields of one name are one list.
        content_length: the announced length of the body; None if it is chunked, 0 if there is none.
        keeps_alive: whether the client wants to send another request on this connection.
        expects_continue: whether it waits for `100 Continue` before it sends the body.
    """

    method: bytes
    target: bytes
    headers: Mapping[bytes, bytes]
    content_length: int | None
    keeps_alive: bool
    expects_continue: bool


class HeadParser:
    """Parses the heads, and the bodies, of one connection's requests.

    Attributes:
        body: the parts of the body that were fed since the head.
        is_complete: whether the last part of the request was fed.
    """

    def __init__(self, most_fields: int) -> None:
        """Refuses heads with more fields than that."""
        self._most_fields = most_fields
        self._fields: list[tuple[bytes, bytes]] = []
        self._parser = httptools.HttpRequestParser(self)
        self.body: list[bytes] = []
        self.is_complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        """Called by llhttp with each field, also with those of a trailer."""
        self._fields.append((name, value))

    def on_body(self, part: bytes) -> None:
        """Called by llhttp with each part of the body."""
        self.body.append(part)

    def on_message_complete(self) -> None:
        """Called by llhttp at the end of a request."""
        self.is_complete = True

    def parse_head(self, data: bytes) -> Head:
        """Parses one whole head, from its first byte to the empty line.

        Raises:
            Violation: it is not acceptable.
        """
        line = REQUEST_LINE.match(data)
        if line is None:
            raise bad_request_line(data)
        method, target, version = line.groups()
        if method not in KNOWN_METHODS:
            data = STAND_IN + data[len(method) :]
        self._fields = []
        self.body = []
        self.is_complete = False
        is_upgrade = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            is_upgrade = True
        except httptools.HttpParserError as error:
            raise Violation(f"The request is not well-formed HTTP/1.1: {error}.") from None
        headers = self._unique_fields()
        if version == b"1.1" and b"host" not in headers:
            raise Violation("The header Host is missing.")
        length = _content_length(headers, version)
        if is_upgrade:
            # The offer is ignored (RFC 9110 §7.8), but llhttp stops at it: another parser reads the body.
            self._begin_body(length)
        return Head(
            method,
            _origin_form(target),
            headers,
            length,
            _keeps_alive(headers, version),
            _expects_continue(headers, version),
        )

    def feed_body(self, data: bytes) -> None:
        """Parses more of the body.

        Args:
            data: no byte of what follows the request may be in it.

        Raises:
            Violation: it is not framed as a body must be.
        """
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise Violation(f"The body is not well-formed HTTP/1.1: {error}.") from None

    def _unique_fields(self) -> dict[bytes, bytes]:
        if len(self._fields) > self._most_fields:
            raise Violation(f"A request may have at most {self._most_fields} header fields.", 431)
        headers: dict[bytes, bytes] = {}
        for name, value in self._fields:
            lower = name.lower()
            if lower not in headers:
                headers[lower] = value
            elif lower in ONCE:
                raise Violation(f"The header {name.decode('latin-1')} may be sent only once.")
            else:
                separator = b"; " if lower == b"cookie" else b", "
                headers[lower] = headers[lower] + separator + value
        host = headers.get(b"host", b"")
        if not HOST.fullmatch(host):
            raise Violation("The header Host must be the name of a host, with a port if need be.")
        return headers

    def _begin_body(self, length: int | None) -> None:
        self._parser = httptools.HttpRequestParser(self)
        framing = b"Transfer-Encoding: chunked" if length is None else b"Content-Length: %d" % length
        self.is_complete = False
        self._parser.feed_data(b"POST / HTTP/1.1\r\nHost: x\r\n%b\r\n\r\n" % framing)


def refuse_beginning(data: bytes | bytearray) -> None:
    """Looks at what has come of a head: it may be something else.

    Peers of other protocols send no whole head, and wait for an answer.

    Args:
        data: what has come, without empty lines in front.

    Raises:
        Violation: it cannot become an acceptable head.
    """
    is_other = bool(data) and data != b"\r" and not METHOD_CHARACTER.match(data)
    if is_other or (b"\n" in data and not REQUEST_LINE.match(data)):
        raise bad_request_line(data)


def bad_request_line(data: bytes | bytearray) -> Violation:
    """What to say of a head that does not begin as one does."""
    foreign = foreign_protocol(data)
    if foreign is not None:
        return Violation(foreign.message, foreign.status, protocol=foreign.name)
    if OTHER_VERSION.match(data):
        return Violation("This service speaks HTTP/1.1 and HTTP/1.0.", 505)
    return Violation("The request line must be of the form: METHOD target HTTP/1.1.")


def _content_length(headers: Mapping[bytes, bytes], version: bytes) -> int | None:
    """The length of the body, None if it is chunked; both at once are refused by llhttp."""
    coding = headers.get(b"transfer-encoding")
    if coding is None:
        # llhttp has seen that it is a number of at most 64 bits.
        return int(headers.get(b"content-length", b"0"))
    if version == b"1.0":
        raise Violation("HTTP/1.0 has no Transfer-Encoding.")
    if coding.strip().lower() != b"chunked":
        raise Violation("The only Transfer-Encoding that is understood here is: chunked.")
    return None


def _origin_form(target: bytes) -> bytes:
    """Path and query of a target that may name scheme and authority as well (RFC 9112 §3.2)."""
    if target.startswith(b"/"):
        return target
    found = ABSOLUTE.match(target)
    if found is None:
        # The forms of CONNECT and of OPTIONS for the whole server: no route has such a path.
        return target
    rest = target[found.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest


def _keeps_alive(headers: Mapping[bytes, bytes], version: bytes) -> bool:
    if version == b"1.0":
        return False
    connection = headers.get(b"connection")
    if connection is None:
        return True
    return b"close" not in [option.strip().lower() for option in connection.split(b",")]


def _expects_continue(headers: Mapping[bytes, bytes], version: bytes) -> bool:
    expected = headers.get(b"expect")
    if expected is None or version == b"1.0":
        return False
    if expected.strip().lower() != b"100-continue":
        raise Violation("The only expectation that can be met here is: 100-continue.", 417)
    return True
