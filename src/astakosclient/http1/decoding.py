"""Decompresses response bodies, up to a size limit."""

from __future__ import annotations

import zlib

_GZIP = 16 + zlib.MAX_WBITS


class UnusableAnswer(Exception):  # noqa: N818 - says what it is
    """The response is not valid HTTP, is truncated, or exceeds a limit."""


def too_large(limit: int) -> UnusableAnswer:
    """Returns the exception for a response that exceeds the size limit."""
    return UnusableAnswer(f"the response is larger than {limit} bytes")


def check_size(body: bytes | bytearray, limit: int) -> None:
    """Checks the size of the body received so far.

    Raises:
        UnusableAnswer: the body is larger than ``limit`` bytes.
    """
    if len(body) > limit:
        raise too_large(limit)


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """Removes the content encoding from a body.

    Raises:
        UnusableAnswer: the encoding is not gzip, the data is corrupt or truncated, or the decompressed body
            is larger than ``limit`` bytes.
    """
    encoding = encoding.strip().lower()
    if encoding in {"", "identity"}:
        return body
    if encoding not in {"gzip", "x-gzip"}:
        raise UnusableAnswer(f"the response has an unsupported content encoding: {encoding[:20]!r}")
    try:
        return _gunzipped(body, limit)
    except zlib.error as error:
        raise UnusableAnswer(f"the response is not valid gzip: {error}") from error


def _gunzipped(body: bytes, limit: int) -> bytes:
    unpacked = b""
    while body:
        # RFC 1952 allows several members in sequence.
        member = zlib.decompressobj(_GZIP)
        # Stops at one byte over the limit, so that a decompression bomb cannot exhaust memory.
        unpacked += member.decompress(body, limit - len(unpacked) + 1)
        if len(unpacked) > limit:
            raise too_large(limit)
        if not member.eof:
            raise UnusableAnswer("the response is truncated in its gzip data")
        body = member.unused_data
    return unpacked
