"""What the clients have seen: latencies by kind, and answers that were not the right ones, by fault."""

import math
import time
from collections import Counter
from dataclasses import dataclass, field

CALM = "calm"
FINENESS = math.log(1.02)
LEAST_SECONDS = 1e-5
MOST_PROBLEMS = 200
FURTHER = "a further problem"
AFTER_A_FAULT_SECONDS = 3.0
"""For so long after it is over, what goes wrong is put down to a fault."""


class Latencies:
    """Latencies in buckets of 2%, so that hours of them take no room."""

    def __init__(self) -> None:
        self.counts: Counter[int] = Counter()
        self.longest = 0.0

    def note(self, seconds: float) -> None:
        """Counts one."""
        self.counts[round(math.log(max(seconds, LEAST_SECONDS)) / FINENESS)] += 1
        self.longest = max(self.longest, seconds)

    def quantile(self, share: float) -> float:
        """The latency in seconds that this share of the calls did not exceed."""
        rest = share * self.total
        for bucket in sorted(self.counts):
            rest -= self.counts[bucket]
            if rest <= 0:
                return min(math.exp(bucket * FINENESS), self.longest)
        return self.longest

    @property
    def total(self) -> int:
        """How many were counted."""
        return self.counts.total()


@dataclass
class Interval:
    """Some seconds of the run.

    Attributes:
        begin: seconds since the run began.
    """

    begin: float
    latencies: dict[str, Latencies] = field(default_factory=dict)
    errors: int = 0


class Tally:
    """The whole run, in intervals."""

    def __init__(self, interval: float) -> None:
        self.began = time.monotonic()
        self.intervals: list[Interval] = [Interval(0.0)]
        self.calm: dict[str, Latencies] = {}
        self.errors: Counter[tuple[str, str, str]] = Counter()
        """By fault, kind of call, and what came instead of the right answer."""
        self.problems: Counter[str] = Counter()
        """What must never happen, whatever the fault."""
        self.calls = 0
        self._interval = interval
        self._fault = CALM
        self._over = 0.0

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.began

    @property
    def fault(self) -> str:
        """The fault that is under way, or was a moment ago."""
        if self._over and time.monotonic() > self._over:
            self._fault, self._over = CALM, 0.0
        return self._fault

    def begin_fault(self, name: str) -> None:
        """What goes wrong from now on is put down to this."""
        self._fault, self._over = name, 0.0

    def end_fault(self) -> None:
        """The service answers again; clients need a moment to notice."""
        self._over = time.monotonic() + AFTER_A_FAULT_SECONDS

    def answered(self, kind: str, seconds: float, fault: str) -> None:
        """Counts an answer, right or wrong; `fault` is the one when it was asked for."""
        self.calls += 1
        self._current().latencies.setdefault(kind, Latencies()).note(seconds)
        if fault == CALM == self.fault:
            self.calm.setdefault(kind, Latencies()).note(seconds)

    def error(self, kind: str, what: str, fault: str) -> None:
        """Counts what came instead of the right answer."""
        self._current().errors += 1
        self.errors[(fault if fault != CALM else self.fault, kind, what)] += 1

    def problem(self, what: str) -> None:
        """Notes what must never happen."""
        known = what in self.problems or len(self.problems) < MOST_PROBLEMS
        self.problems[what if known else FURTHER] += 1

    def _current(self) -> Interval:
        if self.elapsed >= self.intervals[-1].begin + self._interval:
            whole = int(self.elapsed / self._interval) * self._interval
            self.intervals.append(Interval(whole))
        return self.intervals[-1]
