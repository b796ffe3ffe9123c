"""Keeps the process running that delivers, as long as this process runs."""

import contextlib
import logging
import socket
import subprocess
import sys
import threading
import time

import msgspec

from astakos.deliveries.worker import Assignment

PAUSE_SECONDS = 1.0
"""How long to wait before a process that has ended is replaced."""

log = logging.getLogger("astakos.notices")


def keep_delivering(assignment: Assignment) -> None:
    """Start the process, and start it again whenever it has ended. Returns at once."""
    threading.Thread(target=_keep, args=(assignment,), daemon=True).start()


def _keep(assignment: Assignment) -> None:
    message = msgspec.json.encode(assignment) + b"\n"
    while True:
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
                ours.sendall(message)
            status = process.wait()
        log.error("deliveries process exited: process %d, status %d; starting another", process.pid, status)
        time.sleep(PAUSE_SECONDS)
