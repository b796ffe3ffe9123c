"""A worker process, as the main process sees it: started, told what to do, and waited for."""

import contextlib
import signal
import socket
import subprocess
import sys
import threading

import msgspec

from astakos.http.recent_figures import RecentFigures
from astakos.ledger.engine import Engine
from astakos.processes.configuration import DRAIN, READY, Instructions, spoken_version
from astakos.processes.questions import answer_questions
from astakos.processes.reports import Reports


class WorkerProcess:
    """One worker process.

    It is started, not forked, because it must not inherit a database connection.

    Attributes:
        control: is readable when the worker has become ready, and again when it has exited.
        is_ready: whether it answers requests.
    """

    def __init__(
        self,
        instructions: Instructions,
        listener: socket.socket,
        engine: Engine,
        reports: Reports,
        figures: RecentFigures,
    ) -> None:
        """Starts it. Does not wait until it is ready."""
        self.control, its_control = socket.socketpair()
        engines, its_engine = socket.socketpair()
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
        engine.serve(engines)
        threading.Thread(target=_tell_figures, args=(asker, figures), daemon=True).start()
        # If it has exited already, that is noticed like any other exit.
        with contextlib.suppress(OSError):
            self.control.sendall(spoken_version() + b"\n" + msgspec.json.encode(instructions) + b"\n")
        self.is_ready = False

    @property
    def number(self) -> int:
        """The process ID."""
        return self._process.pid

    def hear(self) -> bool:
        """Receives what it says, which is only that it is ready; returns false if it has exited."""
        said = b""
        with contextlib.suppress(OSError):
            said = self.control.recv(1)
        self.is_ready = self.is_ready or said == READY
        return bool(said)

    def drain(self) -> None:
        """Tells the worker that the service will shut down soon."""
        with contextlib.suppress(OSError):
            self.control.sendall(DRAIN)

    def send_signal(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Waits for the process to exit, and returns its status."""
        self.control.close()
        return self._process.wait()


def _tell_figures(asker: socket.socket, figures: RecentFigures) -> None:
    """Tells a worker how the service does, whenever it asks, until it has ended."""
    with asker:
        answer_questions(asker, figures.figures)
