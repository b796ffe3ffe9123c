"""Servers in processes of their own, on the loopback, for as long as a context lasts."""

import contextlib
import os
import resource
import select
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

READY_SECONDS = 60.0
STOP_SECONDS = 30.0
HOST = "127.0.0.1"
ASTAKOS = (sys.executable, "-c", "from astakos.command import main; main()")
"""The command of the checkout that comes first in PYTHONPATH; older ones cannot be run as a module."""


class Server(NamedTuple):
    """A server that answers, and how many seconds it took until it did."""

    port: int
    process: int
    start: float

    @property
    def resident_bytes(self) -> int:
        """How much memory it and the processes that it has begun occupy now."""
        children = Path(f"/proc/{self.process}/task/{self.process}/children").read_text(encoding="ascii")
        pages = sum(_resident_pages(process) for process in (self.process, *map(int, children.split())))
        return pages * resource.getpagesize()


def _resident_pages(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text(encoding="ascii").split()[1])


@contextlib.contextmanager
def serving(command: Sequence[str], *, kill: bool = False) -> Iterator[Server]:
    """Starts a server that prints a line ending in its URL when it answers; stops it after.

    Args:
        command: what starts it.
        kill: whether it is killed, since it may have more to finish than anybody wants to wait for.

    Raises:
        RuntimeError: it did not start, or did not stop in good order.
    """
    began = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            port = _port(process)
            yield Server(port, process.pid, time.perf_counter() - began)
        finally:
            (process.kill if kill else process.terminate)()
            try:
                status = process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    if status != 0 and not kill:
        raise RuntimeError(f"{command[0]} ended with status {status}")


def forget_proxies() -> None:
    """A proxy that this machine is set up for must not come between; what is measured is on the loopback."""
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], READY_SECONDS)[0]:
        raise RuntimeError(f"{process.args!r} has said nothing for {READY_SECONDS:.0f} seconds")
    words = process.stdout.readline().split()
    port = urlsplit(words[-1]).port if words else None
    if port is None:
        raise RuntimeError(f"{process.args!r} did not say where it answers")
    return port


def source_environment(checkout: Path) -> dict[str, str]:
    """The environment of processes that run the Astakos of a checkout instead of what is installed."""
    return os.environ | {"PYTHONPATH": str((checkout / "src").resolve(strict=True))}
