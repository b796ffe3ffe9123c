"""The default transport: the standard library's HTTP over our own kept connections."""

from __future__ import annotations

import os
import socket
import time
import weakref
from typing import TYPE_CHECKING

from astakosclient.errors import BadValue, ConnectionError  # noqa: A004 - the documented name
from astakosclient.http1.route import Route
from astakosclient.http1.sync.connection import Connection
from astakosclient.http1.sync.deadline_socket import remaining
from astakosclient.http1.sync.pool import Pool

if TYPE_CHECKING:
    import ssl

    from astakosclient.core.address import Address
    from astakosclient.core.exchange import Answer, Request, Timeout
    from astakosclient.http1.proxies import Proxy
    from astakosclient.http1.sync.pool import Shelf

LARGEST_ANSWER = 64 * 1024 * 1024


class HttpTransport:
    """Carries requests to one server. It may be shared by threads, and goes on after a fork.

    Connections are kept open; one that the server has closed meanwhile is noticed before use. If it closes
    just then, a request that is `repeatable`, or that provably was not sent, goes out once more on a new
    connection; any other fails with a `ConnectionError`, because the server may have carried it out.
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
        """Prepare; nothing is connected yet.

        Args:
            address: the base URL; all requests go to its host and port, whatever their origin.
            pool_size: how many idle connections are kept.
            bounded: whether no more than that may be open at once, so that further requests wait.
            ssl_context: how to verify the server; by default as `ssl.create_default_context` does.
            largest_answer: the most bytes an answer may have, before and after unpacking.

        Raises:
            BadValue: the address, the pool size, or the proxy set in the environment cannot be right.

        Warns:
            InsecureConnectionWarning: the address is plain HTTP to another host.
        """
        if not isinstance(pool_size, int) or pool_size < 1:
            raise BadValue(f"pool_size must be 1 or more, not {pool_size!r}")
        self._route = Route(address)
        self._largest_answer = largest_answer
        self._ssl_context = self._route.context(ssl_context)
        self._pool = Pool(pool_size, bounded=bounded)
        # The pool does not refer to the transport, so that this works: whoever forgets to close a
        # client leaves no open socket, and gets no ResourceWarning.
        self._finalizer = weakref.finalize(self, self._pool.close)

    def send(self, request: Request, timeout: Timeout) -> Answer:
        """Send the request, return the answer; see `astakosclient.Transport`."""
        deadline = time.monotonic() + timeout.total
        message = self._route.message(request)
        shelf = self._pool.shelf()
        try:
            shelf.enter(deadline)
        except TimeoutError as error:
            raise ConnectionError(error, sent=False, peer=self._route.peer) from error
        try:
            kept = shelf.take()
            if kept is not None:
                try:
                    return self._exchange(shelf, kept, request.method, message, deadline)
                except ConnectionError as error:
                    if not _may_go_out_again(request, kept, error):
                        raise
            fresh = self._connect(min(deadline, time.monotonic() + timeout.connect))
            return self._exchange(shelf, fresh, request.method, message, deadline)
        finally:
            shelf.leave()

    def close(self) -> None:
        """Close the kept connections. Closing again does nothing; a later request opens a new one."""
        self._pool.close()

    def __repr__(self) -> str:
        """Where it goes to."""
        return f"<HttpTransport to {self._route.address.origin}>"

    def _exchange(
        self, shelf: Shelf, connection: Connection, method: str, message: bytes, deadline: float
    ) -> Answer:
        try:
            answer = connection.exchange(method, message, deadline, self._largest_answer)
        except BaseException:
            # Also when interrupted: what is left of the answer would be taken for the next one.
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
            # Nothing of the request has been sent yet.
            raise ConnectionError(error, sent=False, peer=self._route.peer) from error

    def _secured(self, opened: socket.socket, deadline: float) -> socket.socket:
        assert self._ssl_context is not None  # noqa: S101 - made with the transport
        if self._route.proxy is not None:
            proxy = Connection(opened, str(self._route.proxy))
            opened = proxy.tunnel(self._route.request_for_tunnel(), deadline)
        opened.settimeout(remaining(deadline))
        return self._ssl_context.wrap_socket(opened, server_hostname=self._route.address.host)


def _may_go_out_again(request: Request, kept: Connection, error: ConnectionError) -> bool:
    """Whether a kept connection was closed by the server between two requests, and no harm can be done."""
    if kept.pid != os.getpid() or kept.answered or isinstance(error.errobject, TimeoutError):
        return False
    return request.repeatable or not error.sent


def _opened(peer: Address | Proxy, deadline: float) -> socket.socket:
    """A connection to one of the peer's addresses, the first that answers."""
    try:
        addresses = socket.getaddrinfo(peer.host, peer.port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(f"{peer.host!r} is not a valid host name") from error
    trouble = OSError("the host has no address")
    for position, (family, kind, protocol, _, address) in enumerate(addresses):
        # Each gets its share of the time, so that one that never answers does not use up that of all.
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
    raise trouble
