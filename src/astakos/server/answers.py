"""Answers as bytes: one write each, with what never changes made once."""

import re
import time
from collections.abc import Callable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, NamedTuple

from astakos.http.request import Answer

STATUS_LINES: Final[Mapping[int, bytes]] = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode("ascii") for status in HTTPStatus
}
WITHOUT_LENGTH: Final = frozenset({204, 304})
"""An answer of these has no body, and 204 must not announce one (RFC 9110 §8.6)."""
NOT_IN_A_FIELD: Final = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
CLOSE: Final = b"connection: close\r\n"


class LastBytes(NamedTuple):
    """Bytes that are written as they are, before the connection is closed at once: for tests of clients."""

    data: bytes


class AnswerWriter:
    """Makes the bytes of answers.

    Example:
        >>> writer = AnswerWriter(now=lambda: 0.0)
        >>> writer.bytes_of(Answer(200, b"{}", "application/json"), b"7", is_last=False).splitlines()[0]
        b'HTTP/1.1 200 OK'
    """

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        """Take the time for the headers from a clock."""
        self._now = now
        self._second = 0
        self._fixed = b""

    def bytes_of(
        self, answer: Answer, request_id: bytes, *, is_last: bool, without_body: bool = False
    ) -> bytes:
        """A whole answer.

        Args:
            answer: whose media type is known.
            request_id: what the request is called.
            is_last: whether the connection ends with it.
            without_body: whether it answers HEAD: the length is told, the body is not sent.

        Raises:
            ValueError: a header has a character that no header can have.
        """
        body = answer.body
        parts = [
            STATUS_LINES[answer.status],
            self._fixed_fields(),
            b"content-type: ",
            (answer.media_type or "").encode("latin-1"),
            b"\r\nx-request-id: ",
            request_id,
            b"\r\n",
        ]
        if answer.status not in WITHOUT_LENGTH:
            parts.append(b"content-length: %d\r\n" % len(body))
        for name, value in answer.headers.items():
            parts.append(_field(name, value))
        for cookie in answer.cookies:
            parts.append(_field("set-cookie", cookie))
        if is_last:
            parts.append(CLOSE)
        parts.append(b"\r\n")
        if not without_body and answer.status not in WITHOUT_LENGTH:
            parts.append(body)
        return b"".join(parts)

    def _fixed_fields(self) -> bytes:
        """The fields that every answer has and that change once a second."""
        second = int(self._now())
        if second != self._second or not self._fixed:
            self._second = second
            date = formatdate(second, usegmt=True)
            self._fixed = (
                f"date: {date}\r\nexpires: {date}\r\nlast-modified: {date}\r\n"
                "cache-control: no-cache, no-store, must-revalidate, max-age=0\r\nvary: X-Auth-Token\r\n"
            ).encode("ascii")
        return self._fixed


def _field(name: str, value: str) -> bytes:
    if NOT_IN_A_FIELD.search(value):
        raise ValueError(f"the header {name} has a character that no header can have")
    return f"{name.lower()}: {value}\r\n".encode("latin-1")
