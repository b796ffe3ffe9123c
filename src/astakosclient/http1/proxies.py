"""Selects the HTTP proxy from the environment."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes, urlsplit

from astakosclient.core.address import bracketed
from astakosclient.core.value import Value
from astakosclient.errors import BadValue

if TYPE_CHECKING:
    from astakosclient.core.address import Address


class Proxy(Value):
    """An HTTP proxy; ``authorization`` is the value of ``Proxy-Authorization``, or empty."""

    __slots__ = ("authorization", "host", "port")
    __hidden__ = ("authorization",)

    def __init__(self, host: str, port: int, authorization: str = "") -> None:
        """Sets the attributes; see the class."""
        self.host = host
        self.port = port
        self.authorization = authorization

    def __str__(self) -> str:
        """Returns ``host:port``, without credentials."""
        return f"{bracketed(self.host)}:{self.port}"


def proxy_for(address: Address) -> Proxy | None:
    """Returns the proxy for an address, or None for a direct connection.

    Reads ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``; lowercase names take precedence.
    On macOS and Windows, the system settings apply as well.

    Raises:
        BadValue: the variable does not contain an ``http://`` URL. The message does not include the value,
            which may contain a password.
    """
    if not _may_be_set():
        return None
    import urllib.request  # noqa: PLC0415 - loads email, http.client and ssl, which few programs need

    proxies = urllib.request.getproxies()
    url = proxies.get(address.scheme) or proxies.get("all")
    if not url or urllib.request.proxy_bypass(f"{address.host}:{address.port}"):
        return None
    return _parsed(url)


def _may_be_set() -> bool:
    """Returns whether a proxy may be configured; macOS and Windows have settings outside the environment."""
    return sys.platform in {"darwin", "win32"} or any(name.lower().endswith("_proxy") for name in os.environ)


def _parsed(url: str) -> Proxy:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or 80
    except ValueError:
        raise BadValue("the proxy set in the environment is not a valid URL") from None
    if parts.scheme != "http" or not parts.hostname:
        raise BadValue("the proxy set in the environment must have the form http://host:port")
    return Proxy(parts.hostname, port, _basic(parts.username, parts.password))


def _basic(user: str | None, password: str | None) -> str:
    if user is None:
        return ""
    import base64  # noqa: PLC0415 - rarely needed

    credentials = unquote_to_bytes(user) + b":" + unquote_to_bytes(password or "")
    return "Basic " + base64.b64encode(credentials).decode("ascii")
