"""Answers as bytes: one write each, with what never changes made once."""

import re
import time
from collections.abc import Callable, Iterable, Mapping
from email.utils import formatdate
from http import HTTPStatus
from typing import Final, NamedTuple

from astakos.http.browser_protection import OF_ALL, missing_headers
from astakos.http.request import Answer, Request
from astakos.http.routes import announced_field
from astakos.http.status_phrases import phrase_of

STATUS_LINES: Final[Mapping[int, bytes]] = {
    status.value: f"HTTP/1.1 {status.value} {phrase_of(status)}\r\n".encode("ascii") for status in HTTPStatus
}
WITHOUT_CONTENT: Final = frozenset({204, 304})
"""An answer of these has no body, and 204 must not announce one (RFC 9110 §8.6)."""
NOT_IN_A_FIELD: Final = re.compile(r"[^\t\x20-\x7e\x80-\xff]")
CLOSE: Final = b"connection: close\r\n"


def _field(name: str, value: str) -> bytes:
    if NOT_IN_A_FIELD.search(value):
        raise ValueError(f"the header {name} has a character that no header can have")
    return f"{name.lower()}: {value}\r\n".encode("latin-1")


PROTECTION: Final = b"".join(_field(*each) for each in OF_ALL.items())


class LastBytes(NamedTuple):
    """Bytes that are written as they are, before the connection is closed at once: for tests of clients."""

    data: bytes


class AnswerWriter:
    """Makes the bytes of answers."""

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        """Takes the time for the headers from a clock."""
        self._now = now
        self._second = 0
        self._fixed = self._fixed_if_kept = b""

    def bytes_of(self, request: Request, answer: Answer, *, is_last: bool) -> bytes:
        """The answer to a request.

        Args:
            request: what it answers; to HEAD, the body is left out and its length is told.
            answer: the answer.
            is_last: whether the connection ends with it.

        Raises:
            ValueError: a header has a character that no header can have.
        """
        media_type = answer.media_type or request.media_type
        fields = [announced_field(request.path), *_fields(answer, media_type)]
        with_body = request.method != "HEAD"
        return self._whole(answer, media_type, request.id, fields, is_last=is_last, with_body=with_body)

    def refusal(self, answer: Answer, request_id: str) -> bytes:
        """The answer to what is not an acceptable request; the connection ends with it."""
        media_type = answer.media_type or ""
        return self._whole(
            answer, media_type, request_id, _fields(answer, media_type), is_last=True, with_body=True
        )

    def _whole(
        self,
        answer: Answer,
        media_type: str,
        request_id: str,
        fields: Iterable[bytes],
        *,
        is_last: bool,
        with_body: bool,
    ) -> bytes:
        has_content = answer.status not in WITHOUT_CONTENT
        return b"".join(
            (
                STATUS_LINES[answer.status],
                self._fixed_fields(is_kept="Cache-Control" in answer.headers),
                f"content-type: {media_type}\r\nx-request-id: {request_id}\r\n".encode("latin-1"),
                b"content-length: %d\r\n" % len(answer.body) if has_content else b"",
                *fields,
                CLOSE if is_last else b"",
                b"\r\n",
                answer.body if with_body and has_content else b"",
            )
        )

    def _fixed_fields(self, *, is_kept: bool) -> bytes:
        """The fields that every answer has and that change once a second; fewer if it may be kept."""
        second = int(self._now())
        if second != self._second or not self._fixed:
            self._second = second
            date = formatdate(second, usegmt=True)
            self._fixed_if_kept = f"date: {date}\r\n".encode("ascii") + PROTECTION
            self._fixed = (
                f"date: {date}\r\nexpires: {date}\r\nlast-modified: {date}\r\n"
                "cache-control: no-cache, no-store, must-revalidate, max-age=0\r\n"
                "vary: X-Auth-Token, Authorization\r\n"
            ).encode("ascii") + PROTECTION
        return self._fixed_if_kept if is_kept else self._fixed


def _fields(answer: Answer, media_type: str) -> Iterable[bytes]:
    """The answer's own fields, and those that its type needs."""
    for name, value in missing_headers(media_type, answer.headers).items():
        yield _field(name, value)
    if answer.headers or answer.cookies:
        yield from (_field(name, value) for name, value in answer.headers.items())
        yield from (_field("set-cookie", cookie) for cookie in answer.cookies)
