"""The service under the soak: `astakos serve`, which can be killed and started again."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.child_process import ASTAKOS, HOST

READY_SECONDS = 60.0
STOP_SECONDS = 60.0
ORPHAN_SECONDS = 10.0
MAIN, WORKER, DELIVERIES = "main", "worker", "deliveries"


class ServiceFailedError(Exception):
    """The service did not do what it was told; the message says what."""


class Service:
    """One `astakos serve` at a time, always on the same port."""

    def __init__(self, port: int, options: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
        """Prepares.

        Args:
            port: a free one.
            options: further ones of the command.
            environment: says which database.
            log: where its standard error goes.
        """
        self.port = port
        self._command = [*ASTAKOS, "serve", "--host", HOST, "--port", str(port), *options]
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> None:
        """Starts, and waits until it says that it is ready.

        Raises:
            ServiceFailedError: it did not start.
        """
        with self._log.open("ab") as log:
            process = subprocess.Popen(
                self._command, env=self._environment, stdout=subprocess.PIPE, stderr=log, text=True
            )
        self._process = process
        assert process.stdout is not None
        line = process.stdout.readline()
        if " is ready at " not in line:
            process.kill()
            raise ServiceFailedError(f"it did not start, see {self._log}: {line!r}")

    def kill(self) -> None:
        """Ends the main process as a crash would. The others have to notice.

        Raises:
            ServiceFailedError: some of them live on.
        """
        processes = list(self.processes())
        self._running().kill()
        self._running().wait()
        deadline = time.monotonic() + ORPHAN_SECONDS
        while left := [process for process in processes if _lives(process)]:
            if time.monotonic() > deadline:
                raise ServiceFailedError(f"after a kill, the processes {left} of the service live on")
            time.sleep(0.05)

    def stop(self) -> None:
        """Ends it in good order.

        Raises:
            ServiceFailedError: it takes too long, or reports a failure.
        """
        self._running().send_signal(signal.SIGTERM)
        try:
            status = self._running().wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._running().kill()
            raise ServiceFailedError(f"it did not stop within {STOP_SECONDS:.0f} s") from None
        if status:
            raise ServiceFailedError(f"it stopped with status {status}")

    def end(self) -> None:
        """Ends it if it runs, whatever has happened before."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def processes(self) -> dict[int, str]:
        """Its processes, and what each is for."""
        return {process: _purpose(process) for process in _descendants(self._running().pid)}

    def _running(self) -> "subprocess.Popen[str]":
        assert self._process is not None
        return self._process


def _descendants(process: int) -> list[int]:
    children: list[str] = []
    try:
        # A child belongs to the thread that has started it.
        for thread in Path(f"/proc/{process}/task").iterdir():
            children += (thread / "children").read_text(encoding="ascii").split()
    except OSError:
        pass
    return [process, *(found for child in children for found in _descendants(int(child)))]


def _purpose(process: int) -> str:
    try:
        command = Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace")
    except OSError:
        return MAIN
    if "astakos.processes.worker" in command:
        return WORKER
    return DELIVERIES if "astakos.deliveries" in command else MAIN


def _lives(process: int) -> bool:
    try:
        state = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z" and os.getpgid(process) > 0
