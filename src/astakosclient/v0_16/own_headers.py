"""Validates the custom headers that a client sends with every request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from astakosclient.core.conversation import COMMON_HEADERS
from astakosclient.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Iterable

OF_THE_TRANSPORT = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-length",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Headers that the transport sets; callers must not override them, as they control message framing."""

OF_THE_CALL = frozenset({"content-type", "idempotency-key", "x-auth-token", "x-request-id"})
"""Headers that a call sets or can set itself."""

HARMLESS = frozenset({"accept", "content-type", "idempotency-key", "user-agent", "x-request-id"})
"""Headers whose values may be shown; any other header may contain credentials."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def checked_headers(headers: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """Validates and copies the headers.

    Raises:
        BadValue: ``headers`` is not a mapping, or a header is invalid or reserved for the transport. The
            message does not include the value, which may be secret.
    """
    if headers is None:
        return ()
    if not isinstance(headers, Mapping):
        raise BadValue(f"headers must map names to values, not be a {type(headers).__name__}")
    for name, value in headers.items():
        _check(name, value)
    return tuple(headers.items())


def secret_values(headers: Iterable[tuple[str, str]]) -> list[str]:
    """Returns the header values that must be redacted."""
    return [value for name, value in headers if name.lower() not in HARMLESS]


def with_common_headers(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Merges custom headers with the common ones, over which they take precedence.

    Drops headers that belong to a single call.
    """
    own = tuple(header for header in headers if header[0].lower() not in OF_THE_CALL)
    names = {name.lower() for name, _ in own}
    return (*own, *(header for header in COMMON_HEADERS if header[0].lower() not in names))


def _check(name: object, value: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadValue(f"headers: {name!r} is not a valid header name")
    if name.lower() in OF_THE_TRANSPORT:
        raise BadValue(f"headers: {name} is set by the transport and cannot be overridden")
    if not isinstance(value, str) or not _VALUE.fullmatch(value):
        raise BadValue(f"headers: the value of {name} must be a string without line breaks, within Latin-1")
