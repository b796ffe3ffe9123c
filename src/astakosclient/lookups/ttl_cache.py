"""A thread-safe cache with a maximum size and a maximum age (time to live)."""

from __future__ import annotations

import sys
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from astakosclient.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SIZE = 10_000
AGE_SECONDS = 300.0


class TtlCache:
    """Caches strings by key; evicts the least recently used. Thread-safe."""

    def __init__(
        self, size: int = SIZE, age: float = AGE_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Creates an empty cache.

        Args:
            size: maximum number of entries.
            age: maximum age of an entry, in seconds.
            clock: returns the current time, in seconds.

        Raises:
            BadValue: ``size`` or ``age`` is not a positive number.
        """
        if not isinstance(size, int) or size < 1:
            raise BadValue(f"size must be a number of entries, 1 or more, not {size!r}")
        if not isinstance(age, int | float) or not 0 < age <= sys.float_info.max:
            raise BadValue(f"age must be a positive number of seconds, not {age!r}")
        self._size = size
        self._age = age
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def get(self, asked: str) -> str | None:
        """Returns the value for a key, or None if it is missing or too old."""
        with self._lock:
            found = self._answers.get(asked)
            if found is None:
                return None
            until, answer = found
            if until <= self._clock():
                del self._answers[asked]
                return None
            self._answers.move_to_end(asked)
            return answer

    def divide(self, asked: Iterable[str]) -> tuple[dict[str, str], list[str]]:
        """Returns the cached entries for the given keys, and the keys that are not cached."""
        known: dict[str, str] = {}
        unknown: list[str] = []
        for one in dict.fromkeys(asked):
            answer = self.get(one)
            if answer is None:
                unknown.append(one)
            else:
                known[one] = answer
        return known, unknown

    def add(self, answers: Mapping[str, str]) -> None:
        """Adds or replaces entries; their age starts now."""
        until = self._clock() + self._age
        with self._lock:
            for asked, answer in answers.items():
                self._answers[asked] = (until, answer)
                self._answers.move_to_end(asked)
            while len(self._answers) > self._size:
                self._answers.popitem(last=False)

    def clear(self) -> None:
        """Removes all entries."""
        with self._lock:
            self._answers.clear()
