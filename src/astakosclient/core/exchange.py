"""What passes between a call and the network: a request, the time it may take, an answer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Protocol

from astakosclient.core.redaction import without_secrets
from astakosclient.core.value import FixedValue, Value
from astakosclient.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Mapping


class Request(Value):
    """One HTTP request, complete but for what the transport itself adds (host, length, encodings).

    Attributes:
        method: ``GET`` or ``POST``.
        origin: scheme, host and port, such as ``https://accounts.example.com``.
        target: path and query, percent-encoded; pure ASCII.
        headers: names and values, free of line breaks; they may hold a token.
        body: the bytes to send, empty for none.
        repeatable: whether the server may receive it twice without harm.
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
        """The attributes, by name or in this order."""
        self.method = method
        self.origin = origin
        self.target = target
        self.headers = headers
        self.body = body
        self.repeatable = repeatable

    @property
    def url(self) -> str:
        """Where to send it."""
        return self.origin + self.target

    def __repr__(self) -> str:
        """What and where to, without headers and body."""
        return f"<Request {self.method} {self.origin}{without_secrets(self.target)}>"


class Answer(Value):
    """A complete HTTP answer, decompressed; the names of its headers are in lower case."""

    __slots__ = ("body", "headers", "reason", "status")
    __hidden__ = ("body", "headers", "reason")

    def __init__(
        self, status: int, reason: str = "", headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> None:
        """The attributes, by name or in this order."""
        self.status = status
        self.reason = reason
        self.headers = {} if headers is None else headers
        self.body = body

    @property
    def text(self) -> str:
        """The body for people and for exceptions: bytes that are not UTF-8 are replaced."""
        return self.body.decode("utf-8", errors="replace")


class Timeout(FixedValue):
    """How long a call may take.

    Attributes:
        total: seconds for the whole call, from its start to the last byte of the answer, repetitions and
            the pauses between them included.
        connect: seconds for opening a connection, TLS and proxy included. The look-up of a host's name is
            the operating system's and keeps to its own limits.
    """

    __slots__ = ("connect", "total")

    def __init__(self, total: float = 60.0, connect: float = 5.0) -> None:
        """Refuse what is no finite, positive time."""
        for name, seconds in (("total", total), ("connect", connect)):
            if not isinstance(seconds, int | float) or not math.isfinite(seconds) or seconds <= 0:
                raise BadValue(f"Timeout: {name} must be a positive number of seconds, not {seconds!r}")
        self.total = total
        self.connect = connect


class Transport(Protocol):
    """Whatever can carry a request to its server. Any HTTP library is wrapped in a few lines.

    `astakosclient.adapters.httpx2` does so, and shows how.
    """

    def send(self, request: Request, timeout: Timeout) -> Answer:  # pyright: ignore[reportReturnType]
        """Send the request once and return the whole answer, whatever its status; follow no redirects.

        Raises:
            astakosclient.errors.ConnectionError: there is no complete answer. Its ``sent`` must be False
                only if the request provably did not reach the server: a commission is repeated then.
        """


class AsyncTransport(Protocol):
    """The same, awaited."""

    async def send(self, request: Request, timeout: Timeout) -> Answer:  # pyright: ignore[reportReturnType]  # noqa: ASYNC109
        """As `Transport.send`; safe to be cancelled: no later request may get this one's answer."""
