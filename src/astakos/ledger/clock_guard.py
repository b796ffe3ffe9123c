"""Decides whether anything may end by the clock: not while the clock contradicts the time that has passed.

A clock that jumps forward would end every commission with a time to live, and delete every idempotency key
and log entry, for good. So the ledger compares its clock with one that nobody can set. If they disagree by
more than a tolerance, it holds: nothing expires and nothing is deleted, until the two have agreed again for
some time, or an operator accepts the new time.
"""

from typing import NamedTuple

from astakos.clock import MICROSECONDS

JUMP_SECONDS = 300
AGREEMENT_SECONDS = 600


class ClockAnchor(NamedTuple):
    """What the clock has to show.

    Attributes:
        offset: the right clock minus the elapsed time.
        boot: the start of the machine within which the elapsed time counts; see `astakos.clock.boot`.
    """

    offset: int
    boot: str


class ClockRecord(NamedTuple):
    """What the storage holds about the clock, for all processes and for operators.

    Attributes:
        jump_seconds: the tolerance.
        agreement_seconds: how long the clocks must agree before a hold ends.
        anchor: the anchor of the engine that recorded one last.
        is_held: whether an engine holds what would end by the clock.
    """

    jump_seconds: int = JUMP_SECONDS
    agreement_seconds: int = AGREEMENT_SECONDS
    anchor: ClockAnchor | None = None
    is_held: bool = False


class ClockGuard:
    """Compares a clock with the elapsed time.

    Attributes:
        is_held: whether nothing may end by the clock now.
        ahead: how far the clock is ahead of what it has to show, in microseconds; negative if it is behind.
        anchor: what the clock has to show; None if that is unknown.
    """

    def __init__(self, record: ClockRecord, boot: str) -> None:
        """Begins with what earlier processes have recorded since this start of the machine."""
        self.is_held = record.is_held
        self.ahead = 0
        self.anchor = record.anchor if record.anchor and record.anchor.boot == boot != "" else None
        self._boot = boot
        self._agreeing_since: int | None = None
        self.set_bounds(record)

    def set_bounds(self, record: ClockRecord) -> None:
        """Uses these bounds from now on."""
        self._tolerance = record.jump_seconds * MICROSECONDS
        self._agreement = record.agreement_seconds * MICROSECONDS

    def observe(self, now: int, elapsed: int) -> None:
        """Compares what the clock shows with the elapsed time, both read at the same moment."""
        if self.anchor is None:
            if not self.is_held:
                self.accept(now, elapsed)
            return
        self.ahead = now - elapsed - self.anchor.offset
        if abs(self.ahead) > self._tolerance:
            self.is_held = True
            self._agreeing_since = None
        elif self._agreeing_since is None:
            self._agreeing_since = elapsed
        elif elapsed - self._agreeing_since >= self._agreement:
            # Small corrections of the clock must not add up to a jump over the months.
            self.accept(now, elapsed)

    def accept(self, now: int, elapsed: int) -> None:
        """Takes what the clock shows for right."""
        self.anchor = ClockAnchor(now - elapsed, self._boot)
        self.is_held = False
        self.ahead = 0
        self._agreeing_since = elapsed
