"""HTTP/1.1 as uvicorn speaks it, but with an end to what a request may bring along beside its body.

The parser itself takes heads, trailers and extensions of chunks of any length, and keeps them: a single
connection could fill the memory.
"""

import asyncio
from collections import deque
from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from astakos.http.faults import BadRequest, Fault, HeadTooLarge
from astakos.http.media_types import JSON_UTF8
from astakos.http.serialization import to_json

HEAD_LIMIT = 64 * 1024
"""So many bytes may a request have that are not its body."""
FRAMING_OF_A_CHUNK = 16
"""So many more may it have for each chunk of its body."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection that ends with the first request that is too large beside its body; the answer is 431.

    Where it ends while earlier requests of the same connection are being answered, these get no answer, and
    nothing else that they could take for one.
    """

    _room = HEAD_LIMIT
    _received = 0
    _under_way: deque[RequestResponseCycle]

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with no request."""
        self._under_way = deque()
        super().connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Parse what has come in, and count it."""
        self._received = len(data)
        super().data_received(data)
        self._room -= len(data)
        if self._room < 0 and not self.transport.is_closing():
            self._refuse(ANSWER)

    def on_message_begin(self) -> None:
        """Count anew; what else came in together with its beginning may belong to the request before."""
        self._room = HEAD_LIMIT + self._received
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that one more request is to be answered, perhaps after others."""
        if self.parser.should_upgrade():
            # The parser stops here, and what follows would be read as a request of its own.
            self._refuse(NO_UPGRADE)
            return
        # Answers leave in order, so those that are done are in front.
        while self._under_way and self._under_way[0].response_complete:
            self._under_way.popleft()
        super().on_headers_complete()
        self._under_way.append(self.cycle)

    def on_body(self, body: bytes) -> None:
        """Do not count the body, which has a limit of its own."""
        if self.parser.should_upgrade():
            return
        self._room += len(body) + FRAMING_OF_A_CHUNK
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Pass on that a request is complete."""
        if not self.parser.should_upgrade():
            super().on_message_complete()

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing to tell: the request has been refused."""

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP, and close."""
        body = msg.encode("ascii")
        self._refuse(_head("400 Bad Request", "text/plain; charset=utf-8", body) + body)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let all who are still answering know, also those who are not the last."""
        self._abandon()
        super().connection_lost(exc)

    def _refuse(self, answer: bytes) -> None:
        waiting = [cycle for cycle in self._under_way if not cycle.response_complete]
        # It may be the body of the last one that is wrong, and then this is the answer to that.
        if not waiting or (len(waiting) == 1 and waiting[0].more_body and not waiting[0].response_started):
            self.transport.write(answer)
        self._abandon()
        self.transport.close()

    def _abandon(self) -> None:
        for cycle in self._under_way:
            if not cycle.response_complete:
                cycle.disconnected = True
                cycle.message_event.set()


def _head(status: str, media_type: str, body: bytes) -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"content-type: {media_type}",
        f"content-length: {len(body)}",
        "connection: close",
    ]
    return "\r\n".join([*lines, "", ""]).encode("ascii")


def _answer(fault: Fault) -> bytes:
    body = to_json(fault.envelope())
    return _head(f"{fault.status} {HTTPStatus(fault.status).phrase}", JSON_UTF8, body) + body


NO_UPGRADE = _answer(
    BadRequest("The protocol cannot be changed here: send the request without Upgrade, and not as CONNECT.")
)
ANSWER = _answer(HeadTooLarge(HEAD_LIMIT))
