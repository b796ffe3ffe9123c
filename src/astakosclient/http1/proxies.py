"""Selects the HTTP proxy from the environment."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

from astakosclient.core.address import bracketed
from astakosclient.core.hosts import parse_host, with_zone
from astakosclient.core.value import Value
from astakosclient.errors import BadValue

if TYPE_CHECKING:
    from ipaddress import IPv4Network, IPv6Network

    from astakosclient.core.address import Address


class Proxy(Value):
    """An HTTP proxy; ``authorization`` is the value of ``Proxy-Authorization``, or empty."""

    __slots__ = ("authorization", "host", "port", "zone")
    __hidden__ = ("authorization",)

    def __init__(self, host: str, port: int, authorization: str = "", zone: str = "") -> None:
        """Sets the attributes; see the class."""
        self.host = host
        self.port = port
        self.authorization = authorization
        self.zone = zone

    @property
    def resolvable(self) -> str:
        """The host as the resolver takes it, with the zone."""
        return with_zone(self.host, self.zone)

    def __str__(self) -> str:
        """Returns ``host:port``, without credentials."""
        return f"{bracketed(self.host)}:{self.port}"


def proxy_for(address: Address) -> Proxy | None:
    """Returns the proxy for an address, or None for a direct connection.

    Reads ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``; lowercase names take precedence.
    On macOS and Windows, the system settings apply as well.

    ``NO_PROXY`` is a comma-separated list. An entry is a domain, which includes its subdomains (also with a
    leading ``.`` or ``*.``), an IP address, a network (``10.0.0.0/8``, ``::1/128``) or ``*``. A domain or an
    address may have a port (``[::1]:8000``).

    Raises:
        BadValue: the variable does not contain an ``http://`` URL. The message does not include the value,
            which may contain a password.
    """
    if not _may_be_set():
        return None
    import urllib.request  # noqa: PLC0415 - loads email, http.client and ssl, which few programs need

    proxies = urllib.request.getproxies()
    url = proxies.get(address.scheme) or proxies.get("all")
    # First, so that a proxy of a kind that the client does not support does not matter to exempt hosts.
    exceptions = proxies.get("no", "").split(",")
    if not url or any(_exempts(one.strip().lower(), address) for one in exceptions):
        return None
    if urllib.request.proxy_bypass(f"{address.host}:{address.port}"):
        return None
    return _parsed(url)


def _may_be_set() -> bool:
    """Returns whether a proxy may be configured; macOS and Windows have settings outside the environment."""
    return sys.platform in {"darwin", "win32"} or any(name.lower().endswith("_proxy") for name in os.environ)


def _exempts(exception: str, address: Address) -> bool:
    """Returns whether an entry of ``NO_PROXY`` applies to an address."""
    if exception == "*":
        return True
    if not exception:
        return False
    host = address.host.lower().rstrip(".")
    network = _network(exception)
    if network is None:
        name, _, port = exception.rpartition(":") if exception[-1:].isdecimal() else ("", "", "")
        if name and port.isdecimal():
            return int(port) == address.port and _exempts(name, address)
        domain = exception.removeprefix("*").strip(".")
        return bool(domain) and (host == domain or host.endswith("." + domain))
    own = _network(host)
    return own is not None and own.version == network.version and own.network_address in network


def _network(text: str) -> IPv4Network | IPv6Network | None:
    """Returns a network, or an address, of whatever zone, as a network of one; None for anything else."""
    import ipaddress  # noqa: PLC0415 - rarely needed

    try:
        return ipaddress.ip_network(text.strip("[]").partition("%")[0], strict=False)
    except ValueError:
        return None


def _parsed(url: str) -> Proxy:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or 80
    except ValueError:
        raise BadValue("the proxy set in the environment is not a valid URL") from None
    if parts.scheme != "http" or not parts.hostname:
        raise BadValue("the proxy set in the environment must have the form http://host:port")
    host = parse_host(parts.hostname, "the proxy set in the environment")
    return Proxy(host.name, port, _basic(parts.username, parts.password), host.zone)


def _basic(user: str | None, password: str | None) -> str:
    if user is None:
        return ""
    import base64  # noqa: PLC0415 - rarely needed

    credentials = unquote_to_bytes(user) + b":" + unquote_to_bytes(password or "")
    return "Basic " + base64.b64encode(credentials).decode("ascii")
