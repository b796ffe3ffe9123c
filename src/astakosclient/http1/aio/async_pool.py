"""Pools idle connections, separately for each event loop."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astakosclient.http1.aio.async_connection import AsyncConnection


class AsyncPool:
    """The connections of one transport on one event loop, in one process.

    Attributes:
        loop: the event loop; only code on this loop may use the connections.
        pid: the process that created the pool.
    """

    __slots__ = ("_idle", "_is_shut", "_permits", "_size", "loop", "pid")

    def __init__(self, loop: asyncio.AbstractEventLoop, size: int) -> None:
        """Creates an empty pool that allows ``size`` open connections."""
        self.loop = loop
        self.pid = os.getpid()
        self._size = size
        self._idle: list[AsyncConnection] = []
        self._permits = asyncio.Semaphore(size)
        self._is_shut = False

    @property
    def holds_open(self) -> bool:
        """Whether the pool has an open idle connection of this process."""
        return self.pid == os.getpid() and any(connection.is_open for connection in self._idle)

    @property
    def is_left(self) -> bool:
        """Whether the pool is abandoned: its loop is closed, or belongs to another process."""
        return self.loop.is_closed() or self.pid != os.getpid()

    async def enter(self, deadline: float) -> None:
        """Waits until a connection may be used; call `leave` afterwards.

        Raises:
            TimeoutError: all connections stayed in use until the deadline.
        """
        if not self._permits.locked():
            await self._permits.acquire()
            return
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await self._permits.acquire()
        except TimeoutError:
            raise TimeoutError(f"all {self._size} connections of the pool stayed in use") from None

    def leave(self) -> None:
        """Ends a use that `enter` began."""
        self._permits.release()

    def take(self) -> AsyncConnection | None:
        """Returns an open idle connection, or None; prefers the last used, least likely to time out."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_quiet():
                return connection
        return None

    def give_back(self, connection: AsyncConnection) -> None:
        """Adds a connection to the pool, or closes it if it is not reusable or the pool is shut down."""
        if connection.is_reusable() and not self._is_shut:
            self._idle.append(connection)
        else:
            connection.close()

    def shut(self) -> None:
        """Closes idle connections now, and connections in use when they are returned.

        Safe to call from any thread: a loop that runs in another thread closes its own connections.
        """
        self._is_shut = True
        if not self.is_left and self.loop.is_running() and not _runs_here(self.loop):
            try:
                self.loop.call_soon_threadsafe(self._close_idle)
            except RuntimeError:
                # The loop was closed in the meantime.
                self._close_idle()
        else:
            self._close_idle()

    def _close_idle(self) -> None:
        while self._idle:
            self._idle.pop().close()


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
