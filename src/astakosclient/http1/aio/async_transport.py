"""`AsyncHttpTransport`, the default transport of asynchronous clients."""

from __future__ import annotations

import asyncio
import os
import time
import warnings
from typing import TYPE_CHECKING, Self

from astakosclient.errors import BadValue, ConnectionError  # noqa: A004 - the documented name
from astakosclient.http1.aio.async_opening import open_connection
from astakosclient.http1.aio.async_pool import AsyncPool
from astakosclient.http1.route import Route
from astakosclient.http1.sync.transport import LARGEST_ANSWER

if TYPE_CHECKING:
    import ssl

    from astakosclient.core.address import Address
    from astakosclient.core.exchange import Answer, Request, Timeout
    from astakosclient.http1.aio.async_connection import AsyncConnection
    from astakosclient.http1.message import Message

DEFAULT_POOL_SIZE = 100


class AsyncHttpTransport:
    """Sends requests to one server over pooled connections, on any event loop.

    Tasks can share a transport, and so can event loops, in sequence or in several threads: each loop has its
    own connections. Connections left by a closed loop are closed when another loop first uses the transport.
    After a fork, the child opens its own connections on its own loop.

    Before reusing an idle connection, the transport checks whether the server has closed it. If the server
    closes it at that very moment, the transport sends the request again on a new connection if the request is
    ``repeatable`` or provably was not sent. Otherwise it raises a `ConnectionError`, because the server may
    have carried out the request.

    Cancelling a request closes its connection, so that no other request receives its response.

    Requires an event loop with ``add_reader``: asyncio's own loop on POSIX, or uvloop.
    """

    def __init__(
        self,
        address: str | Address,
        *,
        pool_size: int = DEFAULT_POOL_SIZE,
        ssl_context: ssl.SSLContext | None = None,
        largest_answer: int = LARGEST_ANSWER,
    ) -> None:
        """Creates a transport; opens no connection and does not need a running event loop.

        Args:
            address: the base URL; all requests go to its host and port, regardless of their origin.
            pool_size: maximum number of open connections per event loop; further requests wait.
            ssl_context: TLS settings; the default is `ssl.create_default_context`.
            largest_answer: maximum size of a response body, in bytes, before and after decompression.

        Raises:
            BadValue: the address, the pool size or the proxy set in the environment is invalid.

        Warns:
            InsecureConnectionWarning: the address uses plain HTTP to another host.
        """
        self._pools: dict[asyncio.AbstractEventLoop, AsyncPool] = {}
        if not isinstance(pool_size, int) or pool_size < 1:
            raise BadValue(f"pool_size must be 1 or more, not {pool_size!r}")
        self._pool_size = pool_size
        self._route = Route(address)
        self._largest_answer = largest_answer
        self._ssl_context = self._route.context(ssl_context)

    async def send(self, request: Request, timeout: Timeout) -> Answer:  # noqa: ASYNC109 - of the protocol
        """Sends a request and returns the response; see `astakosclient.AsyncTransport`."""
        deadline = time.monotonic() + timeout.total
        message = self._route.message(request)
        pool = self._pool()
        try:
            await pool.enter(deadline)
        except TimeoutError as error:
            raise ConnectionError(error, sent=False, peer=self._route.peer) from error
        try:
            resent = False
            kept = pool.take()
            if kept is not None:
                try:
                    return await self._exchange(pool, kept, request.method, message, deadline)
                except ConnectionError as error:
                    if not _may_resend(request, kept, error):
                        raise
                    resent = error.sent
            soon = min(deadline, time.monotonic() + timeout.connect)
            try:
                fresh = await open_connection(self._route, self._ssl_context, soon)
                answer = await self._exchange(pool, fresh, request.method, message, deadline)
            except ConnectionError as error:
                error.sent = error.sent or resent
                raise
            answer.resent = resent
            return answer
        finally:
            pool.leave()

    async def aclose(self) -> None:
        """Closes idle connections of all event loops now, and connections in use after their requests.

        Safe to call twice; a later request opens a new connection.
        """
        self._shut()

    async def __aenter__(self) -> Self:
        """Returns the transport; leaving the ``async with`` block closes it."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Closes the transport's connections."""
        await self.aclose()

    def __del__(self) -> None:
        """Closes connections that were left open, with a `ResourceWarning`."""
        # `_pools` is missing if __init__ did not run, for example after a TypeError for its arguments.
        pools = list(self.__dict__.get("_pools", {}).values())
        if any(pool.holds_open for pool in pools):
            warnings.warn(
                f"{self!r} was never closed: use `async with` on the client, or `await client.aclose()` when "
                "done with it",
                ResourceWarning,
                source=self,
                stacklevel=2,
            )
        for pool in pools:
            pool.shut()

    def __repr__(self) -> str:
        """Returns the class and the server."""
        return f"<AsyncHttpTransport to {self._route.address.origin}>"

    async def _exchange(
        self, pool: AsyncPool, connection: AsyncConnection, method: str, message: Message, deadline: float
    ) -> Answer:
        try:
            answer = await connection.exchange(method, message, deadline, self._largest_answer)
        except BaseException:
            # Also on cancellation: the rest of the response would be parsed as the next one.
            connection.close()
            raise
        pool.give_back(connection)
        return answer

    def _pool(self) -> AsyncPool:
        """Returns the pool of the running event loop."""
        loop = asyncio.get_running_loop()
        pool = self._pools.get(loop)
        if pool is None or pool.pid != os.getpid():
            # No lock: a loop has one thread, and each of these steps on the dictionary is atomic.
            for left in [other for other, pool in list(self._pools.items()) if pool.is_left]:
                self._shut_one(left)
            self._pools[loop] = pool = AsyncPool(loop, self._pool_size)
        return pool

    def _shut(self) -> None:
        for loop in list(self._pools):
            self._shut_one(loop)

    def _shut_one(self, loop: asyncio.AbstractEventLoop) -> None:
        pool = self._pools.pop(loop, None)
        if pool is not None:
            pool.shut()


def _may_resend(request: Request, kept: AsyncConnection, error: ConnectionError) -> bool:
    """Returns whether to resend on a new connection: the server closed an idle one, and it is safe."""
    if kept.answered or isinstance(error.errobject, TimeoutError):
        return False
    return request.repeatable or not error.sent
