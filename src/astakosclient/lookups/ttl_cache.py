"""What has been looked up, for a while: bounded in number and in age."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict
from typing import TYPE_CHECKING

from astakosclient.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

SIZE = 10_000
AGE_SECONDS = 300.0


class Remembered:
    """Answers by what was asked; the one used longest ago is forgotten first. Threads may share it."""

    def __init__(
        self, size: int = SIZE, age: float = AGE_SECONDS, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Remember nothing yet.

        Args:
            size: how many answers are kept at most.
            age: for how many seconds an answer is good.
            clock: what the time is, in seconds.

        Raises:
            BadValue: a number cannot be right.
        """
        if not isinstance(size, int) or size < 1:
            raise BadValue(f"size must be a number of answers, 1 or more, not {size!r}")
        if not isinstance(age, int | float) or not math.isfinite(age) or age <= 0:
            raise BadValue(f"age must be a positive number of seconds, not {age!r}")
        self._size = size
        self._age = age
        self._clock = clock
        self._lock = threading.Lock()
        self._answers: OrderedDict[str, tuple[float, str]] = OrderedDict()

    def get(self, asked: str) -> str | None:
        """The answer, if there is one that is still good."""
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
        """What is known of several, and which are not."""
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
        """Remember these from now on."""
        until = self._clock() + self._age
        with self._lock:
            for asked, answer in answers.items():
                self._answers[asked] = (until, answer)
                self._answers.move_to_end(asked)
            while len(self._answers) > self._size:
                self._answers.popitem(last=False)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._answers.clear()
