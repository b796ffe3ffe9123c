"""One connection to a server: bytes out, an answer in, and never a moment later than the deadline."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from astakosclient.decoding import UnusableAnswer, decoded, too_large
from astakosclient.errors import ConnectionError  # noqa: A004 - the documented name
from astakosclient.exchange import Answer
from astakosclient.heads import MOST_FIELDS, check_trailer, parse_head
from astakosclient.incoming import Incoming
from astakosclient.wire import SendError, Wire

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from astakosclient.heads import Head

CONTINUE = 100
READING_TROUBLE = (OSError, UnusableAnswer)
"""What reading an answer can raise."""

_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")


class Connection:
    """An open connection that can carry one exchange after another.

    Attributes:
        peer: whom it is connected to, for texts.
        pid: the process that opened it; after a fork the child must not use it.
    """

    __slots__ = ("_incoming", "_reusable", "_wire", "peer", "pid")

    def __init__(self, opened: socket.socket, peer: str) -> None:
        """Use a socket that is connected, and belongs to this connection from now on."""
        self.peer = peer
        self.pid = os.getpid()
        self._wire = Wire(opened)
        self._incoming = Incoming(self._wire)
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
        self._incoming.begin(deadline, limit)
        try:
            self._wire.send(request, deadline)
        except SendError as error:
            raise ConnectionError(error.cause, sent=not error.certain, peer=self.peer) from error.cause
        try:
            return self._receive(method, limit)
        except READING_TROUBLE as error:
            raise ConnectionError(error, peer=self.peer) from error

    def _receive(self, method: str, limit: int) -> Answer:
        head = self._final_head()
        body = b"" if head.has_no_body(method) else _body(self._incoming, head, limit)
        encoding = head.headers.get("content-encoding")
        if encoding is not None:
            body = decoded(body, encoding, limit)
        # What comes with an answer and does not belong to it would be taken for the next one.
        self._reusable = head.lasting and not self._incoming.holds_more and _knows_its_end(head, method)
        return Answer(head.status, head.reason, head.headers, body)

    def _final_head(self) -> Head:
        """The head of the answer proper: the server may have said before that it wants to go on."""
        while (head := parse_head(self._incoming.head())).status == CONTINUE:
            pass
        if head.status < 200:
            raise UnusableAnswer(f"unexpected interim answer {head.status}")
        return head

    def tunnel(self, request: bytes, deadline: float) -> socket.socket:
        """Ask a proxy for a tunnel, and return the socket at its near end.

        Raises:
            OSError: the proxy refuses, or cannot be understood.
        """
        self._incoming.begin(deadline, 0)
        try:
            self._wire.send(request, deadline)
            head = self._final_head()
        except (SendError, *READING_TROUBLE) as error:
            raise OSError(f"the proxy {self.peer} does not answer as a proxy: {error}") from error
        if head.status != 200:
            raise OSError(f"the proxy {self.peer} refuses: {head.status} {head.reason}")
        if self._incoming.holds_more:
            raise OSError(f"the proxy {self.peer} sends data before the server could")
        return self._wire.release()

    def is_reusable(self) -> bool:
        """Whether the last answer was read to its end, nothing came with it, and both sides will go on.

        What arrives later, and whether the peer closes, is for `is_quiet` to notice before the next use.
        """
        return self._reusable and not self._wire.holds_more()

    def is_quiet(self) -> bool:
        """Whether the idle connection is still open: a peer that closed, or spoke unasked, is readable."""
        return self._wire.is_quiet()

    def close(self) -> None:
        """Close this process's end. No shutdown: after a fork the connection may be the parent's."""
        self._wire.close()


def _body(incoming: Incoming, head: Head, limit: int) -> bytes:
    if head.chunked:
        return b"".join(_chunks(incoming, limit))
    if head.length is None:
        return incoming.until_closed()
    if head.length > limit:
        raise too_large(limit)
    return incoming.exactly(head.length)


def _chunks(incoming: Incoming, limit: int) -> Iterator[bytes]:
    total = 0
    while size := _chunk_size(incoming.line()):
        total += size
        if total > limit:
            raise too_large(limit)
        yield incoming.exactly(size)
        if incoming.line():
            raise UnusableAnswer("the answer has a chunk that is longer than it says")
    trailers = 0
    while line := incoming.line():
        check_trailer(line)
        trailers += 1
        if trailers > MOST_FIELDS:
            raise UnusableAnswer(f"the answer has more than {MOST_FIELDS} trailers")


def _chunk_size(line: bytes) -> int:
    matched = _CHUNK_SIZE.fullmatch(line)
    if matched is None:
        raise UnusableAnswer(f"the answer has a chunk of no size: {line[:40]!r}")
    return int(matched[1], 16)


def _knows_its_end(head: Head, method: str) -> bool:
    """Whether the answer ends by what it says, and not by the end of the connection."""
    return head.chunked or head.length is not None or head.has_no_body(method)
