"""The clock of a service under test, which the test can advance and freeze."""

from __future__ import annotations

import math
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

MICROSECONDS = 1_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Clock:
    """The clock of a service; it follows this machine's clock until it is advanced or frozen.

    It determines when tokens and commissions expire, and which times the service records. It does not affect
    waiting: clients' timeouts and pauses take real time.

    Example:
        .. code-block:: python

            client.issue_commission(token, request, ttl=60)
            service.clock.advance(61)
            assert client.get_pending_commissions(token) == []
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        """Starts at the current time; ``changed`` is called after each change."""
        self._changed = changed
        self._lock = threading.Lock()
        self._ahead = 0
        self._frozen_at: int | None = None

    def now(self) -> int:
        """Returns the current instant in whole microseconds since 1970-01-01 UTC, like `astakos.clock`."""
        frozen_at = self._frozen_at
        return _real() + self._ahead if frozen_at is None else frozen_at

    @property
    def time(self) -> datetime:
        """The current time in UTC."""
        return EPOCH + timedelta(microseconds=self.now())

    def advance(self, seconds: float | timedelta) -> None:
        """Moves the clock forward; everything that expires by then has expired when this returns.

        Args:
            seconds: the number of seconds, or a duration like ``timedelta(days=31)``; not negative.

        Raises:
            ValueError: the time is negative or not finite.
        """
        if isinstance(seconds, timedelta):
            seconds = seconds.total_seconds()
        if not math.isfinite(seconds) or seconds < 0:
            raise ValueError(f"the clock can only advance by 0 seconds or more, not by {seconds!r}")
        with self._lock:
            step = round(seconds * MICROSECONDS)
            self._ahead += step
            if self._frozen_at is not None:
                self._frozen_at += step
        self._changed()

    def freeze(self) -> None:
        """Stops the clock; only `advance` moves it then."""
        with self._lock:
            self._frozen_at = self.now()

    def resume(self) -> None:
        """Lets the clock run again, from the time at which it stands."""
        with self._lock:
            if self._frozen_at is not None:
                self._ahead = self._frozen_at - _real()
                self._frozen_at = None


def _real() -> int:
    return time.time_ns() // 1000
