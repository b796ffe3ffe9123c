"""Unpacking compressed answers, no further than a limit."""

from __future__ import annotations

import zlib

_GZIP = 16 + zlib.MAX_WBITS


class UnusableAnswer(Exception):  # noqa: N818 - says what it is
    """An answer that breaks the rules of HTTP, or ours on its size."""


def too_large(limit: int) -> UnusableAnswer:
    """The answer is beyond what we are willing to hold."""
    return UnusableAnswer(f"the answer is larger than {limit} bytes")


def check_size(body: bytes | bytearray, limit: int) -> None:
    """See that what has come so far is not beyond it.

    Raises:
        UnusableAnswer: it is.
    """
    if len(body) > limit:
        raise too_large(limit)


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """The body without its content encoding.

    Raises:
        UnusableAnswer: the encoding is none that we asked for, the data is broken or cut short, or
            unpacks to more than ``limit`` bytes.
    """
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return body
    if encoding not in {"gzip", "x-gzip"}:
        raise UnusableAnswer(f"the answer is encoded as {encoding[:20]!r}")
    try:
        return _gunzipped(body, limit)
    except zlib.error as error:
        raise UnusableAnswer(f"the answer is not valid gzip: {error}") from error


def _gunzipped(body: bytes, limit: int) -> bytes:
    unpacked = b""
    while body:
        # One member after another: RFC 1952 allows several.
        member = zlib.decompressobj(_GZIP)
        # One byte more than allowed is enough to know, however far a bomb would go on.
        unpacked += member.decompress(body, limit - len(unpacked) + 1)
        if len(unpacked) > limit:
            raise too_large(limit)
        if not member.eof:
            raise UnusableAnswer("the answer is cut short within its gzip data")
        body = member.unused_data
    return unpacked
