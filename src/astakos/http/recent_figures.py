"""What all processes of a service have counted, now and a minute ago, for the page that shows how it is."""

import threading
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import pairwise
from typing import Final

import msgspec

from astakos.distribution import Distribution
from astakos.http.request_counts import SECONDS, Report
from astakos.ledger.engine import Engine
from astakos.ledger.statistics import BATCH_SECONDS, Fate

ISSUING: Final = ("/account/v1.0/commissions", "POST")
PERIOD_SECONDS: Final = 10.0
"""How far apart the samples are."""
WINDOW_SECONDS: Final = 60.0
"""Over how long what happens in a second is averaged."""
KEPT: Final = 31
"""How many samples are kept: those of five minutes."""
SERVER_ERROR: Final = 500

Collect = Callable[[], tuple[int, Report]]
"""Returns how many processes answer HTTP, and the sum of their reports."""


class Durations(msgspec.Struct):
    """A histogram of durations (see `Distribution`)."""

    counts: list[int]
    total: float = 0


class Counts(msgspec.Struct):
    """What was counted since the service started, and how it is now.

    Attributes:
        at: seconds since the service started.
        processes: how many processes answer HTTP.
        fates: commissions by what has happened to them.
        refused: operations that the ledger refused.
        operations: operations in batches.
        batches: the durations of batches.
        failed: transactions that failed.
        repeated: transactions that were repeated.
        requests: the durations of all requests.
        issuing: those of requests that issue a commission.
        errors: requests that were answered with a status from 500 on, by method and route.
        under_way: operations that are not answered yet.
        busy: operations that were refused because too many were not answered yet.
        late: operations that took too long.
        cpu_seconds: the CPU time of the processes that answer HTTP.
        resident_bytes: their memory.
        has_stopped: whether the ledger refuses all operations.
        clock_is_held: whether nothing expires because the clock contradicts the elapsed time.
    """

    at: float
    processes: int
    fates: dict[str, int]
    refused: int
    operations: float
    batches: Durations
    failed: int
    repeated: int
    requests: Durations
    issuing: Durations
    errors: dict[str, int]
    under_way: int
    busy: int
    late: int
    cpu_seconds: float
    resident_bytes: int
    has_stopped: bool
    clock_is_held: bool


class Figures(msgspec.Struct):
    """What was counted now, and before; and how many commissions were issued in a second, in each period."""

    now: Counts
    before: Counts
    course: list[float]


class RecentFigures:
    """Takes samples of what was counted. Any thread may use it."""

    def __init__(self, engine: Engine, collect: Collect) -> None:
        """Starts to count the time."""
        self._engine = engine
        self._collect = collect
        self._began = time.monotonic()
        self._samples: deque[Counts] = deque(maxlen=KEPT)
        self._lock = threading.Lock()

    def sample(self) -> Counts:
        """Returns what was counted until now, and keeps it if the last sample is old enough."""
        processes, report = self._collect()
        with self._lock:
            counts = _counts(time.monotonic() - self._began, self._engine, processes, report)
            if not self._samples or counts.at - self._samples[-1].at >= PERIOD_SECONDS:
                self._samples.append(counts)
        return counts

    def figures(self) -> bytes:
        """Returns `Figures` of now, as JSON."""
        now = self.sample()
        with self._lock:
            samples = list(self._samples)
        return msgspec.json.encode(Figures(now, _before(now, samples), list(_course(samples))))


def _before(now: Counts, samples: Sequence[Counts]) -> Counts:
    """Returns the last sample that is a window old, or the start of the service if none is."""
    old = [one for one in samples if now.at - one.at >= WINDOW_SECONDS]
    return old[-1] if old else _nothing()


def _course(samples: Sequence[Counts]) -> Iterable[float]:
    for before, after in pairwise(samples):
        yield (after.fates[Fate.ISSUED] - before.fates[Fate.ISSUED]) / (after.at - before.at)


def _nothing() -> Counts:
    none, batches = Durations([0] * (len(SECONDS) + 1)), Durations([0] * (len(BATCH_SECONDS) + 1))
    fates = {fate.value: 0 for fate in Fate}
    return Counts(0, 0, fates, 0, 0, batches, 0, 0, none, none, {}, 0, 0, 0, 0, 0, False, False)


def _counts(at: float, engine: Engine, processes: int, report: Report) -> Counts:
    requests, issuing = Distribution(SECONDS), Distribution(SECONDS)
    errors: dict[str, int] = {}
    for one in report.requests:
        requests.add_all(one.counts, one.total)
        if (one.route, one.method) == ISSUING:
            issuing.add_all(one.counts, one.total)
        if one.status >= SERVER_ERROR:
            called = f"{one.method} {one.route}"
            errors[called] = errors.get(called, 0) + sum(one.counts)
    statistics = engine.statistics
    return Counts(
        at,
        processes,
        {fate.value: count for fate, count in statistics.fates.items()},
        sum(statistics.refusals.values()),
        statistics.sizes.total,
        _durations(statistics.seconds),
        statistics.failed,
        engine.repeats,
        _durations(requests),
        _durations(issuing),
        errors,
        report.under_way,
        report.refused,
        report.late,
        report.cpu_seconds,
        report.resident_bytes,
        engine.has_stopped,
        engine.clock.is_held,
    )


def _durations(found: Distribution) -> Durations:
    return Durations(list(found.counts), found.total)


def in_this_process(figures: RecentFigures) -> Callable[[], Awaitable[bytes]]:
    """Returns what to ask for figures where one process does everything."""

    async def ask() -> bytes:
        return figures.figures()

    return ask
