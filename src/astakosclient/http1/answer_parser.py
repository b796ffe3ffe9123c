"""An answer, read from bytes as they come in, by whoever brings them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from astakosclient.core.exchange import Answer
from astakosclient.http1.decoding import UnusableAnswer, decoded, too_large
from astakosclient.http1.heads import LONGEST_HEAD, LONGEST_LINE, MOST_FIELDS, check_trailer, parse_head

if TYPE_CHECKING:
    from collections.abc import Generator

    from astakosclient.http1.heads import Head

CONTINUE = 100
ROOM_AROUND = 64 * 1024
"""How many bytes may surround a body: heads, the marks of chunks, trailers."""

_BEGINNING = b"HTTP/1."
_END_OF_LINE = b"\r\n"
_END_OF_HEAD = b"\r\n\r\n"
_OUT_OF_LINE = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|\0")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")


class AnswerReader:
    """Reads one answer after another; knows nothing of sockets, and so waits for nothing.

    Attributes:
        received: how many bytes have come since the current exchange began.
        reusable: whether the last answer was read to its end, nothing came after it, and the server will
            take a further request.

    Example:
        >>> reader = AnswerReader()
        >>> reader.begin("GET", 1000)
        >>> reader.feed(b"HTTP/1.1 200 OK\\r\\nContent-Le")
        >>> reader.feed(b"ngth: 2\\r\\n\\r\\n{}").body
        b'{}'
    """

    __slots__ = ("_buffer", "_limit", "_method", "_reading", "received", "reusable")

    def __init__(self) -> None:
        """Expect nothing yet; see `begin`."""
        self._buffer = bytearray()
        self._limit = 0
        self._method = ""
        self._reading: Generator[None, bool, Answer] | None = None
        self.received = 0
        self.reusable = False

    def begin(self, method: str, limit: int) -> None:
        """Expect the answer to a request with that method, and a body of at most so many bytes.

        Of an answer to ``CONNECT`` only the head is read.
        """
        assert not self._buffer, "what is left over would be taken for this answer"  # noqa: S101 - see `reusable`
        self._method = method
        self._limit = limit
        self._reading = None
        self.received = 0
        self.reusable = False

    def feed(self, data: bytes) -> Answer | None:
        """Take what has come in; no bytes are the end of the stream.

        Returns:
            The answer once it is complete, decompressed.

        Raises:
            UnusableAnswer: it breaks the rules of HTTP, or ours on its size, or is cut short.
            ConnectionResetError: the stream has ended without a single byte of an answer.
        """
        self.received += len(data)
        if self._reading is None:
            answer = self._in_one_piece(data)
            if answer is not None:
                return answer
            self._reading = self._read()
            next(self._reading)
        if self.received > self._limit + ROOM_AROUND:
            raise too_large(self._limit)
        self._buffer += data
        try:
            self._reading.send(bool(data))
        except StopIteration as end:
            complete: Answer = end.value
            return complete
        return None

    @property
    def holds_more(self) -> bool:
        """Whether something has come that belongs to no answer."""
        return bool(self._buffer)

    def _in_one_piece(self, data: bytes) -> Answer | None:
        """The answer, if it is whole and of the usual form: then nothing needs to be copied together."""
        end = data.find(_END_OF_HEAD)
        if end < 0 or end > LONGEST_HEAD:
            return None
        head = parse_head(data[:end])
        start = end + len(_END_OF_HEAD)
        length = len(data) - start
        if head.length != length or length > self._limit or head.status < 200:
            return None
        if head.has_no_body(self._method) or self._method == "CONNECT":
            return None
        return self._complete(head, data[start:])

    def _complete(self, head: Head, body: bytes) -> Answer:
        encoding = head.headers.get("content-encoding")
        if encoding is not None:
            body = decoded(body, encoding, self._limit)
        knows_its_end = head.chunked or head.length is not None or head.has_no_body(self._method)
        # What comes with an answer and does not belong to it would be taken for the next one.
        self.reusable = head.lasting and knows_its_end and not self._buffer
        return Answer(head.status, head.reason, head.headers, body)

    def _read(self) -> Generator[None, bool, Answer]:
        """All of the answer. It yields when it needs more; sent in is whether more can come."""
        while (head := parse_head((yield from self._head()))).status == CONTINUE:
            pass
        if head.status < 200:
            raise UnusableAnswer(f"unexpected interim answer {head.status}")
        if head.has_no_body(self._method) or self._method == "CONNECT":
            body = b""
        elif head.chunked:
            body = yield from self._chunks()
        elif head.length is None:
            body = yield from self._until_closed()
        elif head.length > self._limit:
            raise too_large(self._limit)
        else:
            body = yield from self._exactly(head.length)
        return self._complete(head, body)

    def _head(self) -> Generator[None, bool, bytes]:
        """The head of an answer, without the empty line at its end.

        What cannot become one is refused as soon as that can be seen: a peer that speaks something else may
        never send an empty line.
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
            if not (yield):
                if not self.received:
                    raise ConnectionResetError("the peer closed the connection without an answer")
                raise UnusableAnswer("the answer is cut short within its head")
        if end < 0 or end > LONGEST_HEAD:
            raise UnusableAnswer(f"the head of the answer is longer than {LONGEST_HEAD} bytes")
        return self._take(end, len(_END_OF_HEAD))

    def _chunks(self) -> Generator[None, bool, bytes]:
        body = bytearray()
        while size := _chunk_size((yield from self._line())):
            if len(body) + size > self._limit:
                raise too_large(self._limit)
            body += yield from self._exactly(size)
            if (yield from self._line()):
                raise UnusableAnswer("the answer has a chunk that is longer than it says")
        trailers = 0
        while line := (yield from self._line()):
            check_trailer(line)
            trailers += 1
            if trailers > MOST_FIELDS:
                raise UnusableAnswer(f"the answer has more than {MOST_FIELDS} trailers")
        return bytes(body)

    def _line(self) -> Generator[None, bool, bytes]:
        seen = 0
        while (end := self._buffer.find(_END_OF_LINE, max(0, seen - 1))) < 0:
            seen = len(self._buffer)
            if seen > LONGEST_LINE:
                break
            if not (yield):
                raise UnusableAnswer("the answer is cut short between its chunks")
        if end < 0 or end > LONGEST_LINE:
            raise UnusableAnswer(f"the answer has a line of more than {LONGEST_LINE} bytes")
        return self._take(end, len(_END_OF_LINE))

    def _exactly(self, count: int) -> Generator[None, bool, bytes]:
        while len(self._buffer) < count:
            if not (yield):
                missing = count - len(self._buffer)
                raise UnusableAnswer(f"the answer is cut short: {missing} bytes are missing")
        return self._take(count)

    def _until_closed(self) -> Generator[None, bool, bytes]:
        while len(self._buffer) <= self._limit and (yield):
            pass
        if len(self._buffer) > self._limit:
            raise too_large(self._limit)
        return self._take(len(self._buffer))

    def _take(self, count: int, also: int = 0) -> bytes:
        """Take so many bytes out of the buffer, and as many more after them that nobody needs."""
        taken = bytes(self._buffer[:count])
        del self._buffer[: count + also]
        return taken


def _chunk_size(line: bytes) -> int:
    matched = _CHUNK_SIZE.fullmatch(line)
    if matched is None:
        raise UnusableAnswer(f"the answer has a chunk of no size: {line[:40]!r}")
    return int(matched[1], 16)
