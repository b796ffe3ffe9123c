"""Tasks that outlive the call that began them, for example settlements after a caller has gone."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Coroutine

TO_END = 0.5
"""Seconds that what is open has to end."""


class Background:
    """Tasks that nobody has to wait for, on one event loop or several."""

    def __init__(self) -> None:
        """Begins without tasks."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[weakref.ref[asyncio.Future[None]]] = set()

    def begin(self) -> asyncio.Future[None]:
        """Notes that something has begun that may start a task when it ends; a result says that it has ended.

        Whoever begins it keeps the future: it is forgotten with them.
        """
        begun = asyncio.get_running_loop().create_future()
        self._open.add(weakref.ref(begun, self._open.discard))
        return begun

    def start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Starts a task on the running event loop."""
        # Copied first, in one step: other event loops may run in other threads.
        for task in list(self._tasks):
            if task.get_loop().is_closed():
                self._tasks.discard(task)
        started = asyncio.get_running_loop().create_task(work)
        self._tasks.add(started)
        started.add_done_callback(self._tasks.discard)
        return started

    async def finish(self, seconds: float) -> None:
        """Waits until all tasks of the running event loop have ended, so long at most.

        Those that begin meanwhile count as well. What is open has a moment to end, in which what is cancelled
        starts its tasks.
        """
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        known = [begun() for begun in list(self._open)]
        still_open = [one for one in known if one is not None and one.get_loop() is loop and not one.done()]
        if still_open:
            await asyncio.wait(still_open, timeout=min(seconds, TO_END))
        while own := [task for task in list(self._tasks) if task.get_loop() is loop and not task.done()]:
            _, running = await asyncio.wait(own, timeout=max(0, until - loop.time()))
            if running:
                return
