"""What can go wrong with one request, each as a value that carries itself out."""

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
"""The names that the service gives to its refusals."""
NOT_HTTP = b"\x16\x03\x03\x00\x02(this is no answer of HTTP)\r\n\r\n"
NOT_JSON = b'<html><title>Welcome</title>{"serial": 17'


@dataclass(frozen=True, slots=True)
class FinishedAnswer:
    """An answer that is complete and has not been sent."""

    status: int
    headers: Sequence[tuple[bytes, bytes]] = ()
    body: bytes = field(default=b"", repr=False)

    @property
    def raw(self) -> bytes:
        """As it goes over the wire."""
        lines = [f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}".encode()]
        lines += [name + b": " + value for name, value in self.headers]
        return b"\r\n".join(lines) + b"\r\n\r\n" + self.body

    @property
    def first_half(self) -> bytes:
        """The same without the end of the body, or of the head where there is no body."""
        lost = (len(self.body) or len(self.raw)) // 2 + 1
        return self.raw[:-lost]


class Exchange(Protocol):
    """A request that waits for its answer."""

    async def carry_out(self) -> FinishedAnswer:
        """Let the service do what it is asked; nothing is sent yet."""
        ...

    async def answer(self, answer: FinishedAnswer) -> None:
        """Send an answer."""
        ...

    async def cut(self, last_bytes: bytes = b"") -> None:
        """Close the connection, after some bytes, and wait until it is."""
        ...

    async def pause(self, seconds: float) -> bool:
        """Wait for so many seconds, or until the client has gone; whether it is still there."""
        ...


class Failure(Protocol):
    """Something that goes wrong."""

    async def happen(self, exchange: Exchange) -> None:
        """Go wrong with a request."""
        ...


@dataclass(frozen=True, slots=True)
class Fail:
    """An answer that is a failure."""

    status: int
    retry_after: float | None
    carried_out: bool

    def __post_init__(self) -> None:
        """Refuse what is no failure."""
        if not 400 <= self.status <= 599 or self.status not in set(HTTPStatus):
            raise ValueError(f"the status of a failure is one of HTTP's from 400 to 599, not {self.status!r}")
        if self.retry_after is not None and not 0 <= self.retry_after < math.inf:
            raise ValueError(f"retry_after is a number of seconds, 0 or more, not {self.retry_after!r}")

    async def happen(self, exchange: Exchange) -> None:
        """Answer so, whether or not the service has done its part."""
        if self.carried_out:
            await exchange.carry_out()
        await exchange.answer(self._answer())

    def _answer(self) -> FinishedAnswer:
        name = FAULTS.get(self.status)
        if name is None:
            # Not the service but what stands before it says such things.
            phrase = HTTPStatus(self.status).phrase
            body, kind = f"<html><title>{self.status} {phrase}</title></html>\n".encode(), b"text/html"
        else:
            fault = {"code": self.status, "message": "The test lets this call fail.", "details": ""}
            body, kind = json.dumps({name: fault}).encode(), b"application/json; charset=UTF-8"
        headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body))]
        if self.retry_after is not None:
            headers.append((b"retry-after", b"%d" % math.ceil(self.retry_after)))
        return FinishedAnswer(self.status, headers, body)


@dataclass(frozen=True, slots=True)
class Cut:
    """A connection that is closed before the whole answer has been sent."""

    when: When

    def __post_init__(self) -> None:
        """Refuse what is no moment."""
        if self.when not in ("before", "after", "within"):
            raise ValueError(
                f"a call is cut 'before' or 'after' it is done, or 'within' its answer: {self.when!r}"
            )

    async def happen(self, exchange: Exchange) -> None:
        """Close it before or after the service has done its part, or in the middle of its answer."""
        last_bytes = b""
        if self.when != "before":
            answer = await exchange.carry_out()
            if self.when == "within":
                last_bytes = answer.first_half
        await exchange.cut(last_bytes)


@dataclass(frozen=True, slots=True)
class Delay:
    """An answer that comes late, or never."""

    seconds: float
    carried_out: bool

    def __post_init__(self) -> None:
        """Refuse what is no time."""
        if math.isnan(self.seconds) or self.seconds < 0:
            raise ValueError(f"an answer is late by 0 seconds or more, not by {self.seconds!r}")

    async def happen(self, exchange: Exchange) -> None:
        """Wait before the answer; the service does its part before that or, if it is still wanted, after."""
        answer = await exchange.carry_out() if self.carried_out else None
        if await exchange.pause(self.seconds):
            await exchange.answer(answer or await exchange.carry_out())


@dataclass(frozen=True, slots=True)
class Garble:
    """An answer to a call that was carried out, but nobody can read it."""

    part: Part

    def __post_init__(self) -> None:
        """Refuse what is no part."""
        if self.part not in ("body", "head"):
            raise ValueError(f"of an answer the 'body' or the 'head' can be garbled, not {self.part!r}")

    async def happen(self, exchange: Exchange) -> None:
        """Send another body than JSON under the same status, or what is not even HTTP."""
        answer = await exchange.carry_out()
        if self.part == "head":
            await exchange.cut(NOT_HTTP)
            return
        headers = [(b"content-type", b"text/html"), (b"content-length", b"%d" % len(NOT_JSON))]
        await exchange.answer(FinishedAnswer(answer.status, headers, NOT_JSON))
