"""Which addresses the scope of an access token covers, as a pure function."""

import re
from urllib.parse import SplitResult, urlsplit

DEFAULT_PORTS = {"http": 80, "https": 443}
UNSAFE = re.compile(r"[\x00-\x20\x7f\\]")
"""What some programs drop, or take for a slash."""
DOT_SEGMENT = re.compile(r"(?:\.|%2e){1,2}", re.IGNORECASE)
SLASH = re.compile(r"/|%2f|%5c", re.IGNORECASE)


def covers(scope: str | None, belongs_to: str) -> bool:
    """Whether a token with a scope may be used at an address. Without a scope, it covers nothing.

    A scope that is a path (`/files`) is a prefix of the text, as it has always been: it also covers
    `/filesystem`. Any other scope covers whole origins and whole segments of the path only.
    """
    if not scope or UNSAFE.search(belongs_to):
        return False
    path = belongs_to.partition("?")[0].partition("#")[0]
    # What comes after a dot segment is somewhere else.
    if any(DOT_SEGMENT.fullmatch(segment) for segment in SLASH.split(path)):
        return False
    if scope.startswith("/"):
        return belongs_to.startswith(scope) and belongs_to.startswith("//") == scope.startswith("//")
    try:
        own, other = urlsplit(scope), urlsplit(belongs_to)
        return _origin(own) == _origin(other) and _is_below(own, other)
    except ValueError:
        return False


def _origin(parts: SplitResult) -> tuple[str, str, str, int | None]:
    scheme = parts.scheme.lower()
    user, at, _ = parts.netloc.rpartition("@")
    return scheme, user + at, parts.hostname or "", parts.port or DEFAULT_PORTS.get(scheme)


def _is_below(scope: SplitResult, other: SplitResult) -> bool:
    if scope.query or scope.fragment:
        return (scope.path, scope.query, scope.fragment) == (other.path, other.query, other.fragment)
    return other.path == scope.path or other.path.startswith(scope.path.rstrip("/") + "/")
