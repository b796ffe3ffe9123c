"""Runs the processes of a service: this one has the ledger's engine, and workers answer HTTP.

The engine and the event loops therefore do not wait for each other's interpreter, and more cores answer more
requests. The main thread starts, watches and ends the others. It waits for nothing but them and signals, so
that a signal is heard at once, whatever the database does.

The end has a bound, whatever hangs: see `longest_end`. First the workers finish what callers wait for. What
nobody waits for begins to end with them, and is left behind when its own time is over.
"""

import contextlib
import logging
import selectors
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Final, Protocol

from astakos import clock
from astakos.http.recent_figures import PERIOD_SECONDS, RecentFigures
from astakos.ledger.engine import Engine
from astakos.ledger.ports import LedgerStorage
from astakos.ledger.watched_clock import WatchedClock
from astakos.processes.configuration import Instructions
from astakos.processes.engine_thread import EngineThread
from astakos.processes.listening import refuse_newcomers
from astakos.processes.memory import keep_giving_back, keep_what_is_there
from astakos.processes.reports import Reports
from astakos.processes.worker_process import WorkerProcess
from astakos.server.limits import STOP_SECONDS
from astakos.service.pool import CLOSING_SECONDS
from astakos.storage.opening import ledger_clock
from astakos.tracing.spans import BatchSpans

UNREADY_ENDS_AT_MOST = 5
"""Consecutive workers that may exit before they are ready, once the service is. Each takes half a second."""
OVERDUE_SECONDS: Final = STOP_SECONDS + CLOSING_SECONDS + 2.0
"""How much longer than `grace_seconds` a worker may take to exit before it is killed."""
LONGEST_REST_SECONDS: Final = 6.0
"""How long all that no caller waits for may take, after the workers have exited."""
KILLED_SECONDS: Final = 5.0
"""How long workers that are killed may take to exit, in place of that: one that waits for a disk or a network
file system that hangs does not exit until these answer."""
LAST_SECONDS: Final = 3.0
"""How long the last traces and the end of the interpreter take at most."""
LOOK_SECONDS: Final = 0.02
"""How often to look whether the rest has ended: nothing tells when the last of it has."""

log = logging.getLogger("astakos.http")


class ServiceFailedError(Exception):
    """A service has ended because it cannot go on; the message, and what is logged before, say why."""


class Companion(Protocol):
    """What runs beside the workers, and no caller waits for.

    Attributes:
        longest_end: how many seconds it may take to end, once it begins to and the workers have exited.
    """

    longest_end: float

    def begin_to_end(self) -> None:
        """Begins nothing more. Does not wait."""
        ...

    @property
    def has_ended(self) -> bool:
        """Whether all that had begun is finished."""
        ...


def longest_end(drain_seconds: float, grace_seconds: float) -> float:
    """Returns how many seconds a service takes to end at most, whatever hangs.

    Args:
        drain_seconds: the time of `--drain`.
        grace_seconds: the limit of that name.
    """
    return drain_seconds + grace_seconds + OVERDUE_SECONDS + LONGEST_REST_SECONDS + LAST_SECONDS


