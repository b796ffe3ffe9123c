"""Run a command in a process forked from a warm one: what asks for it, with the standard library alone.

The shell runs this file as `astakos`: without site-packages, it starts in a twentieth of the command's time.
"""

import os
import socket
import sys
from collections.abc import Mapping, Sequence

SEPARATOR = b"\0"
STREAMS = 3


def run_warm(
    server: str,
    arguments: Sequence[str],
    environment: Mapping[str, str],
    streams: Sequence[int],
    seconds: float | None = None,
) -> int:
    """Run `astakos` in this folder and return its exit status; negative for the signal that ended it."""
    parts = [os.path.realpath("."), str(len(arguments)), *arguments]
    parts += [f"{name}={value}" for name, value in environment.items()]
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(server)
        socket.send_fds(connection, [b"."], streams)
        connection.sendall(SEPARATOR.join(map(os.fsencode, parts)))
        connection.shutdown(socket.SHUT_WR)
        return int(connection.makefile().read())


if __name__ == "__main__":
    status = run_warm(sys.argv[1], sys.argv[2:], os.environ, range(STREAMS))
    # As the shell tells of signals.
    sys.exit(status if status >= 0 else 128 - status)
