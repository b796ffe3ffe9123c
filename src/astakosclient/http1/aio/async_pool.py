"""Connections kept open between the calls of one event loop."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astakosclient.http1.aio.async_connection import AsyncConnection


class AsyncPool:
    """The kept connections of one client on one event loop, in one process.

    Attributes:
        loop: whose connections they are; only on it may they be used.
        pid: the process that opened them.
    """

    __slots__ = ("_idle", "_is_shut", "_permits", "_size", "loop", "pid")

    def __init__(self, loop: asyncio.AbstractEventLoop, size: int) -> None:
        """Let at most ``size`` connections be open."""
        self.loop = loop
        self.pid = os.getpid()
        self._size = size
        self._idle: list[AsyncConnection] = []
        self._permits = asyncio.Semaphore(size)
        self._is_shut = False

    @property
    def holds_open(self) -> bool:
        """Whether a connection of this process lies here idle."""
        return self.pid == os.getpid() and any(connection.is_open for connection in self._idle)

    @property
    def is_left(self) -> bool:
        """Whether nobody can use it any more: its loop is closed, or another process's."""
        return self.loop.is_closed() or self.pid != os.getpid()

    async def enter(self, deadline: float) -> None:
        """Wait until one more connection may be out; then `leave` must follow.

        Raises:
            TimeoutError: all were out until the deadline.
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
        """Let another one in."""
        self._permits.release()

    def take(self) -> AsyncConnection | None:
        """The connection used last, if one is idle and still open: that one is least likely to be closed."""
        while self._idle:
            connection = self._idle.pop()
            if connection.is_quiet():
                return connection
        return None

    def give_back(self, connection: AsyncConnection) -> None:
        """Keep a connection for the next call, unless that cannot be."""
        if connection.is_reusable() and not self._is_shut:
            self._idle.append(connection)
        else:
            connection.close()

    def shut(self) -> None:
        """Close what is idle, and what is out when it comes back.

        May be called from anywhere: what belongs to a loop that runs elsewhere is closed by that loop.
        """
        self._is_shut = True
        if not self.is_left and self.loop.is_running() and not _runs_here(self.loop):
            try:
                self.loop.call_soon_threadsafe(self._close_idle)
            except RuntimeError:
                # It has been closed meanwhile.
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
