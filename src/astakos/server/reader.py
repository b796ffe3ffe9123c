"""Requests, read from the bytes of a connection by whoever brings them; no input or output here."""

from typing import Final

from astakos.server.heads import Head, HeadParser, Violation, refuse_beginning
from astakos.server.limits import Limits

END_OF_HEAD: Final = b"\r\n\r\n"
LONGEST_CHUNK_LINE: Final = 256
"""The size of a chunk and its extensions; nobody needs extensions, and a long one is an attack."""
CHUNKS_AT_ONCE: Final = 64
"""After so many chunks others get a turn: a body of tiny chunks costs far more than its size."""


class BodyTooLargeError(Exception):
    """A body is larger than it may be."""


class RequestReader:
    """Finds heads and bodies in what is received.

    For each request: `read_head` until there is one; then `read_body` until it is true.

    Attributes:
        has_more: whether `read_body` stopped to give others a turn, though there is more to read.
    """

    def __init__(self, limits: Limits) -> None:
        """Begins with nothing received."""
        self._limits = limits
        self._parser = HeadParser(limits.head_fields)
        self._buffer = bytearray()
        self._searched = 0
        self._line_has_come = False
        self._left: int | None = 0
        self._chunk_left = 0
        self._in_trailer = False
        self._trailer_bytes = 0
        self._most = 0
        self._received = 0
        self.has_more = False

    def receive(self, data: bytes) -> None:
        """Adds what has come."""
        self._buffer += data

    @property
    def buffered(self) -> int:
        """How many bytes have come that are not read yet."""
        return len(self._buffer)

    @property
    def body_is_complete(self) -> bool:
        """Whether all of the present request has been read."""
        return self._parser.is_complete

    @property
    def body_bytes(self) -> int:
        """How many bytes of the present body were read."""
        return self._received

    def read_head(self) -> Head | None:
        """The next head; None if not all of it is there yet.

        Raises:
            Violation: it is not acceptable, or too large.
        """
        buffer = self._buffer
        while buffer.startswith(b"\r\n"):
            # Empty lines before a request are ignored (RFC 9112 §2.2); some clients send one after a body.
            del buffer[:2]
            self._searched = 0
        end = buffer.find(END_OF_HEAD, max(0, self._searched - 3))
        if end < 0:
            if not self._line_has_come:
                refuse_beginning(buffer)
                self._line_has_come = b"\n" in buffer
            self._searched = len(buffer)
            if self._searched > self._limits.head_bytes:
                raise self._too_large()
            return None
        end += len(END_OF_HEAD)
        if end > self._limits.head_bytes:
            # Whether it comes in one piece or in several must make no difference.
            refuse_beginning(buffer)
            raise self._too_large()
        data = bytes(buffer[:end])
        del buffer[:end]
        self._searched = 0
        self._line_has_come = False
        head = self._parser.parse_head(data)
        self._left = head.content_length
        self._chunk_left = 0
        self._in_trailer = False
        self._trailer_bytes = 0
        self._received = 0
        return head

    def _too_large(self) -> Violation:
        return Violation(
            f"The head of a request may have at most {self._limits.head_bytes} bytes; "
            "send fewer headers, or a shorter URL.",
            431,
        )

    def read_body(self, most: int) -> bool:
        """Reads what there is of the body; true if that was the last of it.

        Called again without new bytes, it goes on where others were given a turn.

        Args:
            most: how many bytes the body may have.

        Raises:
            Violation: it is not framed as a body must be.
            BodyTooLargeError: it is too large.
        """
        self._most = most
        self.has_more = False
        if self._parser.is_complete:
            return True
        if self._left is None:
            self._read_chunks()
        else:
            self._read_announced(self._left)
        return self._parser.is_complete

    def take_body(self) -> bytes:
        """The body that was read, which the reader forgets."""
        parts, self._parser.body = self._parser.body, []
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def drop_body(self) -> None:
        """Forgets what was read of the body."""
        self._parser.body.clear()

    def drop_all(self) -> None:
        """Forgets everything that has come; nothing more is read of this connection."""
        self._parser.body.clear()
        self._buffer.clear()

    def _read_announced(self, left: int) -> None:
        if self._received + left > self._most:
            raise BodyTooLargeError
        part = self._cut(left)
        self._left = left - len(part)
        self._received += len(part)
        if part:
            self._parser.feed_body(part)

    def _read_chunks(self) -> None:
        """Feeds llhttp no byte beyond the end of the body: it would read that as the next request."""
        for _ in range(CHUNKS_AT_ONCE):
            if self._parser.is_complete:
                return
            if self._chunk_left:
                part = self._cut(self._chunk_left)
                if not part:
                    return
                self._chunk_left -= len(part)
                self._parser.feed_body(part)
            elif not self._read_line():
                return
        self.has_more = True

    def _read_line(self) -> bool:
        """Reads the line before a chunk, or one of the trailer; false if not all of it is there."""
        end = self._buffer.find(b"\r\n", 0, self._limits.head_bytes)
        longest = self._limits.head_bytes if self._in_trailer else LONGEST_CHUNK_LINE
        if end > longest or (end < 0 and len(self._buffer) > longest):
            raise Violation("A line between the chunks of the body is too long.")
        if end < 0:
            return False
        line = self._cut(end + 2)
        self._parser.feed_body(line)
        if self._in_trailer:
            self._trailer_bytes += len(line)
            if self._trailer_bytes > self._limits.head_bytes:
                raise self._too_large()
            return True
        # llhttp has seen that it is hexadecimal.
        size = int(line.partition(b";")[0], 16)
        self._received += size
        if self._received > self._most:
            raise BodyTooLargeError
        if size:
            self._chunk_left = size + len(b"\r\n")
        else:
            self._in_trailer = True
        return True

    def _cut(self, count: int) -> bytes:
        part = bytes(self._buffer[:count])
        del self._buffer[:count]
        return part
