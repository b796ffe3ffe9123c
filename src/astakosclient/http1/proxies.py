"""Which proxy to go through, as the environment says."""

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
    """An HTTP proxy, and the ``Proxy-Authorization`` it wants, if any."""

    __slots__ = ("authorization", "host", "port")
    __hidden__ = ("authorization",)

    def __init__(self, host: str, port: int, authorization: str = "") -> None:
        """The attributes, by name or in this order."""
        self.host = host
        self.port = port
        self.authorization = authorization

    def __str__(self) -> str:
        """Host and port, without credentials."""
        return f"{bracketed(self.host)}:{self.port}"


def proxy_for(address: Address) -> Proxy | None:
    """The proxy for an address, from ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``.

    Lower-case names win, as everywhere; on other systems than POSIX their own settings count, too.

    Raises:
        BadValue: the variable holds something else than an ``http://`` proxy. The message does not show
            it: it may hold a password.
    """
    if not _may_be_set():
        return None
    # Only who has proxies pays for loading this: it brings in email, http.client and ssl.
    import urllib.request  # noqa: PLC0415

    proxies = urllib.request.getproxies()
    url = proxies.get(address.scheme) or proxies.get("all")
    if not url or urllib.request.proxy_bypass(f"{address.host}:{address.port}"):
        return None
    return _parsed(url)


def _may_be_set() -> bool:
    """Whether anything can have been set: elsewhere than on POSIX, the system has settings of its own."""
    return sys.platform in {"darwin", "win32"} or any(name.lower().endswith("_proxy") for name in os.environ)


def _parsed(url: str) -> Proxy:
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        port = parts.port or 80
    except ValueError:
        raise BadValue("the proxy set in the environment is not a valid URL") from None
    if parts.scheme != "http" or not parts.hostname:
        raise BadValue("the proxy set in the environment must be of the form http://host:port")
    return Proxy(parts.hostname, port, _basic(parts.username, parts.password))


def _basic(user: str | None, password: str | None) -> str:
    if user is None:
        return ""
    import base64  # noqa: PLC0415 - as above

    credentials = unquote_to_bytes(user) + b":" + unquote_to_bytes(password or "")
    return "Basic " + base64.b64encode(credentials).decode("ascii")
