"""A short-lived cache for values that are read often."""

import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

KEPT_SECONDS = 1.0
"""Maximum age of a value. A change, such as a revoked token, can go unnoticed for this long."""
MOST = 8192


class TtlCache(Generic[K, V]):
    """Caches the results of a function by its argument.

    None is not cached, so that a new token works at once, and guessed tokens do not fill the cache.
    """

    def __init__(self, read: Callable[[K], Awaitable[V | None]]) -> None:
        """Caches the results of `read`."""
        self._read = read
        self._values: dict[K, tuple[float, V]] = {}

    async def get(self, key: K) -> V | None:
        """Returns the value for a key, at most `KEPT_SECONDS` old. Does not wait if it is cached."""
        moment = time.monotonic()
        kept = self._values.get(key)
        if kept is not None and moment < kept[0]:
            return kept[1]
        value = await self._read(key)
        if value is None:
            self._values.pop(key, None)
        else:
            if len(self._values) >= MOST:
                self._values.clear()
            # The age counts from before the read, however long that took.
            self._values[key] = (moment + KEPT_SECONDS, value)
        return value

    def forget_one(self, key: K) -> None:
        """Removes the value for a key."""
        self._values.pop(key, None)

    def forget(self) -> None:
        """Removes all values."""
        self._values.clear()
