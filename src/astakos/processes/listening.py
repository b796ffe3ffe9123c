"""The socket on which the service listens."""

import errno
import socket
import time

LOOPBACK = "127.0.0.1"
PATIENCE_SECONDS = 1.0
"""The processes of a service that was killed need a moment to notice it."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on an address; port 0 means any that is free.

    Raises:
        OSError: the address can not be had.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return socket.create_server((host, port), family=family)
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
        time.sleep(0.05)