class Supervisor:
    """The engine and the workers that use it."""

    def __init__(
        self,
        storage: LedgerStorage,
        instructions: Instructions,
        listener: socket.socket,
        count: int,
        ready: Callable[[], None],
        reports: Reports,
        *,
        drain_seconds: float = 0,
        batch_spans: BatchSpans | None = None,
    ) -> None:
        """Prepares the engine. No worker is started yet.

        Args:
            storage: storage that the engine writes to.
            instructions: configuration of the workers.
            listener: socket that the workers accept connections on; they listen on it when they are ready.
            count: number of workers.
            ready: called when all workers are ready.
            reports: collects the counts of the workers.
            drain_seconds: how long connections are still accepted after the signal to shut down.
            batch_spans: is told of batches of the ledger with traced requests; None if nothing is traced.
        """
        watched = WatchedClock(ledger_clock(storage), clock.elapsed, clock.boot())
        self.engine = Engine(storage, watched, batch_spans)
        self._engine_thread = EngineThread(self.engine, storage.closing_seconds)
        self._companions: list[Companion] = [self._engine_thread]
        self._instructions = instructions
        self._listener = listener
        self._count = count
        self._ready = ready
        self._drain_seconds = drain_seconds
        self._reports = reports
        self._figures = RecentFigures(self.engine, reports.collect)
        self._selector = selectors.DefaultSelector()
        self._workers: set[WorkerProcess] = set()
        self._is_ready = False
        self._drains_until: float | None = None
        self._kills_at: float | None = None
        """When workers that have not exited are killed, and then left behind; None before the end begins."""
        self._is_hurried = False
        """Whether nobody waits any more for requests that proxies may be sending."""
        self._is_killed = False
        self._failure: str | None = None
        """Why the service ends without a signal."""
        self._unready_ends = 0

    def accompany(self, companions: Iterable[Companion]) -> None:
        """Has others end with the workers. To be called before `run`."""
        self._companions += companions

    def run(self) -> None:
        """Runs until SIGTERM or SIGINT. Then drains, finishes what has been accepted, and returns.

        Raises:
            ServiceFailedError: workers cannot be started, or the engine met a defect of the code.
        """
        with self._selector, contextlib.closing(self._engine_thread), _signals() as signals:
            self._watch(signals, lambda: self._hear(signals))
            self._watch(self._engine_thread.told, self._engine_has_ended)
            self._engine_thread.start()
            for _ in range(self._count):
                self._begin_worker()
            threading.Thread(target=_keep_sampling, args=(self._figures,), daemon=True).start()
            while self._workers:
                self._wait_and_see(self._seconds_left())
                self._look_at_deadlines()
            self._leave_the_rest()
        if self._engine_thread.error is not None:
            why = "the ledger's engine met a defect of the code; see the log"
            raise ServiceFailedError(why) from self._engine_thread.error
        if self._failure is not None:
            raise ServiceFailedError(self._failure)

    def _watch(self, stream: socket.socket, happened: Callable[[], None]) -> None:
        self._selector.register(stream, selectors.EVENT_READ, happened)

    def _wait_and_see(self, seconds: float | None) -> None:
        for key, _ in self._selector.select(seconds):
            # An earlier event in this round may have unregistered this one's stream.
            if self._selector.get_map().get(key.fd) is key:
                key.data()

    # Workers

    def _begin_worker(self) -> None:
        if self._kills_at is not None:
            return
        try:
            worker = WorkerProcess(
                self._instructions, self._listener, self.engine, self._reports, self._figures
            )
        except (OSError, RuntimeError) as error:
            # The other one says that there is no room for one more thread.
            reason = error.strerror if isinstance(error, OSError) else None
            self._fail(f"a worker cannot be started: {reason or error}")
            return
        self._workers.add(worker)
        if self._drains_until is not None:
            worker.drain()
        self._watch(worker.control, lambda: self._hear_of(worker))

    def _hear_of(self, worker: WorkerProcess) -> None:
        if not worker.hear():
            self._selector.unregister(worker.control)
            self._has_ended(worker)
        elif self._begins and all(worker.is_ready for worker in self._workers):
            self._is_ready = True
            keep_what_is_there()
            keep_giving_back()
            self._ready()

    @property
    def _begins(self) -> bool:
        """Whether the service is not ready yet, and is to become so."""
        return not self._is_ready and self._kills_at is None

    def _has_ended(self, worker: WorkerProcess) -> None:
        status = worker.wait()
        self._workers.discard(worker)
        if self._kills_at is not None:
            return
        self._unready_ends = 0 if worker.is_ready else self._unready_ends + 1
        if self._is_ready and self._unready_ends <= UNREADY_ENDS_AT_MOST:
            log.error("worker exited: process %d, status %d; starting another", worker.number, status)
            self._begin_worker()
        else:
            self._fail("a worker exited before it was ready; see its output")

    def _fail(self, why: str) -> None:
        """Ends, because there are no longer as many workers as there should be."""
        self._failure = why
        self._end_workers(signal.SIGINT)

    def _engine_has_ended(self) -> None:
        """Ends at once: no call can be answered without the engine."""
        self._selector.unregister(self._engine_thread.told)
        if self._engine_thread.error is not None:
            self._end_workers(signal.SIGKILL)

    # The end

    def _hear(self, signals: socket.socket) -> None:
        """Handles a signal. A repeated signal first ends all waiting for proxies, then kills the workers."""
        asked = set(signals.recv(64))
        if self._kills_at is not None:
            is_last = self._is_hurried or not self._workers
            self._end_workers(signal.SIGKILL if is_last else signal.SIGINT)
            return
        # Ctrl-C comes from a terminal: nobody sends the calls of a proxy to another service meanwhile.
        self._is_hurried = self._is_hurried or self._drains_until is not None or signal.SIGINT in asked
        if self._drain_seconds and self._drains_until is None:
            self._drains_until = time.monotonic() + self._drain_seconds
            for worker in self._workers:
                worker.drain()
        else:
            self._end_workers(signal.SIGINT if self._is_hurried else signal.SIGTERM)

    def _end_workers(self, number: signal.Signals) -> None:
        """Sends the workers a signal: SIGTERM keeps idle connections for a moment, SIGINT does not."""
        if self._kills_at is None:
            self._kills_at = time.monotonic() + self._instructions.limits.grace_seconds + OVERDUE_SECONDS
            for companion in self._companions:
                companion.begin_to_end()
        self._is_hurried = number is not signal.SIGTERM
        if number is signal.SIGKILL and not self._is_killed:
            self._is_killed = True
            self._kills_at = time.monotonic() + KILLED_SECONDS
        if self._listener.fileno() >= 0:
            refuse_newcomers(self._listener)
            self._listener.close()
        for worker in self._workers:
            # One that still starts does not handle SIGINT yet, and has no connections.
            is_too_early = number is signal.SIGINT and not worker.is_ready
            worker.send_signal(signal.SIGTERM if is_too_early else number)

    def _seconds_left(self) -> float | None:
        """Returns how long it is to the next deadline; None if there is none."""
        until = self._kills_at if self._kills_at is not None else self._drains_until
        return None if until is None else max(until - time.monotonic(), 0)

    def _look_at_deadlines(self) -> None:
        if not self._workers or self._seconds_left() != 0:
            return
        numbers = ", ".join(str(worker.number) for worker in self._workers)
        if self._kills_at is None:
            self._end_workers(signal.SIGINT if self._is_hurried else signal.SIGTERM)
        elif self._is_killed:
            log.error("workers that were killed have not exited and are left behind: process %s", numbers)
            self._workers.clear()
        else:
            log.error("workers have not exited in time and are killed: process %s", numbers)
            self._end_workers(signal.SIGKILL)

    def _leave_the_rest(self) -> None:
        """Waits a little for what no caller waits for; not after a signal that does not want to wait."""
        began = time.monotonic()
        while not self._is_killed:
            late = time.monotonic() - began
            rest = [one for one in self._companions if not one.has_ended]
            if all(late >= min(one.longest_end, LONGEST_REST_SECONDS) for one in rest):
                return
            self._wait_and_see(LOOK_SECONDS)


def _keep_sampling(figures: RecentFigures) -> None:
    """Has samples ready for whoever asks first."""
    while True:
        time.sleep(PERIOD_SECONDS)
        try:
            figures.sample()
        except Exception:
            log.exception("taking a sample of the figures failed; will retry")


@contextlib.contextmanager
def _signals() -> Iterator[socket.socket]:
    """Yields a socket that receives the number of each signal to shut down."""
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    signal.set_wakeup_fd(writing.fileno())
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    with reading, writing:
        try:
            yield reading
        finally:
            signal.set_wakeup_fd(-1)
