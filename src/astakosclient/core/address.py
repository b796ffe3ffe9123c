"""Where the service lives: the base URL, checked and taken apart once."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urlsplit

from astakosclient.core.value import Value
from astakosclient.errors import BadValue

DEFAULT_PORTS = {"http": 80, "https": 443}

_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f]")
_ALLOWED_IN_A_PATH = "/%:@!$&'()*+,;=~"


class Address(Value):
    """A base URL: scheme, host (ASCII, without brackets), port, and a path without trailing slash."""

    __slots__ = ("host", "port", "prefix", "scheme")

    def __init__(self, scheme: str, host: str, port: int, prefix: str = "") -> None:
        """The attributes, by name or in this order."""
        self.scheme = scheme
        self.host = host
        self.port = port
        self.prefix = prefix

    @property
    def authority(self) -> str:
        """Host and port as the ``Host`` header has them: without the scheme's own port."""
        host = bracketed(self.host)
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def server(self) -> str:
        """Host and port."""
        return f"{bracketed(self.host)}:{self.port}"

    @property
    def origin(self) -> str:
        """Scheme, host and port."""
        return f"{self.scheme}://{self.authority}"

    def __str__(self) -> str:
        """The base URL."""
        return self.origin + self.prefix


def bracketed(host: str) -> str:
    """A host as it stands in a URL: IPv6 addresses in brackets."""
    return f"[{host}]" if ":" in host else host


def path_in_url(path: str) -> str:
    """A path as a prefix of others: it begins with a slash, does not end with one, and is percent-encoded."""
    path = quote(path.rstrip("/"), safe=_ALLOWED_IN_A_PATH)
    return path if path.startswith("/") or not path else "/" + path


def parse_base_url(url: str | None, argument: str = "astakos_url") -> Address:
    """Check and take apart a base URL, which the caller gave as an argument of this name.

    Raises:
        BadValue: it is None or no text, has another scheme than http and https, no host, a bad port, or
            anything beyond a path. The message never shows the URL itself: it may hold a password.
    """
    if url is None:
        raise BadValue(f"AstakosClient: {argument} must not be None")
    if not isinstance(url, str):
        raise BadValue(f"AstakosClient: {argument} must be a string, not {type(url).__name__}")
    if _NOT_IN_A_URL.search(url):
        raise BadValue(f"AstakosClient: {argument} must not contain spaces or control characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise BadValue(f"AstakosClient: {argument} is not a URL with a valid host and port") from None
    _check(parts, port, argument)
    return Address(
        scheme=parts.scheme,
        host=_ascii_host(parts.hostname or "", argument),
        port=DEFAULT_PORTS[parts.scheme] if port is None else port,
        prefix=path_in_url(parts.path),
    )


def _check(parts: SplitResult, port: int | None, argument: str) -> None:
    if parts.scheme not in DEFAULT_PORTS:
        raise BadValue(f"AstakosClient: {argument} must begin with http:// or https://")
    if "@" in parts.netloc:
        raise BadValue(f"AstakosClient: {argument} must not contain a user name or password")
    if not parts.hostname or port == 0:
        raise BadValue(f"AstakosClient: {argument} must name a host, and no port or a valid one")
    if parts.query or parts.fragment:
        raise BadValue(f"AstakosClient: {argument} must not have a query or fragment")


def _ascii_host(host: str, argument: str) -> str:
    try:
        return host.encode("idna").decode("ascii")
    except UnicodeError:
        raise BadValue(f"AstakosClient: the host of {argument} is not a valid name") from None
