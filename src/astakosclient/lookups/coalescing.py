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
    """Keys to look up in one request; the thread that created the batch sends it.

    ``found`` and ``error`` are both None if the thread was interrupted before it had an answer.
    """

    def __init__(self) -> None:
        self.before: _Batch | None = None
        self.wanted: set[str] = set()
        self.found: dict[str, str] | None = None
        self.error: Exception | None = None
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
        while True:
            own = _Batch()
            try:
                joined = self._join(wanted, own)
                if joined is own:
                    return self._lead(own)
            finally:
                self._end(own)
            joined.done.wait()
            if joined.error is not None:
                # A copy, because each thread that raises the exception adds its own traceback.
                raise copy.copy(joined.error)
            if joined.found is not None:
                return joined.found

    def _join(self, wanted: str, own: _Batch) -> _Batch:
        """Adds a key to the batch that is collecting; if there is none, ``own`` becomes it."""
        with self._lock:
            if self._collecting is None:
                own.before = self._in_flight
                self._collecting = own
            self._collecting.wanted.add(wanted)
            return self._collecting

    def _lead(self, led: _Batch) -> dict[str, str]:
        if led.before is not None:
            led.before.done.wait()
            led.before = None
        with self._lock:
            self._collecting = None
            self._in_flight = led
        try:
            found = self._ask(led.wanted)
        except Exception as error:
            led.error = error
            raise
        self.cache.add(found)
        led.found = found
        return found

    def _end(self, led: _Batch) -> None:
        """Releases the threads that wait for a batch, also if an interrupt ended the thread that leads it."""
        with self._lock:
            if self._collecting is led:
                self._collecting = None
        led.done.set()
