"""Long loops in a handler, with pauses in which other requests have their turn."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import TypeVar

T = TypeVar("T")


async def with_pauses(items: Iterable[T], after: int) -> AsyncIterator[T]:
    """Yields the items, and lets the event loop go on each time it has yielded so many."""
    for number, item in enumerate(items, 1):
        yield item
        if number % after == 0:
            await asyncio.sleep(0)
