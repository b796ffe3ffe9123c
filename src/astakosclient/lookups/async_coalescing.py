"""Look-ups that concurrent tasks ask for together; as `astakosclient.lookups.coalescing`, on event loops."""

from __future__ import annotations

import asyncio
import weakref
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from astakosclient.lookups.ttl_cache import Remembered


class _Round:
    """One request for all that is asked together, in a task of its own: nobody's cancellation ends it."""

    task: asyncio.Task[dict[str, str]]

    def __init__(self) -> None:
        self.wanted: set[str] = set()


class _OfOneLoop:
    """The rounds of one event loop."""

    def __init__(self) -> None:
        self.gathering: _Round | None = None
        self.under_way: _Round | None = None


class AsyncRounds:
    """Look-ups of one kind, a round of requests after the other; what was found is remembered."""

    def __init__(
        self, ask: Callable[[Iterable[str]], Awaitable[dict[str, str]]], remembered: Remembered
    ) -> None:
        """Ask by a function, and remember what it returns."""
        self.remembered = remembered
        self._ask = ask
        self._rounds: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _OfOneLoop] = (
            weakref.WeakKeyDictionary()
        )

    async def one(self, wanted: str) -> str | None:
        """The answer to one question, or None; it shares its request with others."""
        return self.remembered.get(wanted) or (await self._together(wanted)).get(wanted)

    async def several(self, wanted: Iterable[str]) -> dict[str, str]:
        """The answers to several, those left out that have none; in a request of its own."""
        known, unknown = self.remembered.divide(wanted)
        if unknown:
            found = await self._ask(unknown)
            self.remembered.add(found)
            known.update(found)
        return known

    async def _together(self, wanted: str) -> dict[str, str]:
        loop = asyncio.get_running_loop()
        rounds = self._rounds.setdefault(loop, _OfOneLoop())
        if rounds.gathering is None:
            rounds.gathering = _Round()
            rounds.gathering.task = loop.create_task(self._carry(rounds, rounds.gathering))
        joined = rounds.gathering
        joined.wanted.add(wanted)
        return await asyncio.shield(joined.task)

    async def _carry(self, rounds: _OfOneLoop, carried: _Round) -> dict[str, str]:
        try:
            if rounds.under_way is not None:
                await asyncio.wait([rounds.under_way.task])
        finally:
            rounds.gathering, rounds.under_way = None, carried
        found = await self._ask(carried.wanted)
        self.remembered.add(found)
        return found
