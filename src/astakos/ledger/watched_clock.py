"""The engine's clock: compared with the elapsed time, and with what is recorded about it in the storage."""

import logging
from collections.abc import Callable
from typing import NamedTuple

from astakos.clock import MICROSECONDS
from astakos.ledger.clock_guard import ClockGuard, ClockRecord
from astakos.ledger.ports import LedgerStorage

LOOK_MICROSECONDS = 60 * MICROSECONDS
"""How often the record is read while nothing is held; while something is, it is read at each look."""

log = logging.getLogger("astakos.ledger")


class Reading(NamedTuple):
    """What the clock shows.

    Attributes:
        now: the present instant.
        due: the instant up to which commissions may expire; 0 if none may.
        standing: while none may, the last instant at which the clock was right; None if nobody knows.
    """

    now: int
    due: int
    standing: int | None = None


class WatchedClock:
    """A clock that says whether anything may end by it."""

    def __init__(
        self, clock: Callable[[], int], elapsed: Callable[[], int] | None = None, boot: str = ""
    ) -> None:
        """Watches a clock.

        Args:
            clock: returns the present instant.
            elapsed: returns the elapsed time, which nobody can set; None for a clock that cannot jump.
            boot: what identifies the start of the machine from which the elapsed time counts.
        """
        self._clock = clock
        self._elapsed = elapsed
        self._boot = boot
        self._guard: ClockGuard | None = None
        self._known = ClockRecord()
        self._looked = 0
        self._last_right: int | None = None

    @property
    def is_held(self) -> bool:
        """Whether nothing may end by the clock, because it contradicts the elapsed time."""
        return self._guard is not None and self._guard.is_held

    @property
    def ahead(self) -> int:
        """By how many microseconds the clock is ahead of the elapsed time; negative if it is behind."""
        return 0 if self._guard is None else self._guard.ahead

    def read(self) -> Reading:
        """Reads the clock, and compares it with the elapsed time."""
        now = self._clock()
        if self._elapsed is None:
            return Reading(now, now)
        if self._guard is None:
            # Until the record has been read, nobody knows whether the clock is right.
            return Reading(now, 0)
        self._guard.observe(now, self._elapsed())
        if not self._guard.is_held:
            self._last_right = now
            return Reading(now, now)
        if self._last_right is None and self._guard.anchor is not None:
            # An earlier process has found out how wrong the clock is.
            self._last_right = now - self._guard.ahead
        return Reading(now, 0, self._last_right)

    def look(self, storage: LedgerStorage) -> None:
        """Records what has been found, and heeds what others have recorded. To be called about once a second.

        Raises:
            StorageUnavailableError: the storage cannot work now.
        """
        if self._elapsed is None:
            return
        elapsed = self._elapsed()
        self.read()
        if self._guard is not None and self._is_recorded(self._guard):
            pause = 0 if self._guard.is_held else LOOK_MICROSECONDS
            if elapsed - self._looked < pause:
                return
        record = storage.read_clock_record()
        self._looked = elapsed
        if self._guard is None:
            self._guard = ClockGuard(record, self._boot)
            self._known = record._replace(is_held=False)
        guard = self._guard
        guard.set_bounds(record)
        if self._known.is_held and not record.is_held and guard.is_held:
            guard.accept(self._clock(), elapsed)
        elif record.is_held and not self._known.is_held:
            guard.is_held = True
        self.read()
        if (guard.anchor, guard.is_held) != (record.anchor, record.is_held):
            storage.save_clock_record(anchor=guard.anchor, is_held=guard.is_held)
        self._tell(was_held=self._known.is_held)
        self._known = record._replace(anchor=guard.anchor, is_held=guard.is_held)

    def _is_recorded(self, guard: ClockGuard) -> bool:
        return (guard.anchor, guard.is_held) == (self._known.anchor, self._known.is_held)

    def _tell(self, *, was_held: bool) -> None:
        guard = self._guard
        if guard is None or guard.is_held == was_held:
            return
        if guard.is_held:
            log.critical(
                "the clock contradicts the elapsed time (by %+d s): nothing expires and nothing is deleted "
                "until it has been right for %d s, or until an operator runs `astakos clock accept`",
                guard.ahead // MICROSECONDS,
                self._known.agreement_seconds,
            )
        else:
            log.warning("the clock is right again, or accepted: commissions expire again")
