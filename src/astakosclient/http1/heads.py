"""The head of an answer, strictly read: status, headers, and where the body ends."""

from __future__ import annotations

import re
from typing import NamedTuple

from astakosclient.http1.decoding import UnusableAnswer

LONGEST_HEAD = 64 * 1024
LONGEST_LINE = 16 * 1024
MOST_FIELDS = 100
LONGEST_NUMBER = 15
"""How many digits a length may have: more than any limit of ours, less than what costs time to read."""

_TEXT = r"[\t\x20-\x7e\x80-\xff]*+"
_STATUS_LINE = re.compile(rf"HTTP/1\.([01]) ([1-9][0-9][0-9])(?: ({_TEXT}))?")
# No folded lines, no space before the colon, no bare CR or LF, no NUL: all of them have fooled somebody.
_FIELD = re.compile(rf"[!#$%&'*+\-.^_`|~0-9A-Za-z]++:{_TEXT}")
_FIELDS = re.compile(rf"(?:\r\n{_FIELD.pattern})*+")


class Head(NamedTuple):
    """What the head of an answer says.

    Attributes:
        status: the three digits.
        reason: what the server calls the status; often nothing.
        headers: by name in lower case; the values of one name that came several times are joined by commas.
        length: how many bytes the body has, if the head says so.
        chunked: whether the body comes in chunks.
        lasting: whether the server will take a further request on this connection.
    """

    status: int
    reason: str
    headers: dict[str, str]
    length: int | None
    chunked: bool
    lasting: bool

    def has_no_body(self, method: str) -> bool:
        """Whether the answer ends with its head, whatever that says about a length."""
        return method == "HEAD" or self.status in {204, 304}


def parse_head(data: bytes) -> Head:
    """Read a head, given without the empty line that ends it.

    Raises:
        UnusableAnswer: it is not HTTP/1.0 or 1.1 to the letter, or leaves in doubt where the body ends. What
            is tolerated by one and not by another is how answers are smuggled past.
    """
    text = data.decode("latin-1")
    status_line, *lines = text.split("\r\n")
    matched = _STATUS_LINE.fullmatch(status_line)
    if matched is None:
        raise UnusableAnswer(f"the answer is not HTTP: it begins with {status_line[:40]!r}")
    minor, status, reason = matched.groups("")
    if not _FIELDS.fullmatch(text, len(status_line)):
        raise UnusableAnswer(_complaint(lines))
    if len(lines) > MOST_FIELDS:
        raise UnusableAnswer(f"the answer has more than {MOST_FIELDS} headers")
    if len(text) > LONGEST_LINE and any(len(line) > LONGEST_LINE for line in (status_line, *lines)):
        raise UnusableAnswer(f"the answer has a line of more than {LONGEST_LINE} bytes in its head")
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
    """See that a header that follows the last chunk is well-formed; its value is of no use to us.

    Raises:
        UnusableAnswer: it is not.
    """
    text = line.decode("latin-1")
    if not _FIELD.fullmatch(text):
        raise UnusableAnswer(_complaint([text]))


def _complaint(lines: list[str]) -> str:
    """What is wrong with the first malformed header; its value may be a secret and is not shown."""
    line = next(line for line in lines if not _FIELD.fullmatch(line))
    if line[:1] in {" ", "\t"}:
        return "the answer has a header that goes on in a second line"
    name, colon, _ = line.partition(":")
    return (
        f"the answer has a malformed header, {name[:40]!r}"
        if colon
        else "the answer has a header without a colon"
    )


def _length(headers: dict[str, str]) -> int | None:
    text = headers.get("content-length")
    if text is None:
        return None
    # The same length several times is one length (RFC 9112, 6.3).
    text, *others = set(text.split(", "))
    if others or len(text) > LONGEST_NUMBER or not (text.isascii() and text.isdecimal()):
        raise UnusableAnswer(f"the answer has a Content-Length that is no number: {text[:40]!r}")
    return int(text)


def _is_chunked(headers: dict[str, str], minor: str) -> bool:
    coding = headers.get("transfer-encoding")
    if coding is None:
        return False
    if coding.lower() != "chunked":
        raise UnusableAnswer(f"the answer has a Transfer-Encoding other than chunked: {coding[:40]!r}")
    if "content-length" in headers or minor == "0":
        raise UnusableAnswer("the answer has a Transfer-Encoding where there must be none")
    return True
