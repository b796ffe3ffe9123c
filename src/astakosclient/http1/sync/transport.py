"""`HttpTransport`, the default transport of synchronous clients."""

from __future__ import annotations

import os
import socket
import time
import weakref
from typing import TYPE_CHECKING

from astakosclient.errors import BadValue, ConnectionError  # noqa: A004 - the documented name
from astakosclient.http1.name_lookups import resolve
from astakosclient.http1.route import Route
from astakosclient.http1.schemes import in_words
from astakosclient.http1.sync.connection import Connection
from astakosclient.http1.sync.deadline_socket import remaining
from astakosclient.http1.sync.pool import Pool

if TYPE_CHECKING:
    import ssl

    from astakosclient.core.address import Address
    from astakosclient.core.exchange import Answer, Request, Timeout
    from astakosclient.http1.message import Message
    from astakosclient.http1.proxies import Proxy
    from astakosclient.http1.sync.pool import Shelf

LARGEST_ANSWER = 64 * 1024 * 1024


class HttpTransport:
    """Sends requests to one server over pooled connections. Thread-safe and fork-safe.

    Before reusing an idle connection, the transport checks whether the server has closed it. If the server
    closes it at that very moment, the transport sends the request again on a new connection if the request is
    ``repeatable`` or provably was not sent. Otherwise it raises a `ConnectionError`, because the server may
    have carried out the request.
    """

    def __init__(
        self,
        address: str | Address,
        *,
        pool_size: int = 8,
        bounded: bool = False,
        ssl_context: ssl.SSLContext | None = None,
        largest_answer: int = LARGEST_ANSWER,
    ) -> None:
        """Creates a transport; opens no connection.

        Args:
            address: the base URL; all requests go to its host and port, regardless of their origin.
            pool_size: maximum number of idle connections.
            bounded: also limit open connections to ``pool_size``; further requests wait.
            ssl_context: TLS settings; the default is `ssl.create_default_context`.
            largest_answer: maximum size of a response body, in bytes, before and after decompression.

        Raises:
            BadValue: the address, the pool size or the proxy set in the environment is invalid.

        Warns:
            InsecureConnectionWarning: the address uses plain HTTP to another host.
        """
        if not isinstance(pool_size, int) or pool_size < 1:
            raise BadValue(f"pool_size must be 1 or more, not {pool_size!r}")
        self._route = Route(address)
        self._largest_answer = largest_answer
        self._ssl_context = self._route.context(ssl_context)
        self._pool = Pool(pool_size, bounded=bounded)
        # Closes the sockets of a client that was dropped without close(), and so avoids ResourceWarnings.
        # Works because the pool does not refer to the transport.
        self._finalizer = weakref.finalize(self, self._pool.close)

    def send(self, request: Request, timeout: Timeout) -> Answer:
        """Sends a request and returns the response; see `astakosclient.Transport`."""
        deadline = time.monotonic() + timeout.total
        message = self._route.message(request)
        shelf = self._pool.shelf()
        try:
            permit = shelf.enter(deadline)
        except TimeoutError as error:
            raise ConnectionError(error, sent=False, peer=self._route.peer) from error
        try:
            resent = False
            kept = shelf.take()
            if kept is not None:
                try:
                    return self._exchange(shelf, kept, request.method, message, deadline)
                except ConnectionError as error:
                    if not _may_resend(request, kept, error):
                        raise
                    resent = error.sent
            soon = min(deadline, time.monotonic() + timeout.connect)
            try:
                fresh = self._connect(soon)
                answer = self._exchange(shelf, fresh, request.method, message, deadline)
            except ConnectionError as error:
                error.sent = error.sent or resent
                raise
            answer.resent = resent
            return answer
        finally:
            shelf.leave(permit)

    def close(self) -> None:
        """Closes idle connections. Safe to call twice; a later request opens a new connection."""
        self._pool.close()

    def __repr__(self) -> str:
        """Returns the class and the server."""
        return f"<HttpTransport to {self._route.address.origin}>"

    def _exchange(
        self, shelf: Shelf, connection: Connection, method: str, message: Message, deadline: float
    ) -> Answer:
        try:
            answer = connection.exchange(method, message, deadline, self._largest_answer)
        except BaseException:
            # Also on KeyboardInterrupt: the rest of the response would be parsed as the next one.
            connection.close()
            raise
        shelf.give_back(connection)
        return answer

    def _connect(self, deadline: float) -> Connection:
        try:
            opened = _opened(self._route.first, deadline)
            try:
                if self._route.address.scheme == "https":
                    opened = self._secured(opened, deadline)
                return Connection(opened, self._route.peer)
            except BaseException:
                opened.close()
                raise
        except OSError as error:
            raise ConnectionError(in_words(error), sent=False, peer=self._route.peer) from error

    def _secured(self, opened: socket.socket, deadline: float) -> socket.socket:
        assert self._ssl_context is not None  # noqa: S101 - set by __init__ for https
        if self._route.proxy is not None:
            proxy = Connection(opened, str(self._route.proxy))
            opened = proxy.tunnel(self._route.request_for_tunnel(), deadline)
        opened.settimeout(remaining(deadline))
        try:
            return self._ssl_context.wrap_socket(opened, server_hostname=self._route.address.host.rstrip("."))
        except TimeoutError:
            # Its own text is a line of CPython's source: "_ssl.c:989: The handshake operation timed out".
            raise TimeoutError("the TLS handshake timed out") from None


def _may_resend(request: Request, kept: Connection, error: ConnectionError) -> bool:
    """Returns whether to resend on a new connection: the server closed an idle one, and it is safe."""
    if kept.pid != os.getpid() or kept.answered or isinstance(error.errobject, TimeoutError):
        return False
    return request.repeatable or not error.sent


def _opened(peer: Address | Proxy, deadline: float) -> socket.socket:
    """Connects to the peer's addresses in turn and returns the first socket that connects."""
    try:
        addresses = resolve(peer.resolvable, peer.port, remaining(deadline))
    except UnicodeError as error:
        raise OSError(f"{peer.host!r} is not a valid host name") from error
    trouble = OSError("the host has no address")
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        # Split the time, so that an unresponsive address leaves some for the others.
        share = remaining(deadline) / (len(addresses) - position)
        candidate = socket.socket(family, kind, protocol)
        try:
            candidate.settimeout(share)
            candidate.connect(address)
            candidate.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        except OSError as error:
            candidate.close()
            trouble = error
        except BaseException:
            candidate.close()
            raise
        else:
            return candidate
    try:
        raise trouble
    finally:
        # Its traceback leads to this frame. In a cycle, it would wait for the garbage collector.
        del trouble
