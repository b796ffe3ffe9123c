"""Collects response bodies, decompressed as they arrive, within bounds on memory and on work at a time."""

from __future__ import annotations

import zlib
from typing import Protocol

MOST_MEMBERS = 100
"""Maximum number of gzip members in one body; each costs a decompressor, however empty it is."""

LARGEST_INPUT_OF_STEP = 16 * 1024
LARGEST_OUTPUT_OF_STEP = 256 * 1024
"""Bounds of one step of decompression, so that even a hostile one takes only a few milliseconds: 64 KB can
decompress to 64 MB, and 64 MB that decompress to nothing can take 14 s."""

_GZIP = 16 + zlib.MAX_WBITS


class UnusableAnswer(Exception):  # noqa: N818 - says what it is
    """The response is not valid HTTP, is truncated, or exceeds a limit."""


def too_large(limit: int) -> UnusableAnswer:
    """Returns the exception for a response that exceeds the size limit."""
    return UnusableAnswer(f"the response is larger than {limit} bytes")


class Body(Protocol):
    """Collects one response body, in bounded steps.

    While `is_behind`, call `go_on` before `add` or `complete`. Between two steps the caller can look at its
    deadline, and an event loop can serve others.
    """

    @property
    def is_behind(self) -> bool:  # pyright: ignore[reportReturnType]
        """Whether data that was added waits to be decompressed."""

    def add(self, data: bytes) -> None:
        """Adds received data.

        Raises:
            UnusableAnswer: the data is corrupt, or the body is larger than the limit, before or after
                decompression.
        """

    def go_on(self) -> None:
        """Decompresses some of the waiting data; raises as `add` does."""

    def complete(self) -> bytes:  # pyright: ignore[reportReturnType]
        """Returns the decompressed body, once all data was added.

        Raises:
            UnusableAnswer: the compressed data is truncated.
        """


def body_of(encoding: str, limit: int) -> Body:
    """Returns an empty body.

    Args:
        encoding: the value of ``Content-Encoding``; may be empty.
        limit: maximum size of the body, in bytes, before and after decompression.

    Raises:
        UnusableAnswer: the encoding is not gzip.
    """
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return _PlainBody(limit)
    if encoding in {"gzip", "x-gzip"}:
        return _GzipBody(limit)
    raise UnusableAnswer(f"the response has an unsupported content encoding: {encoding[:20]!r}")


class _PlainBody:
    """A body without a content encoding."""

    __slots__ = ("_body", "_limit")

    is_behind = False

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._body = bytearray()

    def add(self, data: bytes) -> None:
        self._body += data
        if len(self._body) > self._limit:
            raise too_large(self._limit)

    def go_on(self) -> None:
        """Has nothing to do: the body is never behind."""

    def complete(self) -> bytes:
        return bytes(self._body)


class _GzipBody:
    """A gzip body of one or more members (RFC 1952, section 2.2)."""

    __slots__ = ("_limit", "_member", "_members", "_received", "_unpacked", "_waiting")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._received = 0
        self._waiting = memoryview(b"")
        self._members = 0
        self._member: zlib._Decompress | None = None
        self._unpacked = bytearray()

    @property
    def is_behind(self) -> bool:
        return bool(self._waiting)

    def add(self, data: bytes) -> None:
        self._received += len(data)
        if self._received > self._limit:
            raise too_large(self._limit)
        self._waiting = memoryview(data)
        if data:
            self.go_on()

    def go_on(self) -> None:
        member = self._member or self._next_member()
        step = self._waiting[:LARGEST_INPUT_OF_STEP]
        # One byte over the limit shows that the body exceeds it.
        room = self._limit - len(self._unpacked) + 1
        try:
            self._unpacked += member.decompress(step, min(room, LARGEST_OUTPUT_OF_STEP))
        except zlib.error as error:
            raise UnusableAnswer(f"the response is not valid gzip: {error}") from error
        if len(self._unpacked) > self._limit:
            raise too_large(self._limit)
        unused = len(member.unused_data) if member.eof else len(member.unconsumed_tail)
        self._waiting = self._waiting[len(step) - unused :]
        if member.eof:
            self._member = None

    def complete(self) -> bytes:
        if self._member is not None:
            raise UnusableAnswer("the response is truncated in its gzip data")
        return bytes(self._unpacked)

    def _next_member(self) -> zlib._Decompress:
        self._members += 1
        if self._members > MOST_MEMBERS:
            raise UnusableAnswer(f"the response has more than {MOST_MEMBERS} gzip members")
        self._member = zlib.decompressobj(_GZIP)
        return self._member
