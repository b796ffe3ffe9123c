"""Runs the processes of a service: this one has the ledger's engine, and workers answer HTTP.

The engine and the event loops therefore do not wait for each other's interpreter, and more cores answer more
requests. Workers are started, not forked, because they must not inherit a database connection.
"""

import contextlib
import logging
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import msgspec

from astakos import clock
from astakos.http.recent_figures import PERIOD_SECONDS, RecentFigures
from astakos.ledger.engine import Engine
from astakos.ledger.ports import LedgerStorage
from astakos.ledger.watched_clock import WatchedClock
from astakos.processes.configuration import DRAIN, READY, Instructions, spoken_version
from astakos.processes.listening import refuse_newcomers
from astakos.processes.memory import keep_giving_back, keep_what_is_there
from astakos.processes.questions import answer_questions
from astakos.processes.reports import Reports
from astakos.storage.opening import ledger_clock
from astakos.tracing.spans import BatchSpans

UNREADY_ENDS_AT_MOST = 5
"""Consecutive workers that may exit before they are ready, once the service is. Each takes half a second."""

log = logging.getLogger("astakos.http")


class WorkerFailedError(Exception):
    """A worker exited before it was ready."""


class _Worker:
    """One worker process."""

    def __init__(
        self, instructions: Instructions, listener: socket.socket, reports: Reports, figures: RecentFigures
    ) -> None:
        self.control, its_control = socket.socketpair()
        self.engine, its_engine = socket.socketpair()
        asker, its_asker = socket.socketpair()
        with contextlib.ExitStack() as its:
            its.enter_context(its_control)
            its.enter_context(its_engine)
            its.enter_context(its_asker)
            its_reports = its.enter_context(reports.connect())
            inherited = [one.fileno() for one in (its_control, its_engine, listener, its_reports, its_asker)]
            self._process = subprocess.Popen(  # noqa: S603 - no argument comes from outside
                [sys.executable, "-m", "astakos.processes.worker", *map(str, inherited)],
                pass_fds=inherited,
                # Ctrl-C must reach only this process, which tells the workers when to exit.
                process_group=0,
            )
        threading.Thread(target=_tell_figures, args=(asker, figures), daemon=True).start()
        # If it has exited already, that is noticed like any other exit.
        with contextlib.suppress(OSError):
            self.control.sendall(spoken_version() + b"\n" + msgspec.json.encode(instructions) + b"\n")
        self.is_awaited = True
        self.is_ready = False

    @property
    def number(self) -> int:
        """The process ID."""
        return self._process.pid

    def drain(self) -> None:
        """Tells the worker that the service will shut down soon."""
        with contextlib.suppress(OSError):
            self.control.sendall(DRAIN)

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """Waits for the process to exit, and returns its status."""
        self.control.close()
        return self._process.wait()


def _tell_figures(asker: socket.socket, figures: RecentFigures) -> None:
    """Tells a worker how the service does, whenever it asks, until it has ended."""
    with asker:
        answer_questions(asker, figures.figures)


