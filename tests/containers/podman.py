"""Podman with images and containers of its own, in a folder that is deleted with all of them."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

TO_WORK_SECONDS = 900
MOST_FILES = 65536
MOST_PROCESSES = 4096


class Podman:
    """Runs its commands; each must succeed unless it says otherwise."""

    def __init__(self, folder: Path) -> None:
        """Keeps everything in a folder, which must not be removed while containers run."""
        self._environment = os.environ | {
            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
            "CONTAINERS_CONF": str(folder / "containers.conf"),
            "TMPDIR": str(folder),
        }
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "overlay"\nrunroot = "{folder}/run"\ngraphroot = "{folder}/storage"\n'
        )
        # No more than root has here, which need not be what Podman asks for.
        files = min(resource.getrlimit(resource.RLIMIT_NOFILE)[1], MOST_FILES)
        limits = [f"nofile={files}:{files}", f"nproc={MOST_PROCESSES}:{MOST_PROCESSES}"]
        (folder / "containers.conf").write_text(
            f"[containers]\ndefault_ulimits = {limits}\n"
            '[engine]\ncgroup_manager = "cgroupfs"\nevents_logger = "none"\n'
        )

    def __call__(self, *arguments: str) -> str:
        """Runs a command, and returns what it printed.

        Raises:
            AssertionError: it failed; with what it said.
        """
        done = self.tried(*arguments)
        assert done.returncode == 0, f"podman {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout.strip()

    def tried(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        """Runs a command that may fail."""
        return subprocess.run(
            ["podman", *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=TO_WORK_SECONDS,
        )

    def status_of(self, name: str) -> int:
        """Waits until a container has ended, and returns the status with which it did."""
        return int(self("wait", name))


def say(found: str) -> None:
    """Tells at once what was found to be so."""
    sys.stdout.write(f"{found}\n")
    sys.stdout.flush()


def wait_until(said: str, check: Callable[[], bool], seconds: float) -> None:
    """Asks until the answer is true.

    Raises:
        AssertionError: it was not true in time; with what was waited for.
    """
    deadline = time.monotonic() + seconds
    while not check():
        assert time.monotonic() < deadline, f"after {seconds:.0f} s: {said}"
        time.sleep(0.2)
