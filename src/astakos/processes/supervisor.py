"""The processes of one service: this one has the ledger's engine, and others answer HTTP.

So the engine and the event loops do not wait for one another's interpreter, and more cores answer more. The
others are started anew rather than forked, since a connection to a database must not be inherited.
"""

import contextlib
import logging
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import msgspec

from astakos import clock
from astakos.ledger.engine import Engine
from astakos.ledger.ports import LedgerStorage
from astakos.processes.configuration import DRAIN, READY, Instructions, keep_what_is_there, spoken_version
from astakos.processes.reports import Reports

UNREADY_ENDS_AT_MOST = 5
"""How many in a row may end before they are ready, of a service that was; each takes half a second."""

log = logging.getLogger("astakos.http")


class WorkerFailedError(Exception):
    """A process that answers HTTP ended before it was ready."""


class _Worker:
    """One process that answers HTTP."""

    def __init__(self, instructions: Instructions, listener: socket.socket, reports: Reports | None) -> None:
        self.control, its_control = socket.socketpair()
        self.engine, its_engine = socket.socketpair()
        with contextlib.ExitStack() as its:
            its.enter_context(its_control)
            its.enter_context(its_engine)
            inherited = [its_control.fileno(), its_engine.fileno(), listener.fileno()]
            if reports is not None:
                inherited.append(its.enter_context(reports.connect()).fileno())
            self._process = subprocess.Popen(  # noqa: S603 - nothing of it comes from outside
                [sys.executable, "-m", "astakos.processes.worker", *map(str, inherited)],
                pass_fds=inherited,
                # Ctrl-C is for this process, which tells the others when to end.
                process_group=0,
            )
        # If it has died already, that will be heard like any end.
        with contextlib.suppress(OSError):
            self.control.sendall(spoken_version() + b"\n" + msgspec.json.encode(instructions) + b"\n")
        self.is_awaited = True
        self.is_ready = False

    @property
    def number(self) -> int:
        """What the system calls the process."""
        return self._process.pid

    def drain(self) -> None:
        """Let it say that the service will end soon."""
        with contextlib.suppress(OSError):
            self.control.sendall(DRAIN)

    def send_signal(self, number: int) -> None:
        self._process.send_signal(number)

    def wait(self) -> int:
        """Its exit status, once it has ended."""
        self.control.close()
        return self._process.wait()


class Supervisor:
    """The engine, and those who ask it."""

    def __init__(
        self,
        storage: LedgerStorage,
        instructions: Instructions,
        listener: socket.socket,
        count: int,
        ready: Callable[[], None],
        *,
        drain_seconds: float = 0,
        reports: Reports | None = None,
    ) -> None:
        """Prepare.

        Args:
            storage: what the engine writes to.
            instructions: what the others have to know.
            listener: where they answer.
            count: how many of them there are.
            ready: called when all answer.
            drain_seconds: how long all is still answered after the signal to end.
            reports: who asks the others what they have counted, if anybody does.
        """
        self.engine = Engine(storage, clock.now)
        self._instructions = instructions
        self._listener = listener
        self._count = count
        self._ready = ready
        self._drain_seconds = drain_seconds
        self._reports = reports
        self._workers: set[_Worker] = set()
        self._is_ready = False
        self._draining = False
        self._ending = False
        self._failed = False
        self._unready_ends = 0

    def run(self) -> None:
        """Work until SIGTERM or SIGINT, and for the time of draining; then finish what has been accepted.

        Raises:
            WorkerFailedError: a process could not begin its work.
        """
        with _signals() as signals:
            self.engine.watch(signals, lambda: self._end(signals))
            for _ in range(self._count):
                self._begin_worker()
            self.engine.run()
        if self._failed:
            raise WorkerFailedError("a process that answers HTTP ended before it was ready; see its messages")

    def _begin_worker(self) -> None:
        worker = _Worker(self._instructions, self._listener, self._reports)
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
            log.error("process %d ended with status %d; another takes its place", worker.number, status)
            self._begin_worker()
        else:
            self._failed = True
            self._end_workers(signal.SIGTERM)

    def _end(self, signals: socket.socket) -> None:
        """Who asks again does not want to wait: first not for the time of draining, then not at all."""
        is_asked = set(signals.recv(64)) != {signal.SIGALRM}
        if self._ending:
            if is_asked:
                self._end_workers(signal.SIGKILL)
        elif self._drain_seconds and not self._draining:
            self._drain()
        else:
            self._end_workers(signal.SIGTERM)

    def _drain(self) -> None:
        self._draining = True
        for worker in self._workers:
            worker.drain()
        signal.setitimer(signal.ITIMER_REAL, self._drain_seconds)

    def _end_workers(self, number: int) -> None:
        self._ending = True
        self._listener.close()
        for worker in self._workers:
            worker.send_signal(number)


@contextlib.contextmanager
def _signals() -> Iterator[socket.socket]:
    """A stream in which its number comes for each signal to end, and for the one that time is over."""
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
