"""One connection to a server: bytes out, an answer in, and never a moment later than the deadline."""

from __future__ import annotations

import io
import os
from http.client import BadStatusLine, HTTPException, HTTPResponse, RemoteDisconnected
from typing import TYPE_CHECKING, cast

from astakosclient.decoding import UnusableAnswer, decoded, too_large
from astakosclient.errors import ConnectionError  # noqa: A004 - the documented name
from astakosclient.exchange import Answer
from astakosclient.wire import SendError, Wire

if TYPE_CHECKING:
    import socket

    from _typeshed import WriteableBuffer

BUFFER_SIZE = 16 * 1024
ROOM_FOR_HEADERS = 64 * 1024
BLOCK_SIZE = 64 * 1024

READING_TROUBLE = (OSError, HTTPException, UnusableAnswer, ValueError)
"""What reading an answer can raise; ValueError is how HTTPResponse takes some kinds of garbage."""


class Connection:
    """An open connection that can carry one exchange after another.

    Attributes:
        peer: whom it is connected to, for texts.
        pid: the process that opened it; after a fork the child must not use it.
    """

    __slots__ = ("_incoming", "_reader", "_reusable", "_wire", "peer", "pid")

    def __init__(self, opened: socket.socket, peer: str) -> None:
        """Use a socket that is connected, and belongs to this connection from now on."""
        self.peer = peer
        self.pid = os.getpid()
        self._wire = Wire(opened)
        self._incoming = _Incoming(self._wire)
        self._reader = _LastingReader(self._incoming, BUFFER_SIZE)
        self._reusable = False

    @property
    def answered(self) -> bool:
        """Whether the current exchange has brought any byte of an answer."""
        return self._incoming.received > 0

    def exchange(self, method: str, request: bytes, deadline: float, limit: int) -> Answer:
        """Send a complete request and read the whole answer.

        Args:
            method: the request's method, on which the answer's form depends.
            request: head and body, in one piece.
            deadline: when to give up, on the monotonic clock.
            limit: how many bytes the body may have, before and after unpacking.

        Raises:
            ConnectionError: anything went wrong; the connection is of no further use.
        """
        self._reusable = False
        self._incoming.begin(deadline, limit + ROOM_FOR_HEADERS)
        try:
            self._wire.send(request, deadline)
        except SendError as error:
            raise ConnectionError(error.cause, sent=not error.certain, peer=self.peer) from error.cause
        try:
            answer = self._receive(method, limit)
        except READING_TROUBLE as error:
            raise ConnectionError(error, peer=self.peer) from error
        self._incoming.rest()
        return answer

    def _receive(self, method: str, limit: int) -> Answer:
        with self._response(method) as response:
            self._read_head(response)
            if response.status < 200:
                raise UnusableAnswer(f"unexpected interim answer {response.status}")
            body = _body(response, limit)
        headers = {name.lower(): value for name, value in response.headers.raw_items()}
        encoding = headers.get("content-encoding")
        if encoding is not None:
            body = decoded(body, encoding, limit)
        self._reusable = not response.will_close
        return Answer(response.status, response.reason, headers, body)

    def tunnel(self, request: bytes, deadline: float) -> socket.socket:
        """Ask a proxy for a tunnel, and return the socket at its near end.

        Raises:
            OSError: the proxy refuses, or cannot be understood.
        """
        self._incoming.begin(deadline, ROOM_FOR_HEADERS)
        try:
            self._wire.send(request, deadline)
            with self._response("CONNECT") as response:
                self._read_head(response)
        except (SendError, *READING_TROUBLE) as error:
            raise OSError(f"the proxy {self.peer} does not answer as a proxy: {error}") from error
        if response.status != 200:
            raise OSError(f"the proxy {self.peer} refuses: {response.status} {response.reason}")
        self._incoming.rest()
        if self._reader.peek(1):
            raise OSError(f"the proxy {self.peer} sends data before the server could")
        return self._wire.release()

    def _response(self, method: str) -> HTTPResponse:
        # All that HTTPResponse wants of its socket is `makefile`.
        return HTTPResponse(cast("socket.socket", self), method=method)

    def _read_head(self, response: HTTPResponse) -> None:
        try:
            response.begin()
        except RemoteDisconnected:
            raise
        except BadStatusLine as error:
            raise UnusableAnswer(f"the answer is not HTTP: it begins with {str(error)[:40]!r}") from error
        if self._incoming.ended:
            # HTTPResponse takes the end of the stream for the end of the head.
            raise UnusableAnswer("the answer is cut short within its head")

    def makefile(self, mode: str) -> io.BufferedReader:  # noqa: ARG002 - as of a socket
        """The file that `HTTPResponse` reads from: the same for every answer of the connection."""
        return self._reader

    def is_reusable(self) -> bool:
        """Whether the last answer was read to its end, nothing came with it, and both sides will go on.

        What arrives later, and whether the peer closes, is for `is_quiet` to notice before the next use.
        """
        if not self._reusable or self._reader.peek(1):
            return False
        return not self._wire.holds_more()

    def is_quiet(self) -> bool:
        """Whether the idle connection is still open: a peer that closed, or spoke unasked, is readable."""
        return self._wire.is_quiet()

    def close(self) -> None:
        """Close this process's end. No shutdown: after a fork the connection may be the parent's."""
        self._wire.close()


def _body(response: HTTPResponse, limit: int) -> bytes:
    if response.length is not None:
        if response.length > limit:
            raise too_large(limit)
        return response.read()
    if not response.chunked and "content-length" in response.headers:
        raise UnusableAnswer("the answer has a Content-Length that is no number")
    blocks = []
    size = 0
    while block := response.read(BLOCK_SIZE):
        blocks.append(block)
        size += len(block)
        if size > limit:
            raise too_large(limit)
    return b"".join(blocks)


class _Incoming(io.RawIOBase):
    """What comes in on a wire, until a deadline and up to a number of bytes.

    Attributes:
        received: how many bytes of the current answer have come.
        ended: whether the peer has closed its side.
    """

    def __init__(self, source: Wire) -> None:
        self._source = source
        self._deadline = 0.0
        self._allowed = 0
        self._resting = True
        self.received = 0
        self.ended = False

    def begin(self, deadline: float, allowed: int) -> None:
        """Expect one answer."""
        self._deadline = deadline
        self._allowed = allowed
        self._resting = False
        self.received = 0
        self.ended = False

    def rest(self) -> None:
        """Expect nothing: what is buffered can be looked at without touching the socket."""
        self._resting = True

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: WriteableBuffer) -> int | None:
        if self._resting:
            return None
        count = self._source.receive(buffer, self._deadline)
        self.received += count
        self.ended = count == 0
        if self.received > self._allowed:
            raise too_large(self._allowed - ROOM_FOR_HEADERS)
        return count


class _LastingReader(io.BufferedReader):
    """`HTTPResponse` closes its file at the end of each answer; the connection goes on."""

    def close(self) -> None:
        pass
