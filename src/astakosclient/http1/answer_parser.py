"""An incremental HTTP/1.1 response parser, without I/O."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from astakosclient.core.exchange import Answer
from astakosclient.http1.decoding import UnusableAnswer, body_of, too_large
from astakosclient.http1.heads import LONGEST_HEAD, LONGEST_LINE, MOST_FIELDS, check_trailer, parse_head
from astakosclient.http1.schemes import SPEAKS_HTTPS, TLS_ALERT

if TYPE_CHECKING:
    from collections.abc import Generator

    from astakosclient.http1.decoding import Body
    from astakosclient.http1.heads import Head

SWITCHING_PROTOCOLS = 101
MOST_INTERIM_ANSWERS = 20
"""Maximum number of interim responses (1xx) before a response; servers send one or two."""

ROOM_AROUND = 64 * 1024
"""Bytes allowed in addition to the body limit: heads, chunk headers and trailers."""

CHUNKS_OF_STEP = 500
"""Chunks that are parsed at a time: 64 KB can be 10,000 of them, which take 20 ms."""

_BEGINNING = b"HTTP/1."
_END_OF_LINE = b"\r\n"
_END_OF_HEAD = b"\r\n\r\n"
_OUT_OF_LINE = re.compile(rb"(?<!\r)\n|\r(?!\n|\Z)|\0")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:[ \t]*;[\t\x20-\x7e\x80-\xff]*)?")


class AnswerReader:
    """Parses one response after another from bytes that the caller feeds in.

    Decompressing, and parsing chunks, is work that the server decides on. The parser therefore does it in
    bounded steps: while `is_behind`, call `go_on` instead of `feed`.

    Attributes:
        is_behind: whether data that was fed waits to be parsed or decompressed.
        received: bytes received since `begin`.
        reusable: whether the connection can carry another request: the last response is complete, no data
            follows it, and the server keeps the connection open.

    Example:
        >>> reader = AnswerReader()
        >>> reader.begin("GET", 1000)
        >>> reader.feed(b"HTTP/1.1 200 OK\\r\\nContent-Le")
        >>> reader.feed(b"ngth: 2\\r\\n\\r\\n{}").body
        b'{}'
    """

    __slots__ = ("_buffer", "_limit", "_method", "_reading", "is_behind", "received", "reusable")

    def __init__(self) -> None:
        """Creates an idle parser; call `begin` before feeding it."""
        self._buffer = bytearray()
        self._limit = 0
        self._method = ""
        self._reading: Generator[None, bool, Answer] | None = None
        self.is_behind = False
        self.received = 0
        self.reusable = False

    def begin(self, method: str, limit: int) -> None:
        """Prepares for the response to a request. For ``CONNECT``, parses only the head.

        Args:
            method: the method of the request.
            limit: maximum size of the body, in bytes, before and after decompression.
        """
        assert not self._buffer, "leftover data would be parsed as this response"  # noqa: S101 - see `reusable`
        self._method = method
        self._limit = limit
        self._reading = None
        self.is_behind = False
        self.received = 0
        self.reusable = False

    def feed(self, data: bytes) -> Answer | None:
        """Parses received bytes; empty bytes mean the end of the stream.

        Returns:
            The decompressed response once it is complete, otherwise None.

        Raises:
            UnusableAnswer: the response is not valid HTTP, exceeds a limit, or is truncated.
            ConnectionResetError: the stream ended before the first byte of a response.
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
        return self._resume(more=bool(data))

    def go_on(self) -> Answer | None:
        """Works on some of the data that was fed; returns and raises as `feed` does."""
        return self._resume(more=True)

    def _resume(self, *, more: bool) -> Answer | None:
        assert self._reading is not None  # noqa: S101 - `feed` was called before
        try:
            self._reading.send(more)
        except StopIteration as end:
            complete: Answer = end.value
            return complete
        return None

    @property
    def holds_more(self) -> bool:
        """Whether data is buffered that does not belong to a response."""
        return bool(self._buffer)

    def _in_one_piece(self, data: bytes) -> Answer | None:
        """Parses an uncompressed response that arrived in one piece with a Content-Length."""
        end = data.find(_END_OF_HEAD)
        if end < 0 or end > LONGEST_HEAD:
            return None
        head = parse_head(data[:end])
        start = end + len(_END_OF_HEAD)
        length = len(data) - start
        if head.length != length or length > self._limit or head.status < 200:
            return None
        if head.has_no_body(self._method) or self._method == "CONNECT" or "content-encoding" in head.headers:
            return None
        return self._complete(head, data[start:])

    def _complete(self, head: Head, body: bytes) -> Answer:
        knows_its_end = head.chunked or head.length is not None or head.has_no_body(self._method)
        # With leftover data, the next exchange would parse it as its response.
        self.reusable = head.lasting and knows_its_end and not self._buffer
        return Answer(head.status, head.reason, head.headers, body)

    def _read(self) -> Generator[None, bool, Answer]:
        """Parses a response from the buffer; yields for more data, and receives False at the stream's end."""
        interim = 0
        # RFC 9110, section 15.2: a client skips interim responses, known or not.
        while (head := parse_head((yield from self._head()))).status < 200:
            interim += 1
            if head.status == SWITCHING_PROTOCOLS:
                raise UnusableAnswer("the server switched to another protocol unasked")
            if interim > MOST_INTERIM_ANSWERS:
                raise UnusableAnswer(f"the response has more than {MOST_INTERIM_ANSWERS} interim responses")
        if head.has_no_body(self._method) or self._method == "CONNECT":
            return self._complete(head, b"")
        body = body_of(head.headers.get("content-encoding", ""), self._limit)
        if head.chunked:
            yield from self._chunks(body)
        elif head.length is None:
            yield from self._until_closed(body)
        elif head.length > self._limit:
            raise too_large(self._limit)
        else:
            yield from self._exactly(head.length, body)
        return self._complete(head, body.complete())

    def _head(self) -> Generator[None, bool, bytes]:
        """Returns the head of a response, without the empty line at its end.

        Rejects data that cannot be a head as early as possible: a peer that does not speak HTTP may never
        send an empty line.
        """
        buffer = self._buffer
        seen = 0
        while (end := buffer.find(_END_OF_HEAD, max(0, seen - 3))) < 0:
            if buffer.startswith(TLS_ALERT):
                raise UnusableAnswer(SPEAKS_HTTPS)
            if not buffer.startswith(_BEGINNING[: len(buffer)]):
                raise UnusableAnswer(f"the response is not HTTP: it begins with {bytes(buffer[:40])!r}")
            if _OUT_OF_LINE.search(buffer, max(0, seen - 1)):
                raise UnusableAnswer("the response head contains a bare CR, a bare LF or a NUL")
            if len(buffer) > LONGEST_HEAD:
                break
            seen = len(buffer)
            if not (yield):
                if not self.received:
                    raise ConnectionResetError("the peer closed the connection without a response")
                raise UnusableAnswer("the response is truncated in its head")
        if end < 0 or end > LONGEST_HEAD:
            raise UnusableAnswer(f"the response head is longer than {LONGEST_HEAD} bytes")
        return self._take(end, len(_END_OF_HEAD))

    def _chunks(self, body: Body) -> Generator[None, bool, None]:
        size = count = 0
        while chunk := _chunk_size((yield from self._line())):
            count += 1
            if count % CHUNKS_OF_STEP == 0:
                yield from self._rest()
            size += chunk
            if size > self._limit:
                raise too_large(self._limit)
            yield from self._exactly(chunk, body)
            if (yield from self._line()):
                raise UnusableAnswer("the response has a chunk that is longer than its size says")
        trailers = 0
        while line := (yield from self._line()):
            check_trailer(line)
            trailers += 1
            if trailers > MOST_FIELDS:
                raise UnusableAnswer(f"the response has more than {MOST_FIELDS} trailers")

    def _line(self) -> Generator[None, bool, bytes]:
        seen = 0
        while (end := self._buffer.find(_END_OF_LINE, max(0, seen - 1))) < 0:
            seen = len(self._buffer)
            if seen > LONGEST_LINE:
                break
            if not (yield):
                raise UnusableAnswer("the response is truncated between its chunks")
        if end < 0 or end > LONGEST_LINE:
            raise UnusableAnswer(f"the response has a line of more than {LONGEST_LINE} bytes")
        return self._take(end, len(_END_OF_LINE))

    def _exactly(self, count: int, body: Body) -> Generator[None, bool, None]:
        """Moves ``count`` bytes from the buffer to the body as they arrive."""
        while count:
            if not self._buffer and not (yield):
                raise UnusableAnswer(f"the response is truncated: {count} bytes are missing")
            part = self._take(min(count, len(self._buffer)))
            count -= len(part)
            yield from self._add(part, body)

    def _until_closed(self, body: Body) -> Generator[None, bool, None]:
        """Moves everything from the buffer to the body until the stream ends."""
        more = True
        while more:
            yield from self._add(self._take(len(self._buffer)), body)
            more = yield

    def _add(self, data: bytes, body: Body) -> Generator[None, bool, None]:
        body.add(data)
        while body.is_behind:
            yield from self._rest()
            body.go_on()

    def _rest(self) -> Generator[None, bool, None]:
        """Ends a step, in the middle of what was fed."""
        self.is_behind = True
        yield
        self.is_behind = False

    def _take(self, count: int, also: int = 0) -> bytes:
        """Removes ``count`` bytes from the buffer and returns them; drops ``also`` bytes after them."""
        taken = bytes(self._buffer[:count])
        del self._buffer[: count + also]
        return taken


def _chunk_size(line: bytes) -> int:
    matched = _CHUNK_SIZE.fullmatch(line)
    if matched is None:
        raise UnusableAnswer(f"the response has an invalid chunk size: {line[:40]!r}")
    return int(matched[1], 16)
