"""Combines the lookups of concurrent threads into few requests.

A lookup starts a request at once if none is in flight. Lookups that arrive while one is in flight form the
next batch, which is sent when it completes. No lookup waits for a batch to fill.
"""

from __future__ import annotations

import copy
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from astakosclient.lookups.ttl_cache import TtlCache


class _Batch:
    """Keys to look up in one request; the thread that created the batch sends it."""

    def __init__(self, before: _Batch | None) -> None:
        self.before = before
        self.wanted: set[str] = set()
        self.found: dict[str, str] = {}
        self.error: BaseException | None = None
        self.done = threading.Event()


class CoalescedLookups:
    """Lookups of one kind, in one batch after another, with a cache."""

    def __init__(self, ask: Callable[[Iterable[str]], dict[str, str]], cache: TtlCache) -> None:
        """Sets the function that sends a request, and the cache for its results."""
        self.cache = cache
        self._ask = ask
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._collecting: _Batch | None = None
        self._in_flight: _Batch | None = None

    def one(self, wanted: str) -> str | None:
        """Looks up one key, in a request shared with other threads; returns None if it is unknown."""
        return self.cache.get(wanted) or self._together(wanted).get(wanted)

    def several(self, wanted: Iterable[str]) -> dict[str, str]:
        """Looks up several keys, in a request of its own; omits unknown keys."""
        known, unknown = self.cache.divide(wanted)
        if unknown:
            found = self._ask(unknown)
            self.cache.add(found)
            known.update(found)
        return known

    def _together(self, wanted: str) -> dict[str, str]:
        if self._pid != os.getpid():
            # After a fork, the threads that lead the batches do not exist in this process.
            self._reset()
        with self._lock:
            leads = self._collecting is None
            if self._collecting is None:
                self._collecting = _Batch(self._in_flight)
            joined = self._collecting
            joined.wanted.add(wanted)
        if leads:
            self._lead(joined)
        else:
            joined.done.wait()
            if joined.error is not None:
                # A copy, because each thread that raises the exception adds its own traceback.
                raise copy.copy(joined.error)
        return joined.found

    def _lead(self, led: _Batch) -> None:
        try:
            if led.before is not None:
                led.before.done.wait()
                led.before = None
            with self._lock:
                self._collecting = None
                self._in_flight = led
            led.found = self._ask(led.wanted)
            self.cache.add(led.found)
        except BaseException as error:
            led.error = error
            raise
        finally:
            if self._collecting is led:
                # Interrupted while waiting: no other thread may join this batch.
                self._collecting = None
            led.done.set()
