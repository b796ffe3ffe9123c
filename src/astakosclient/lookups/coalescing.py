"""Look-ups that concurrent threads ask for together.

Whoever asks while a request is under way joins the next one, with all others that came meanwhile; who asks
while none is, is served at once. So nobody waits for others to come, and many look-ups cost one request.
"""

from __future__ import annotations

import copy
import os
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from astakosclient.lookups.ttl_cache import Remembered


class _Round:
    """One request for all that is asked together; led by the thread that began it."""

    def __init__(self, before: _Round | None) -> None:
        self.before = before
        self.wanted: set[str] = set()
        self.found: dict[str, str] = {}
        self.error: BaseException | None = None
        self.done = threading.Event()


class Rounds:
    """Look-ups of one kind, a round of requests after the other; what was found is remembered."""

    def __init__(self, ask: Callable[[Iterable[str]], dict[str, str]], remembered: Remembered) -> None:
        """Ask by a function, and remember what it returns."""
        self.remembered = remembered
        self._ask = ask
        self._begin_anew()

    def _begin_anew(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._gathering: _Round | None = None
        self._under_way: _Round | None = None

    def one(self, wanted: str) -> str | None:
        """The answer to one question, or None; it shares its request with others."""
        return self.remembered.get(wanted) or self._together(wanted).get(wanted)

    def several(self, wanted: Iterable[str]) -> dict[str, str]:
        """The answers to several, those left out that have none; in a request of its own."""
        known, unknown = self.remembered.divide(wanted)
        if unknown:
            found = self._ask(unknown)
            self.remembered.add(found)
            known.update(found)
        return known

    def _together(self, wanted: str) -> dict[str, str]:
        if self._pid != os.getpid():
            # The threads that led the rounds are not in this process.
            self._begin_anew()
        with self._lock:
            leads = self._gathering is None
            if self._gathering is None:
                self._gathering = _Round(self._under_way)
            joined = self._gathering
            joined.wanted.add(wanted)
        if leads:
            self._lead(joined)
        else:
            joined.done.wait()
            if joined.error is not None:
                # Each thread adds its own traceback.
                raise copy.copy(joined.error)
        return joined.found

    def _lead(self, led: _Round) -> None:
        try:
            if led.before is not None:
                led.before.done.wait()
                led.before = None
            with self._lock:
                self._gathering = None
                self._under_way = led
            led.found = self._ask(led.wanted)
            self.remembered.add(led.found)
        except BaseException as error:
            led.error = error
            raise
        finally:
            if self._gathering is led:
                # Interrupted while it waited: nobody may join it any more.
                self._gathering = None
            led.done.set()
