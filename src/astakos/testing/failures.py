"""The failures that a test can inject into a request, as values that carry themselves out."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

When = Literal["before", "after", "within"]
Part = Literal["body", "head"]
SaidOutcome = Literal["not-carried-out", "unknown"]

FAULTS = {
    400: "badRequest",
    401: "unauthorized",
    403: "forbidden",
    404: "itemNotFound",
    405: "notAllowed",
    409: "conflict",
    413: "overLimit",
    500: "internalServerError",
    501: "notImplemented",
    503: "serviceUnavailable",
}
"""The service's fault names, by status."""
NOT_HTTP = b"\x16\x03\x03\x00\x02(this is no answer of HTTP)\r\n\r\n"
NOT_JSON = b'<html><title>Welcome</title>{"serial": 17'


@dataclass(frozen=True, slots=True)
class FinishedAnswer:
    """A complete answer that has not been sent yet."""

    status: int
    headers: Sequence[tuple[bytes, bytes]] = ()
    body: bytes = field(default=b"", repr=False)

    @property
    def raw(self) -> bytes:
        """The bytes of the whole answer."""
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}".encode()]
        lines += [name + b": " + value for name, value in self.headers]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body

    @property
    def first_half(self) -> bytes:
        """The bytes without the end of the body, or without the end of the head if there is no body."""
        lost = (len(self.body) or len(self.raw)) // 2 + 1
        return self.raw[:-lost]


class Exchange(Protocol):
    """A request that waits for its answer."""

    async def carry_out(self) -> FinishedAnswer:
        """Lets the service handle the request, without sending its answer."""
        ...

    async def answer(self, answer: FinishedAnswer) -> None:
        """Sends an answer."""
        ...

    async def cut(self, last_bytes: bytes = b"") -> None:
        """Sends some bytes, closes the connection, and waits until it is closed."""
        ...

    async def pause(self, seconds: float) -> bool:
        """Waits, or stops early if the client disconnects; returns whether it is still connected."""
        ...


class Failure(Protocol):
    """A failure that a test injects."""

    async def happen(self, exchange: Exchange) -> None:
        """Makes a request fail."""
        ...


@dataclass(frozen=True, slots=True)
class Fail:
    """An error answer."""

    status: int
    retry_after: float | None
    carried_out: bool
    outcome: SaidOutcome | None = None

    def __post_init__(self) -> None:
        """Checks the arguments."""
        if self.outcome not in ("not-carried-out", "unknown", None):
            raise ValueError(f"outcome must be 'not-carried-out' or 'unknown', not {self.outcome!r}")
        if self.outcome is not None and self.status != HTTPStatus.SERVICE_UNAVAILABLE:
            raise ValueError(
                f"the service tells an outcome with the status 503 only, not with {self.status!r}"
            )
        if self.outcome == "not-carried-out" and self.carried_out:
            raise ValueError("outcome must be 'unknown' if the service carries out the request")
        if not 400 <= self.status <= 599 or self.status not in set(HTTPStatus):
            raise ValueError(f"the status must be an HTTP status from 400 to 599, not {self.status!r}")
        if self.retry_after is not None and not 0 <= self.retry_after < math.inf:
            raise ValueError(f"retry_after must be 0 seconds or more, not {self.retry_after!r}")

    async def happen(self, exchange: Exchange) -> None:
        """Sends the error; before that, lets the service handle the request if `carried_out` is true."""
        if self.carried_out:
            await exchange.carry_out()
        await exchange.answer(self._answer())

    def _answer(self) -> FinishedAnswer:
        name = "outcomeUnknown" if self.outcome == "unknown" else FAULTS.get(self.status)
        if name is None:
            # The service never sends this status; a gateway in front of it does, with an HTML page.
            phrase = HTTPStatus(self.status).phrase
            body, kind = f"<html><title>{self.status} {phrase}</title></html>\n".encode(), b"text/html"
        else:
            fault = {"code": self.status, "message": "The test lets this call fail.", "details": ""}
            body, kind = json.dumps({name: fault}).encode(), b"application/json; charset=UTF-8"
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        if self.outcome is not None:
            headers.append((b"astakos-outcome", self.outcome.encode()))
        if self.retry_after is not None:
            headers.append((b"retry-after", b"%d" % math.ceil(self.retry_after)))
        return FinishedAnswer(self.status, headers, body)


@dataclass(frozen=True, slots=True)
class Cut:
    """A connection that closes before the whole answer is sent."""

    when: When

    def __post_init__(self) -> None:
        """Checks the argument."""
        if self.when not in ("before", "after", "within"):
            raise ValueError(f"when must be 'before', 'after', or 'within', not {self.when!r}")

    async def happen(self, exchange: Exchange) -> None:
        """Closes the connection before or after the service handles the request, or within its answer."""
        last_bytes = b""
        if self.when != "before":
            answer = await exchange.carry_out()
            if self.when == "within":
                last_bytes = answer.first_half
        await exchange.cut(last_bytes)


@dataclass(frozen=True, slots=True)
class Delay:
    """An answer that arrives late, or never."""

    seconds: float
    carried_out: bool

    def __post_init__(self) -> None:
        """Checks the argument."""
        if math.isnan(self.seconds) or self.seconds < 0:
            raise ValueError(f"seconds must be 0 or more, not {self.seconds!r}")

    async def happen(self, exchange: Exchange) -> None:
        """Waits, then answers. Without `carried_out`, the service handles the request only after the wait."""
        answer = await exchange.carry_out() if self.carried_out else None
        if await exchange.pause(self.seconds):
            await exchange.answer(answer or await exchange.carry_out())


@dataclass(frozen=True, slots=True)
class Garble:
    """An unreadable answer to a request that the service has handled."""

    part: Part

    def __post_init__(self) -> None:
        """Checks the argument."""
        if self.part not in ("body", "head"):
            raise ValueError(f"part must be 'body' or 'head', not {self.part!r}")

    async def happen(self, exchange: Exchange) -> None:
        """Sends the right status with a body that is not JSON, or bytes that are not HTTP."""
        answer = await exchange.carry_out()
        if self.part == "head":
            await exchange.cut(NOT_HTTP)
            return
        headers = [(b"content-type", b"text/html"), (b"content-length", b"%d" % len(NOT_JSON))]
        await exchange.answer(FinishedAnswer(answer.status, headers, NOT_JSON))
