"""The command in a process forked from a warm one, which runs until it is told to end."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from service.asking_warm import begin_warm
from service.warm_command import warm_server

START_SECONDS = 30


class WarmProcess:
    """What tests use of `subprocess.Popen`, of a process that is the child of another one.

    Attributes:
        pid: its process ID.
        stdout: what it writes to its standard output.
        stderr: what it writes to its standard error, unless nobody reads that.
        returncode: as `subprocess.Popen` has it; None as long as it runs.
    """

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], *, errors_are_read: bool = True
    ) -> None:
        """Begins to run the command; errors that nobody reads are discarded, lest it wait until they are."""
        reading, output = os.pipe()
        reading_errors, errors = os.pipe()
        self.returncode: int | None = None
        self.stdout = os.fdopen(reading)
        self.stderr = os.fdopen(reading_errors)
        with contextlib.ExitStack() as its:
            its.callback(os.close, output)
            its.callback(os.close, errors)
            nothing = its.enter_context(Path(os.devnull).open("r+b", buffering=0)).fileno()
            streams = [nothing, output, errors if errors_are_read else nothing]
            self._status, self.pid = begin_warm(warm_server(), arguments, environment, streams, START_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Waits for its end, as `subprocess.Popen` does."""
        self.close()

    def close(self) -> None:
        """Reads no more of it, and waits for its end."""
        self.stdout.close()
        self.stderr.close()
        self.wait()
        self._status.close()

    def poll(self) -> int | None:
        """Its exit status, if it has ended."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Its exit status, once it has ended."""
        if self.returncode is None:
            self._status.settimeout(timeout)
            try:
                self.returncode = int(self._status.recv(16))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired("astakos", timeout or 0) from None
        return self.returncode

    def communicate(self, timeout: float) -> tuple[str, str]:
        """What it still writes to both streams until it ends."""
        contents = ["", ""]

        def read(number: int) -> None:
            contents[number] = (self.stdout, self.stderr)[number].read()

        readers = [threading.Thread(target=read, args=(number,), daemon=True) for number in range(2)]
        for reader in readers:
            reader.start()
        for reader in readers:
            reader.join(timeout)
            if reader.is_alive():
                raise subprocess.TimeoutExpired("astakos", timeout)
        self.wait(timeout)
        return contents[0], contents[1]

    def send_signal(self, number: int) -> None:
        """Sends it a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)
