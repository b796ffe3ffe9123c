"""The types that cross the transport interface: request, response, timeout and the protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from astakosclient.core.redaction import without_secrets
from astakosclient.core.value import FixedValue, Value
from astakosclient.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Mapping


class Request(Value):
    """One HTTP request. The transport adds ``Host``, ``Content-Length`` and ``Accept-Encoding``.

    Attributes:
        method: the HTTP method: ``GET``, ``POST`` or ``PUT``.
        origin: scheme, host and port, for example ``https://accounts.example.com``.
        target: percent-encoded path and query, ASCII only.
        headers: pairs of name and value, without line breaks. They may contain a token.
        body: the bytes to send; empty for none.
        repeatable: whether sending the request twice is safe (it is idempotent).
    """

    __slots__ = ("body", "headers", "method", "origin", "repeatable", "target")

    def __init__(
        self,
        method: str,
        origin: str,
        target: str,
        headers: tuple[tuple[str, str], ...] = (),
        body: bytes = b"",
        repeatable: bool = False,
    ) -> None:
        """Sets the attributes; see the class."""
        self.method: str = method
        self.origin: str = origin
        self.target: str = target
        self.headers: tuple[tuple[str, str], ...] = headers
        self.body: bytes = body
        self.repeatable: bool = repeatable

    @property
    def url(self) -> str:
        """Origin and target."""
        return self.origin + self.target

    def __repr__(self) -> str:
        """Returns method and URL with secrets redacted; omits headers and body."""
        return f"<Request {self.method} {self.origin}{without_secrets(self.target)}>"


class Answer(Value):
    """A complete HTTP response.

    Attributes:
        status: the HTTP status code.
        reason: the reason phrase; may be empty.
        headers: values by lowercase header name.
        body: the decompressed body.
        resent: whether the transport had sent the request before, on a connection that broke. The server may
            have carried out that copy, whatever this response says.
    """

    __slots__ = ("body", "headers", "reason", "resent", "status")
    __hidden__: tuple[str, ...] = ("body", "headers", "reason", "resent")

    def __init__(
        self,
        status: int,
        reason: str = "",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        resent: bool = False,
    ) -> None:
        """Sets the attributes; see the class."""
        self.status: int = status
        self.reason: str = reason
        self.headers: Mapping[str, str] = {} if headers is None else headers
        self.body: bytes = body
        self.resent: bool = resent

    @property
    def text(self) -> str:
        """The body decoded as UTF-8; invalid bytes are replaced."""
        return self.body.decode("utf-8", errors="replace")


LONGEST_TIMEOUT = 1_000_000.0
"""Seconds, more than 11 days. The system waits for a socket for 24 days at most."""


class Timeout(FixedValue):
    """Time limits of a call, in seconds.

    Attributes:
        total: limit for the whole call, from its start to the last byte of the response, including retries
            and the pauses between them.
        connect: limit for opening a connection, including DNS, TLS and the proxy.
    """

    __slots__ = ("connect", "total")

    def __init__(self, total: float = 60.0, connect: float = 5.0) -> None:
        """Sets the limits.

        Raises:
            BadValue: a limit is not a positive number, or is more than 1,000,000.
        """
        for name, seconds in (("total", total), ("connect", connect)):
            if not isinstance(seconds, int | float) or not 0 < seconds <= LONGEST_TIMEOUT:
                raise BadValue(
                    f"Timeout: {name} must be a positive number of seconds, up to 1,000,000, not {seconds!r}"
                )
        self.total: float = total
        self.connect: float = connect


class Transport(Protocol):
    """Sends requests to the server. Implement it to use another HTTP library.

    For an example, see `astakosclient.adapters.httpx2`.
    """

    def send(self, request: Request, timeout: Timeout) -> Answer:  # pyright: ignore[reportReturnType]
        """Sends the request once and returns the complete response, whatever its status.

        Must not follow redirects.

        Args:
            request: the request to send.
            timeout: the time limits for this attempt.

        Raises:
            astakosclient.errors.ConnectionError: no complete response arrived. Set ``sent=False`` only if
                the request provably did not reach the server, because the client then resends even
                requests that are not idempotent.
        """


class AsyncTransport(Protocol):
    """The asynchronous counterpart of `Transport`."""

    async def send(self, request: Request, timeout: Timeout) -> Answer:  # pyright: ignore[reportReturnType]  # noqa: ASYNC109
        """Does the same as `Transport.send`.

        Must be safe to cancel: a later request must never receive the response to a cancelled one.
        """
