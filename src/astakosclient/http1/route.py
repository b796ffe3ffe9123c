"""The route to a server, direct or through a proxy: where to connect, and how to serialize requests."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astakosclient.core.address import parse_base_url
from astakosclient.errors import BadValue
from astakosclient.http1.exposure import warn_if_exposed
from astakosclient.http1.message import Message
from astakosclient.http1.proxies import proxy_for

if TYPE_CHECKING:
    import ssl

    from astakosclient.core.address import Address
    from astakosclient.core.exchange import Request
    from astakosclient.http1.proxies import Proxy


class Route:
    """The route to one server.

    Attributes:
        address: the base URL of the server.
        proxy: the proxy, or None for a direct connection.
        first: the host to connect to: the proxy or the server.
        peer: the server and the proxy, if any, for messages; without credentials.
    """

    def __init__(self, address: str | Address) -> None:
        """Determines the route, including a proxy set in the environment.

        Raises:
            BadValue: the address or the proxy is invalid.

        Warns:
            InsecureConnectionWarning: the address uses plain HTTP to another host.
        """
        self.address = parse_base_url(address) if isinstance(address, str) else address
        warn_if_exposed(self.address)
        self.proxy: Proxy | None = proxy_for(self.address)
        self.first: Address | Proxy = self.proxy or self.address
        server = self.address.server
        self.peer = f"{server} (through the proxy {self.proxy})" if self.proxy else server
        self._common_head = f" HTTP/1.1\r\nHost: {self.address.authority}\r\nAccept-Encoding: gzip\r\n"
        self._target_prefix = ""
        if self.proxy and self.address.scheme == "http":
            # A proxy needs the absolute URL for http; for https, requests go through a tunnel.
            self._target_prefix = f"http://{self.address.authority}"
            self._common_head += self._authorization()

    def message(self, request: Request) -> Message:
        """Serializes a request, head and body in one piece so that they can leave in one packet."""
        head = f"{request.method} {self._target_prefix}{request.target}{self._common_head}"
        for name, value in request.headers:
            head += f"{name}: {value}\r\n"
        if request.body or request.method != "GET":
            head += f"Content-Length: {len(request.body)}\r\n"
        return Message(f"{head}\r\n".encode("latin-1") + request.body)

    def request_for_tunnel(self) -> Message:
        """Serializes the CONNECT request for a tunnel to the server."""
        target = self.address.server
        head = f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{self._authorization()}"
        return Message(f"{head}\r\n".encode("ascii"))

    def context(self, given: ssl.SSLContext | None) -> ssl.SSLContext | None:
        """Returns the given TLS context or a default one; None for plain HTTP.

        Raises:
            BadValue: what was given is no context.
        """
        # Of the type: the class in place of an object has the method, too.
        if given is not None and not hasattr(type(given), "wrap_socket"):
            raise BadValue(f"ssl_context must be an ssl.SSLContext, not {type(given).__name__}")
        if self.address.scheme != "https":
            return None
        if given is not None:
            return given
        import ssl  # noqa: PLC0415 - loads OpenSSL, which plain HTTP does not need

        return ssl.create_default_context()

    def _authorization(self) -> str:
        if self.proxy is None or not self.proxy.authorization:
            return ""
        return f"Proxy-Authorization: {self.proxy.authorization}\r\n"
