"""Run a command in a process forked from a warm one: what asks for it, with the standard library alone.

The shell runs this file as `astakos`: without site-packages, it starts in a twentieth of the command's time.
"""

import os
import socket
import sys
from collections.abc import Mapping, Sequence

SEPARATOR = b"\0"
STREAMS = 3
LENGTH_OF_A_NUMBER = 10
"""In characters; that of a process comes first, the exit status follows."""


def begin_warm(
    server: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    streams: Sequence[int],
    seconds: float | None = None,
) -> tuple[socket.socket, int]:
    """Begins to run `astakos` in this folder; returns where its exit status comes from, and its PID."""
    parts = [os.path.realpath("."), str(len(arguments)), *arguments]
    parts += [f"{name}={value}" for name, value in environment.items()]
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.settimeout(seconds)
        connection.connect(server)
        socket.send_fds(connection, [b"."], streams)
        connection.sendall(SEPARATOR.join(map(os.fsencode, parts)))
        connection.shutdown(socket.SHUT_WR)
        process = int(connection.recv(LENGTH_OF_A_NUMBER, socket.MSG_WAITALL))
    except BaseException:
        connection.close()
        raise
    return connection, process


def run_warm(
    server: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    streams: Sequence[int],
    seconds: float | None = None,
) -> int:
    """Runs `astakos` in this folder and returns its exit status; negative for the signal that ended it."""
    connection, _ = begin_warm(server, arguments, environment, streams, seconds)
    with connection:
        return int(connection.makefile().read())


if __name__ == "__main__":
    status = run_warm(sys.argv[1], sys.argv[2:], os.environ, range(STREAMS))
    # As the shell tells of signals.
    sys.exit(status if status >= 0 else 128 - status)
