"""Values that are read so often that they are kept for a moment."""

import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

KEPT_SECONDS = 1.0
"""How old a kept value may become; so long may a change, such as a withdrawn token, go unnoticed."""
MOST = 8192


class TtlCache(Generic[K, V]):
    """What a function answers, by its argument, asked again when the answer has become too old.

    An answer of None is not kept, so that a new token works at once, and guessing tokens fills nothing.
    """

    def __init__(self, read: Callable[[K], Awaitable[V | None]]) -> None:
        """Keep what `read` answers."""
        self._read = read
        self._values: dict[K, tuple[float, V]] = {}

    async def get(self, key: K) -> V | None:
        """The answer for a key, at most `KEPT_SECONDS` old; nothing is waited for if it is kept."""
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
            # It is as old as the question, however long the answer took.
            self._values[key] = (moment + KEPT_SECONDS, value)
        return value

    def forget_one(self, key: K) -> None:
        """Ask anew for one key from now on."""
        self._values.pop(key, None)

    def forget(self) -> None:
        """Ask anew from now on."""
        self._values.clear()
