"""Processes of our own that serve on the loopback for as long as a context lasts."""

import contextlib
import select
import subprocess
from collections.abc import Iterator, Sequence
from urllib.parse import urlsplit

READY_SECONDS = 30.0
STOP_SECONDS = 30.0
HOST = "127.0.0.1"


@contextlib.contextmanager
def serving(command: Sequence[str]) -> Iterator[int]:
    """Start a server that prints a line ending in its URL when it answers; give its port, stop it after.

    Raises:
        RuntimeError: it did not start, or did not stop in good order.
    """
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield _port(process)
        finally:
            process.terminate()
            try:
                status = process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                raise
    if status != 0:
        raise RuntimeError(f"{command[0]} ended with status {status}")


def _port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    if not select.select([process.stdout], [], [], READY_SECONDS)[0]:
        raise RuntimeError(f"{process.args!r} has said nothing for {READY_SECONDS:.0f} seconds")
    words = process.stdout.readline().split()
    port = urlsplit(words[-1]).port if words else None
    if port is None:
        raise RuntimeError(f"{process.args!r} did not say where it answers")
    return port
