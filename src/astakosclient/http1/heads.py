"""Strict parsing of response heads: status, headers and body length."""

from __future__ import annotations

import re
from typing import NamedTuple

from astakosclient.http1.decoding import UnusableAnswer

LONGEST_HEAD = 64 * 1024
LONGEST_LINE = 16 * 1024
MOST_FIELDS = 100
LONGEST_NUMBER = 15
"""Maximum digits of a length: enough for any size limit, few enough to convert quickly."""

_TEXT = r"[\t\x20-\x7e\x80-\xff]*+"
_STATUS_LINE = re.compile(rf"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: ({_TEXT}))?")
# Rejects folded lines, a space before the colon, bare CR or LF, and NUL: parsers disagree on all of these.
_FIELD = re.compile(rf"[!#$%&'*+\-.^_`|~0-9A-Za-z]++:{_TEXT}")
_FIELDS = re.compile(rf"(?:\r\n{_FIELD.pattern})*+")


class Head(NamedTuple):
    """A parsed response head.

    Attributes:
        status: the status code.
        reason: the reason phrase; may be empty.
        headers: values by lowercase name; repeated headers are joined with commas.
        length: the Content-Length, or None if the head has none.
        chunked: whether the body uses chunked transfer encoding.
        lasting: whether the server keeps the connection open (keep-alive).
    """

    status: int
    reason: str
    headers: dict[str, str]
    length: int | None
    chunked: bool
    lasting: bool

    def has_no_body(self, method: str) -> bool:
        """Returns whether the response ends with its head, regardless of a Content-Length."""
        return method == "HEAD" or self.status in {204, 304}


def parse_head(data: bytes) -> Head:
    """Parses a head, passed without the empty line that ends it.

    Deliberately strict: leniency on which parsers differ enables response smuggling.

    Raises:
        UnusableAnswer: the head is not valid HTTP/1.0 or HTTP/1.1, exceeds a limit, or is ambiguous about
            where the body ends.
    """
    text = data.decode("latin-1")
    status_line, *lines = text.split("\r\n")
    matched = _STATUS_LINE.fullmatch(status_line)
    if matched is None:
        raise UnusableAnswer(f"the response is not HTTP: it begins with {status_line[:40]!r}")
    minor, status, reason = matched.groups("")
    if not _FIELDS.fullmatch(text, len(status_line)):
        raise UnusableAnswer(_complaint(lines))
    if len(lines) > MOST_FIELDS:
        raise UnusableAnswer(f"the response has more than {MOST_FIELDS} headers")
    if len(text) > LONGEST_LINE and any(len(line) > LONGEST_LINE for line in (status_line, *lines)):
        raise UnusableAnswer(f"the response head has a line of more than {LONGEST_LINE} bytes")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name = name.lower()
        value = value.strip(" \t")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    connection = headers.get("connection", "").lower()
    return Head(
        int(status),
        reason.strip(" \t"),
        headers,
        _length(headers),
        _is_chunked(headers, minor),
        "close" not in connection if minor == "1" else "keep-alive" in connection,
    )


def check_trailer(line: bytes) -> None:
    """Checks the syntax of a trailer, a header after the last chunk; its value is ignored.

    Raises:
        UnusableAnswer: the trailer is malformed.
    """
    text = line.decode("latin-1")
    if not _FIELD.fullmatch(text):
        raise UnusableAnswer(_complaint([text]))


def _complaint(lines: list[str]) -> str:
    """Describes the first malformed header without its value, which may be a secret."""
    line = next(line for line in lines if not _FIELD.fullmatch(line))
    if line[:1] in {" ", "\t"}:
        return "the response has a folded header"
    name, colon, _ = line.partition(":")
    return (
        f"the response has a malformed header, {name[:40]!r}"
        if colon
        else "the response has a header without a colon"
    )


def _length(headers: dict[str, str]) -> int | None:
    text = headers.get("content-length")
    if text is None:
        return None
    # RFC 9112, section 6.3: a repeated identical length is valid.
    text, *others = set(text.split(", "))
    if others or len(text) > LONGEST_NUMBER or not (text.isascii() and text.isdecimal()):
        raise UnusableAnswer(f"the response has an invalid Content-Length: {text[:40]!r}")
    return int(text)


def _is_chunked(headers: dict[str, str], minor: str) -> bool:
    coding = headers.get("transfer-encoding")
    if coding is None:
        return False
    if coding.lower() != "chunked":
        raise UnusableAnswer(f"the response has a Transfer-Encoding other than chunked: {coding[:40]!r}")
    if "content-length" in headers or minor == "0":
        raise UnusableAnswer("the response has a Transfer-Encoding with Content-Length or in HTTP/1.0")
    return True
