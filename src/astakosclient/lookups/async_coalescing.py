"""Combines the lookups of concurrent tasks; the asyncio version of `astakosclient.lookups.coalescing`."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from astakosclient.lookups.ttl_cache import TtlCache


class _Batch:
    """Keys to look up in one request; its own task sends it, so that no caller's cancellation stops it."""

    task: asyncio.Task[dict[str, str]]

    def __init__(self) -> None:
        self.wanted: set[str] = set()


class _LoopBatches:
    """The batches of one event loop."""

    def __init__(self) -> None:
        self.collecting: _Batch | None = None
        self.in_flight: _Batch | None = None


class AsyncCoalescedLookups:
    """Lookups of one kind, in one batch after another, with a cache."""

    def __init__(self, ask: Callable[[Iterable[str]], Awaitable[dict[str, str]]], cache: TtlCache) -> None:
        """Sets the function that sends a request, and the cache for its results."""
        self.cache = cache
        self._ask = ask
        self._batches: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopBatches] = (
            weakref.WeakKeyDictionary()
        )

    async def one(self, wanted: str) -> str | None:
        """Looks up one key, in a request shared with other tasks; returns None if it is unknown."""
        return self.cache.get(wanted) or (await self._together(wanted)).get(wanted)

    async def several(self, wanted: Iterable[str]) -> dict[str, str]:
        """Looks up several keys, in a request of its own; omits unknown keys."""
        known, unknown = self.cache.divide(wanted)
        if unknown:
            found = await self._ask(unknown)
            self.cache.add(found)
            known.update(found)
        return known

    async def _together(self, wanted: str) -> dict[str, str]:
        loop = asyncio.get_running_loop()
        batches = self._batches.setdefault(loop, _LoopBatches())
        if batches.collecting is None:
            batches.collecting = _Batch()
            batches.collecting.task = loop.create_task(self._send(batches, batches.collecting))
        joined = batches.collecting
        joined.wanted.add(wanted)
        return await asyncio.shield(joined.task)

    async def _send(self, batches: _LoopBatches, sent: _Batch) -> dict[str, str]:
        try:
            if batches.in_flight is not None:
                await asyncio.wait([batches.in_flight.task])
        finally:
            batches.collecting, batches.in_flight = None, sent
        found = await self._ask(sent.wanted)
        self.cache.add(found)
        return found
