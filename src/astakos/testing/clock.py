"""The time of a service under test, which passes when the test says so."""

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
    """Goes with this machine's clock until it is advanced or frozen.

    It rules when tokens and commissions expire, and which times the service notes. It does not rule how long
    anybody waits: timeouts and pauses of clients are real.

    Example:
        .. code-block:: python

            client.issue_commission(token, request, ttl=60)
            service.clock.advance(61)
            assert client.get_pending_commissions(token) == []
    """

    def __init__(self, changed: Callable[[], None] = lambda: None) -> None:
        """Begin at the present time; ``changed`` is called after each change."""
        self._changed = changed
        self._lock = threading.Lock()
        self._ahead = 0
        self._frozen_at: int | None = None

    def now(self) -> int:
        """The instant in whole microseconds since 1970-01-01 UTC, as the service counts them."""
        frozen_at = self._frozen_at
        return _real() + self._ahead if frozen_at is None else frozen_at

    @property
    def time(self) -> datetime:
        """The same as a date, in UTC."""
        return EPOCH + timedelta(microseconds=self.now())

    def advance(self, seconds: float | timedelta) -> None:
        """Let time pass at once; what is over by then has ended when this returns.

        Args:
            seconds: how many, or a duration such as ``timedelta(days=31)``; not negative.

        Raises:
            ValueError: it is negative or no finite number.
        """
        if isinstance(seconds, timedelta):
            seconds = seconds.total_seconds()
        if not math.isfinite(seconds) or seconds < 0:
            raise ValueError(f"time passes by 0 seconds or more, not by {seconds!r}")
        with self._lock:
            step = round(seconds * MICROSECONDS)
            self._ahead += step
            if self._frozen_at is not None:
                self._frozen_at += step
        self._changed()

    def freeze(self) -> None:
        """Stand still from now on; only `advance` moves it."""
        with self._lock:
            self._frozen_at = self.now()

    def resume(self) -> None:
        """Go on from where it was frozen."""
        with self._lock:
            if self._frozen_at is not None:
                self._ahead = self._frozen_at - _real()
                self._frozen_at = None


def _real() -> int:
    return time.time_ns() // 1000