def _keep_sampling(figures: RecentFigures) -> None:
    """Has samples ready for whoever asks first."""
    while True:
        time.sleep(PERIOD_SECONDS)
        try:
            figures.sample()
        except Exception:
            log.exception("taking a sample of the figures failed; will retry")


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
            storage: Storage that the engine writes to.
            instructions: Configuration of the workers.
            listener: Socket that the workers accept connections on.
            count: Number of workers.
            ready: Called when all workers are ready.
            reports: Collects the counts of the workers.
            drain_seconds: How long connections are still accepted after the signal to shut down.
            batch_spans: Is told of batches of the ledger with traced requests; None if nothing is traced.
        """
        watched = WatchedClock(ledger_clock(storage), clock.elapsed, clock.boot())
        self.engine = Engine(storage, watched, batch_spans)
        self._instructions = instructions
        self._listener = listener
        self._count = count
        self._ready = ready
        self._drain_seconds = drain_seconds
        self._reports = reports
        self._figures = RecentFigures(self.engine, reports.collect)
        self._workers: set[_Worker] = set()
        self._is_ready = False
        self._draining = False
        self._ending = False
        self._is_hurried = False
        """Whether nobody waits any more for requests that proxies may be sending."""
        self._failed = False
        self._unready_ends = 0

    def run(self) -> None:
        """Runs until SIGTERM or SIGINT. Then drains, finishes what has been accepted, and returns.

        Raises:
            WorkerFailedError: A worker exited before it was ready.
        """
        with _signals() as signals:
            self.engine.watch(signals, lambda: self._end(signals))
            for _ in range(self._count):
                self._begin_worker()
            threading.Thread(target=_keep_sampling, args=(self._figures,), daemon=True).start()
            self.engine.run()
        if self._failed:
            raise WorkerFailedError("a worker exited before it was ready; see its output")

    def _begin_worker(self) -> None:
        worker = _Worker(self._instructions, self._listener, self._reports, self._figures)
        self._workers.add(worker)
        if self._draining:
            worker.drain()
        self.engine.watch(worker.control, lambda: self._is_heard(worker))
        self.engine.serve(worker.engine, lambda: self._has_ended(worker))

    def _is_heard(self, worker: _Worker) -> None:
        self.engine.ignore(worker.control)
        worker.is_awaited = False
        with contextlib.suppress(OSError):
            worker.is_ready = worker.control.recv(1) == READY
        if not self._is_ready and all(worker.is_ready for worker in self._workers):
            self._is_ready = True
            keep_what_is_there()
            keep_giving_back()
            self._ready()

    def _has_ended(self, worker: _Worker) -> None:
        if worker.is_awaited:
            self.engine.ignore(worker.control)
        status = worker.wait()
        self._workers.discard(worker)
        if self._ending:
            return
        self._unready_ends = 0 if worker.is_ready else self._unready_ends + 1
        if self._is_ready and self._unready_ends <= UNREADY_ENDS_AT_MOST:
            log.error("worker exited: process %d, status %d; starting another", worker.number, status)
            self._begin_worker()
        else:
            self._failed = True
            self._end_workers(signal.SIGINT)

    def _end(self, signals: socket.socket) -> None:
        """Handles a signal. A repeated signal first ends all waiting for proxies, then kills the workers."""
        asked = set(signals.recv(64)) - {signal.SIGALRM}
        if self._ending:
            if asked:
                self._end_workers(signal.SIGKILL if self._is_hurried else signal.SIGINT)
            return
        # Ctrl-C comes from a terminal: nobody sends the calls of a proxy to another service meanwhile.
        self._is_hurried = self._is_hurried or (self._draining and bool(asked)) or signal.SIGINT in asked
        if self._drain_seconds and not self._draining:
            self._drain()
        else:
            self._end_workers(signal.SIGINT if self._is_hurried else signal.SIGTERM)

    def _drain(self) -> None:
        self._draining = True
        for worker in self._workers:
            worker.drain()
        signal.setitimer(signal.ITIMER_REAL, self._drain_seconds)

    def _end_workers(self, number: signal.Signals) -> None:
        """Sends the workers a signal: SIGTERM keeps idle connections for a moment, SIGINT does not."""
        self._ending = True
        self._is_hurried = number is not signal.SIGTERM
        if self._listener.fileno() >= 0:
            refuse_newcomers(self._listener)
            self._listener.close()
        for worker in self._workers:
            # One that still starts does not handle SIGINT yet, and has no connections.
            is_too_early = number is signal.SIGINT and not worker.is_ready
            worker.send_signal(signal.SIGTERM if is_too_early else number)


@contextlib.contextmanager
def _signals() -> Iterator[socket.socket]:
    """Yields a socket that receives the number of each signal to shut down, and of the end of the drain."""
    reading, writing = socket.socketpair()
    writing.setblocking(False)
    signal.set_wakeup_fd(writing.fileno())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGALRM):
        signal.signal(number, lambda *_: None)
    with reading, writing:
        try:
            yield reading
        finally:
            signal.set_wakeup_fd(-1)
