"""Does what is due by the clock besides the ledger's work, on a thread of its own, so that the engine waits
for nothing.
"""

import logging
import threading
from collections.abc import Callable

from astakos.clock import MICROSECONDS
from astakos.ledger.ports import StorageUnavailableError

PERIOD = 60 * MICROSECONDS
"""How much time passes between two turns."""
PAUSE_SECONDS = 0.01
"""How long other writers of the database have their turn between two of its changes."""
LONGEST_END_SECONDS = 1.0
"""How long the end of the process waits for the change that is under way. Left behind, it is rolled back, and
made by the next process."""

log = logging.getLogger("astakos.processes")

Work = Callable[[int, Callable[[], bool]], object]
"""Does what is due by an instant; asks between two changes whether to leave the rest for the next turn."""


class Housekeeping:
    """Takes a turn at the first instant that it is told, and then once a minute of the clock it is told."""

    longest_end = LONGEST_END_SECONDS

    def __init__(self, *work: Work) -> None:
        """Sets what to do in each turn. Each may raise anything: the next turn tries again."""
        self._work = work
        self._changed = threading.Condition()
        self._due: int | None = None
        self._last: int | None = None
        self._is_ending = threading.Event()
        # A daemon thread: a database that hangs must not keep the process from exiting.
        self._thread = threading.Thread(target=self._run, name="astakos-housekeeping", daemon=True)

    def start(self) -> None:
        """Begins to take turns."""
        self._thread.start()

    def tell_time(self, now: int) -> None:
        """Tells the present instant, by a clock that can be trusted. Does not wait."""
        # A clock that was set back begins a new minute, too.
        if self._last is None or abs(now - self._last) >= PERIOD:
            self._last = now
            with self._changed:
                self._due = now
                self._changed.notify()

    def begin_to_end(self) -> None:
        """Ends after the change that is under way. Does not wait."""
        self._is_ending.set()
        with self._changed:
            self._changed.notify()

    @property
    def has_ended(self) -> bool:
        """Whether no change is under way any more, and none will be."""
        return self._is_ending.is_set() and not self._thread.is_alive()

    def _run(self) -> None:
        while (due := self._next()) is not None:
            for work in self._work:
                if self._is_ending.is_set():
                    return
                self._do(work, due)

    def _do(self, work: Work, due: int) -> None:
        try:
            work(due, lambda: self._is_ending.wait(PAUSE_SECONDS))
        except StorageUnavailableError as error:
            log.warning("work by the clock failed, will retry: %s", error)
        except Exception:
            log.exception("work by the clock failed; will retry")

    def _next(self) -> int | None:
        """Waits for the next turn; returns its instant, or None to end."""
        with self._changed:
            self._changed.wait_for(lambda: self._due is not None or self._is_ending.is_set())
            due, self._due = self._due, None
        return None if self._is_ending.is_set() else due
