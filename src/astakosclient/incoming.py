"""What comes in on a connection, until a deadline and up to a number of bytes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from astakosclient.decoding import UnusableAnswer, too_large
from astakosclient.heads import LONGEST_HEAD, LONGEST_LINE

if TYPE_CHECKING:
    from astakosclient.wire import Wire

USUAL_BLOCK = 16 * 1024
LARGE_BLOCK = 256 * 1024
ROOM_AROUND = 64 * 1024
"""How many bytes may surround a body: heads, the marks of chunks, trailers."""

_BEGINNING = b"HTTP/1."
_END_OF_LINE = b"\r\n"
_END_OF_HEAD = b"\r\n\r\n"
_OUT_OF_LINE = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|\0")


class Incoming:
    """The incoming side of a connection, one answer after another.

    Attributes:
        received: how many bytes have come since the current exchange began.
    """

    __slots__ = ("_buffer", "_deadline", "_limit", "_wire", "received")

    def __init__(self, wire: Wire) -> None:
        """Read from a wire."""
        self._wire = wire
        self._buffer = bytearray()
        self._deadline = 0.0
        self._limit = 0
        self.received = 0

    def begin(self, deadline: float, limit: int) -> None:
        """Expect one answer, with a body of at most so many bytes."""
        self._deadline = deadline
        self._limit = limit
        self.received = 0

    @property
    def holds_more(self) -> bool:
        """Whether something has come that nobody has taken."""
        return bool(self._buffer)

    def head(self) -> bytes:
        """The head of an answer, without the empty line at its end.

        Raises:
            UnusableAnswer: it is too long, cut short, or cannot be a head; that is said as soon as it is
                seen, because a peer that speaks something else may never send an empty line.
        """
        buffer = self._buffer
        seen = 0
        while (end := buffer.find(_END_OF_HEAD, max(0, seen - 3))) < 0:
            if not buffer.startswith(_BEGINNING[: len(buffer)]):
                raise UnusableAnswer(f"the answer is not HTTP: it begins with {bytes(buffer[:40])!r}")
            if _OUT_OF_LINE.search(buffer, max(0, seen - 1)):
                raise UnusableAnswer("the answer has a bare CR, a bare LF or a NUL in its head")
            if len(buffer) > LONGEST_HEAD:
                break
            seen = len(buffer)
            if not self._more(USUAL_BLOCK):
                if not self.received:
                    raise ConnectionResetError("the peer closed the connection without an answer")
                raise UnusableAnswer("the answer is cut short within its head")
        if end < 0 or end > LONGEST_HEAD:
            raise UnusableAnswer(f"the head of the answer is longer than {LONGEST_HEAD} bytes")
        return self._take(end, len(_END_OF_HEAD))

    def line(self) -> bytes:
        """The next line, without its end.

        Raises:
            UnusableAnswer: it is too long, or cut short.
        """
        seen = 0
        while (end := self._buffer.find(_END_OF_LINE, max(0, seen - 1))) < 0:
            seen = len(self._buffer)
            if seen > LONGEST_LINE:
                break
            if not self._more(USUAL_BLOCK):
                raise UnusableAnswer("the answer is cut short between its chunks")
        if end < 0 or end > LONGEST_LINE:
            raise UnusableAnswer(f"the answer has a line of more than {LONGEST_LINE} bytes")
        return self._take(end, len(_END_OF_LINE))

    def exactly(self, count: int) -> bytes:
        """The next so many bytes.

        Raises:
            UnusableAnswer: the peer closed before.
        """
        buffer = self._buffer
        if len(buffer) < count:
            self._fill(count)
        return self._take(count)

    def until_closed(self) -> bytes:
        """All that comes until the peer closes.

        Raises:
            UnusableAnswer: it is more than the limit.
        """
        while len(self._buffer) <= self._limit and self._more(LARGE_BLOCK):
            pass
        if len(self._buffer) > self._limit:
            raise too_large(self._limit)
        return self._take(len(self._buffer))

    def _fill(self, count: int) -> None:
        while (missing := count - len(self._buffer)) > 0:
            # Never more than what belongs to this answer is asked for, once that is known.
            if not self._more(min(missing, LARGE_BLOCK)):
                raise UnusableAnswer(f"the answer is cut short: {missing} bytes are missing")

    def _more(self, most: int) -> bool:
        """Take what comes next, if anything does."""
        block = self._wire.receive(most, self._deadline)
        self.received += len(block)
        if self.received > self._limit + ROOM_AROUND:
            raise too_large(self._limit)
        self._buffer += block
        return bool(block)

    def _take(self, count: int, also: int = 0) -> bytes:
        """Take so many bytes out of the buffer, and as many more after them that nobody needs."""
        taken = bytes(self._buffer[:count])
        del self._buffer[: count + also]
        return taken
