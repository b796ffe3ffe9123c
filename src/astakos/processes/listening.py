"""The socket that the service listens on."""

import errno
import socket
import time

LOOPBACK = "127.0.0.1"
PATIENCE_SECONDS = 1.0
"""How long to wait for the address: workers of a killed service need a moment to exit."""


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket that listens on an address. Port 0 selects a free port.

    Raises:
        OSError: The address is not available, or is none.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return socket.create_server((host, port), family=family)
        except (UnicodeError, TypeError):
            # Python encodes the name before it asks for its address.
            raise OSError(errno.EADDRNOTAVAIL, "it is not the name of a host") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
        time.sleep(0.05)
