"""HTTP/1.1 as uvicorn speaks it, but with an end to what a request may bring along beside its body.

The parser itself takes heads, trailers and extensions of chunks of any length, and keeps them: a single
connection could fill the memory.
"""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from astakos.http.faults import HeadTooLarge
from astakos.http.serialization import to_json

HEAD_LIMIT = 64 * 1024
"""So many bytes may a request have that are not its body."""
FRAMING_OF_A_CHUNK = 16
"""So many more may it have for each chunk of its body."""


class BoundedProtocol(HttpToolsProtocol):
    """A connection that ends with the first request that is too large beside its body; the answer is 431."""

    _room = HEAD_LIMIT
    _received = 0

    def data_received(self, data: bytes) -> None:
        """Parse what has come in, and count it."""
        self._received = len(data)
        super().data_received(data)
        self._room -= len(data)
        if self._room < 0 and not self.transport.is_closing():
            self._refuse()

    def on_message_begin(self) -> None:
        """Count anew; what else came in together with its beginning may belong to the request before."""
        self._room = HEAD_LIMIT + self._received
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        """Do not count the body, which has a limit of its own."""
        self._room += len(body) + FRAMING_OF_A_CHUNK
        super().on_body(body)

    def _refuse(self) -> None:
        # While an earlier request is being answered, another answer would be taken for that.
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(ANSWER)
        self.transport.close()


def _answer() -> bytes:
    fault = HeadTooLarge(HEAD_LIMIT)
    body = to_json(fault.envelope())
    head = (
        f"HTTP/1.1 {fault.status} Request Header Fields Too Large\r\n"
        "content-type: application/json; charset=UTF-8\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body


ANSWER = _answer()
