"""Programs on hosts: start them, and kill them with all that they have started."""

import contextlib
import os
import pwd
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from high_availability.network import on_host

DAEMON = "nobody"
LETS_IN = "+dac_read_search"
TO_END_SECONDS = 20.0


class Part:
    """A program on a host.

    Attributes:
        host: the name of the host.
        log: the file with what the program says.
    """

    def __init__(
        self, name: str, host: str, command: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        """Prepares; the folder belongs to the program."""
        self.name = name
        self.host = host
        self.log = folder / f"{name}.log"
        self._command = command
        self._folder = folder
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the program."""
        entry = pwd.getpwnam(DAEMON)
        # `ip netns exec` needs root; setpriv then becomes the program. Python may be in root's home.
        user = [f"--reuid={entry.pw_uid}", f"--regid={entry.pw_gid}", "--clear-groups"]
        as_daemon = ["setpriv", *user, f"--inh-caps={LETS_IN}", f"--ambient-caps={LETS_IN}"]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                on_host(self.host, [*as_daemon, *self._command]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env={
                    "PATH": os.environ["PATH"],
                    "HOME": str(self._folder),
                    "LANG": "C.UTF-8",
                    **self._environment,
                },
                start_new_session=True,
            )

    @property
    def is_running(self) -> bool:
        """Whether the program has not ended."""
        return self._process is not None and self._process.poll() is None

    def processes(self) -> list[int]:
        """The program's process and its descendants, as far as they have not left it."""
        return [] if self._process is None else descendants(self._process.pid)

    def kill(self) -> None:
        """Kills it with all its descendants, so that none runs on for a moment."""
        kill(self.processes())
        if self._process is not None:
            self._process.wait(TO_END_SECONDS)

    def stop(self) -> None:
        """Asks it to end, and waits; kills it if it does not."""
        if self._process is not None and self.is_running:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(TO_END_SECONDS)
            self.kill()


def descendants(process: int) -> list[int]:
    """A process and all that it has started, and so on."""
    found = [process]
    for parent in found:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{parent}/task").iterdir():
                found += map(int, (task / "children").read_text().split())
    return found


def kill(processes: Sequence[int]) -> None:
    """Stops all, so that none can act on the end of another, and then kills them."""
    for number in (signal.SIGSTOP, signal.SIGKILL):
        send(number, processes)


def send(number: signal.Signals, processes: Sequence[int]) -> None:
    """Sends a signal to those that still exist."""
    for process in processes:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


def wait_until(said: str, check: Any, seconds: float) -> Any:
    """Asks until the answer is true, and returns it.

    Raises:
        AssertionError: it was not true in time; with what was waited for.
    """
    deadline = time.monotonic() + seconds
    while True:
        if found := check():
            return found
        assert time.monotonic() < deadline, f"after {seconds:.0f} s: {said}"
        time.sleep(0.1)
