"""Keeps the process running that delivers, as long as this process runs."""

import contextlib
import logging
import socket
import subprocess
import sys
import threading

import msgspec

from astakos.deliveries.worker import GRACE_SECONDS, Assignment

PAUSE_SECONDS = 1.0
"""How long to wait before a process that has ended is replaced."""
RETRY_SECONDS = 10.0
"""How long to wait after one could not be started."""
LONGEST_END_SECONDS = GRACE_SECONDS + 1.0
"""How long the end of the service waits for attempts that have begun. Whoever started the service may kill
all its processes when the main one has ended, and what was sent would be sent again."""

log = logging.getLogger("astakos.notices")


class Deliveries:
    """The process that delivers: it is replaced whenever it ends, until the service ends."""

    longest_end = LONGEST_END_SECONDS

    def __init__(self, assignment: Assignment) -> None:
        """Prepares; nothing is started yet."""
        self._message = msgspec.json.encode(assignment) + b"\n"
        self._is_ending = threading.Event()
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        # A daemon thread: a process that hangs must not keep this one from exiting.
        self._thread = threading.Thread(target=self._keep, name="astakos-deliveries", daemon=True)

    def start(self) -> None:
        """Starts the process. Returns at once."""
        self._thread.start()

    def begin_to_end(self) -> None:
        """Tells the process to begin no further attempt. Does not wait."""
        self._is_ending.set()
        with self._lock:
            if self._control is not None:
                # It ends when it can read the end of the stream.
                self._control.shutdown(socket.SHUT_WR)

    @property
    def has_ended(self) -> bool:
        """Whether the process has ended, and none follows."""
        return self._is_ending.is_set() and not self._thread.is_alive()

    def _keep(self) -> None:
        while not self._is_ending.is_set():
            try:
                process, status = self._run()
            except OSError as error:
                # The system has no room for one more process. It may have again.
                log.warning("deliveries process cannot be started, will retry: %s", error.strerror or error)
                self._is_ending.wait(RETRY_SECONDS)
                continue
            if not self._is_ending.is_set():
                told = "deliveries process exited: process %d, status %d; starting another"
                log.error(told, process, status)
                self._is_ending.wait(PAUSE_SECONDS)

    def _run(self) -> tuple[int, int]:
        """Starts a process, and waits until it has ended; returns its ID and its status."""
        ours, its = socket.socketpair()
        with ours:
            with its:
                process = subprocess.Popen(  # noqa: S603 - no argument comes from outside
                    [sys.executable, "-m", "astakos.deliveries.worker", str(its.fileno())],
                    pass_fds=[its.fileno()],
                    # Ctrl-C must reach only the main process.
                    process_group=0,
                )
            with contextlib.suppress(OSError):
                ours.sendall(self._message)
            with self._lock:
                self._control = ours
                if self._is_ending.is_set():
                    ours.shutdown(socket.SHUT_WR)
            try:
                return process.pid, process.wait()
            finally:
                with self._lock:
                    self._control = None
