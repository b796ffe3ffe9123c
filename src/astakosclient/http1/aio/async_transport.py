"""The default asynchronous transport: our own kept connections, of each event loop its own."""

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

DEFAULT_POOL_SIZE = 100


class AsyncHttpTransport:
    """Carries requests to one server, on whatever event loop they are awaited.

    It may be shared by tasks, by event loops one after the other, and by event loops in several threads: each
    loop has its own connections. What a loop that has been closed left open is closed when the next one
    begins. After a fork the child opens its own, on a loop of its own.

    Connections are kept open; one that the server has closed meanwhile is noticed before use. If it closes
    just then, a request that is `repeatable`, or that provably was not sent, goes out once more on a new
    connection; any other fails with a `ConnectionError`, because the server may have carried it out.

    A call that is cancelled closes its connection, so that no other gets its answer.

    Any event loop of asyncio will do that can watch sockets (`add_reader`): its own on POSIX, and uvloop.
    """

    def __init__(
        self,
        address: str | Address,
        *,
        pool_size: int = DEFAULT_POOL_SIZE,
        ssl_context: ssl.SSLContext | None = None,
        largest_answer: int = LARGEST_ANSWER,
    ) -> None:
        """Prepare; nothing is connected yet, and no event loop is needed.

        Args:
            address: the base URL; all requests go to its host and port, whatever their origin.
            pool_size: how many connections one event loop may have open; further requests wait.
            ssl_context: how to verify the server; by default as `ssl.create_default_context` does.
            largest_answer: the most bytes an answer may have, before and after unpacking.

        Raises:
            BadValue: the address, the pool size, or the proxy set in the environment cannot be right.

        Warns:
            InsecureConnectionWarning: the address is plain HTTP to another host.
        """
        self._pools: dict[asyncio.AbstractEventLoop, AsyncPool] = {}
        if not isinstance(pool_size, int) or pool_size < 1:
            raise BadValue(f"pool_size must be 1 or more, not {pool_size!r}")
        self._pool_size = pool_size
        self._route = Route(address)
        self._largest_answer = largest_answer
        self._ssl_context = self._route.context(ssl_context)

    async def send(self, request: Request, timeout: Timeout) -> Answer:  # noqa: ASYNC109 - kept here, to the last byte
        """Send the request, return the answer; see `astakosclient.AsyncTransport`."""
        deadline = time.monotonic() + timeout.total
        message = self._route.message(request)
        pool = self._pool()
        try:
            await pool.enter(deadline)
        except TimeoutError as error:
            raise ConnectionError(error, sent=False, peer=self._route.peer) from error
        try:
            kept = pool.take()
            if kept is not None:
                try:
                    return await self._exchange(pool, kept, request.method, message, deadline)
                except ConnectionError as error:
                    if not _may_go_out_again(request, kept, error):
                        raise
            soon = min(deadline, time.monotonic() + timeout.connect)
            fresh = await open_connection(self._route, self._ssl_context, soon)
            return await self._exchange(pool, fresh, request.method, message, deadline)
        finally:
            pool.leave()

    async def aclose(self) -> None:
        """Close the kept connections, of all event loops; those in use are closed after their calls.

        Closing again does nothing; a later request opens a new connection.
        """
        self._shut()

    async def __aenter__(self) -> Self:
        """The transport itself, which is closed at the end of the ``async with`` block."""
        return self

    async def __aexit__(self, *exception: object) -> None:
        """Close the kept connections."""
        await self.aclose()

    def __del__(self) -> None:
        """Warn of connections that were left open, and close them."""
        # Without any pools if the constructor has refused its arguments.
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
        """Where it goes to."""
        return f"<AsyncHttpTransport to {self._route.address.origin}>"

    async def _exchange(
        self, pool: AsyncPool, connection: AsyncConnection, method: str, message: bytes, deadline: float
    ) -> Answer:
        try:
            answer = await connection.exchange(method, message, deadline, self._largest_answer)
        except BaseException:
            # Also when cancelled: what is left of the answer would be taken for the next one.
            connection.close()
            raise
        pool.give_back(connection)
        return answer

    def _pool(self) -> AsyncPool:
        """The connections of the running event loop."""
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


def _may_go_out_again(request: Request, kept: AsyncConnection, error: ConnectionError) -> bool:
    """Whether a kept connection was closed by the server between two requests, and no harm can be done."""
    if kept.answered or isinstance(error.errobject, TimeoutError):
        return False
    return request.repeatable or not error.sent
