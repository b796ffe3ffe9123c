"""Headers that a caller wants on every request, checked once."""

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
"""What decides where one request ends and the next begins is not for callers to say."""

OF_THE_CALL = frozenset({"content-type", "idempotency-key", "x-auth-token", "x-request-id"})
"""What each call sets itself, or may."""

HARMLESS = frozenset({"accept", "content-type", "idempotency-key", "user-agent", "x-request-id"})
"""All others may be credentials of some kind, so their values are not shown."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile(r"[\t\x20-\x7e\x80-\xff]*")


def checked_headers(headers: Mapping[str, str] | None) -> tuple[tuple[str, str], ...]:
    """The headers as they are sent, copied.

    Raises:
        BadValue: they are no mapping of strings to strings, one cannot be sent, or is the transport's own.
            The message names it but does not show its value, which may be a secret.
    """
    if headers is None:
        return ()
    if not isinstance(headers, Mapping):
        raise BadValue(f"headers must map names to values, not be a {type(headers).__name__}")
    for name, value in headers.items():
        _check(name, value)
    return tuple(headers.items())


def secret_values(headers: Iterable[tuple[str, str]]) -> list[str]:
    """The values that must not be shown."""
    return [value for name, value in headers if name.lower() not in HARMLESS]


def with_common_headers(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """What is sent with every request; they may take the place of what says who the client is.

    What belongs to a single call is its own: such a header is left out here.
    """
    own = tuple(header for header in headers if header[0].lower() not in OF_THE_CALL)
    names = {name.lower() for name, _ in own}
    return (*own, *(header for header in COMMON_HEADERS if header[0].lower() not in names))


def _check(name: object, value: object) -> None:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise BadValue(f"headers: {name!r} is not the name of a header")
    if name.lower() in OF_THE_TRANSPORT:
        raise BadValue(f"headers: {name} is set by the transport, and cannot be given")
    if not isinstance(value, str) or not _VALUE.fullmatch(value):
        raise BadValue(f"headers: the value of {name} must be a string without line breaks, within Latin-1")
