"""Validates and parses the base URL of the service."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urlsplit

from astakosclient.core.hosts import parse_host, with_zone
from astakosclient.core.value import Value
from astakosclient.errors import BadValue

DEFAULT_PORTS = {"http": 80, "https": 443}

_NOT_IN_A_URL = re.compile(r"[\x00-\x20\x7f]")
_IDENTITY = re.compile(r"/identity/v[0-9](?:\.[0-9])?$")
_ALLOWED_IN_A_PATH = "/%:@!$&'()*+,;=~"


class Address(Value):
    """A parsed base URL.

    Attributes:
        scheme: ``http`` or ``https``.
        host: host name in ASCII, or IP address without brackets and zone.
        port: port number; the scheme's default if the URL has none.
        prefix: percent-encoded path without a trailing slash, or empty.
        zone: the zone of a link-local IPv6 address, or empty.
    """

    __slots__ = ("host", "port", "prefix", "scheme", "zone")

    def __init__(self, scheme: str, host: str, port: int, prefix: str = "", zone: str = "") -> None:
        """Sets the attributes; does not validate them (see `parse_base_url`)."""
        self.scheme: str = scheme
        self.host: str = host
        self.port: int = port
        self.prefix: str = prefix
        self.zone: str = zone

    @property
    def authority(self) -> str:
        """Host and port as in a ``Host`` header: omits the scheme's default port."""
        host = bracketed(self.host)
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def server(self) -> str:
        """``host:port``, always with the port."""
        return f"{bracketed(self.host)}:{self.port}"

    @property
    def resolvable(self) -> str:
        """The host as the resolver takes it, with the zone."""
        return with_zone(self.host, self.zone)

    @property
    def origin(self) -> str:
        """``scheme://host``, with the zone, and with the port unless it is the scheme's default."""
        zone = f"%25{self.zone}" if self.zone else ""
        return f"{self.scheme}://{self.authority.replace(']', zone + ']')}"

    def __str__(self) -> str:
        """Returns the base URL."""
        return self.origin + self.prefix


def bracketed(host: str) -> str:
    """Returns the host as written in a URL, with an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def path_in_url(path: str) -> str:
    """Returns the percent-encoded path with a leading slash and no trailing slash; empty for the root."""
    path = quote(path.rstrip("/"), safe=_ALLOWED_IN_A_PATH)
    return path if path.startswith("/") or not path else "/" + path


def parse_base_url(url: str | None, argument: str = "astakos_url") -> Address:
    """Validates and parses a base URL.

    Args:
        url: the URL.
        argument: the name of the caller's argument, for error messages.

    Raises:
        BadValue: the URL is not a string, its scheme is not http or https, its host or port is missing or
            invalid, or it has user info, a query or a fragment. The message never includes the URL, which
            may contain a password.
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
    host = parse_host(parts.hostname or "", f"AstakosClient: {argument}")
    try:
        prefix = path_in_url(parts.path)
    except UnicodeEncodeError:
        raise BadValue(f"AstakosClient: {argument} is not valid text") from None
    return Address(
        scheme=parts.scheme,
        host=host.name,
        port=DEFAULT_PORTS[parts.scheme] if port is None else port,
        prefix=prefix,
        zone=host.zone,
    )


def parse_service_url(url: str | None) -> Address:
    """Validates and parses the base URL of a service for the documented client; see `parse_base_url`.

    Raises:
        BadValue: the URL is invalid, or is that of the identity service, which only the later client takes.
    """
    address = parse_base_url(url)
    found = _IDENTITY.search(address.prefix)
    if found:
        service = address.changed(prefix=address.prefix[: found.start()])
        raise BadValue(f"AstakosClient: astakos_url must be the base URL, {service}, without {found[0]}")
    return address


def _check(parts: SplitResult, port: int | None, argument: str) -> None:
    if parts.scheme not in DEFAULT_PORTS:
        raise BadValue(f"AstakosClient: {argument} must begin with http:// or https://")
    if "@" in parts.netloc:
        raise BadValue(f"AstakosClient: {argument} must not contain a user name or password")
    if not parts.hostname or port == 0:
        raise BadValue(f"AstakosClient: {argument} must have a host and, if any, a valid port")
    if "[" in parts.netloc and ":" not in parts.hostname:
        # RFC 3986 has forms such as [v1.x] for addresses to come; without brackets, it would be a name.
        raise BadValue(f"AstakosClient: {argument} must have an IPv6 address in its brackets")
    if parts.query or parts.fragment:
        raise BadValue(f"AstakosClient: {argument} must not have a query or fragment")
