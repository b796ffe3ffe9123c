"""The socket that the service listens on."""

import array
import contextlib
import errno
import socket
import struct
import time
from typing import Final

LOOPBACK = "127.0.0.1"
PATIENCE_SECONDS = 1.0
"""How long to wait for the address: workers of a killed service need a moment to exit."""

SO_ATTACH_FILTER: Final = 26
"""From Linux's asm-generic/socket.h; Python does not have it."""
DROP_SYN: Final = (
    (0x30, 0, 0, 13),  # load the byte with the flags of the TCP header
    (0x45, 0, 1, 0x02),  # SYN: go on; else skip one
    (0x06, 0, 0, 0),  # drop the packet
    (0x06, 0, 0, 0xFFFFFFFF),  # take it
)
"""A program of the Berkeley packet filter: operation, jump if true, jump if false, operand."""


def listen(host: str, port: int) -> socket.socket:
    """Returns a socket that listens on an address. Port 0 selects a free port.

    Raises:
        OSError: The address is not available, or is none.
    """
    listener = bind(host, port)
    try:
        begin_to_listen(listener)
    except OSError:
        listener.close()
        raise
    return listener


def bind(host: str, port: int) -> socket.socket:
    """Returns a socket that keeps an address for `begin_to_listen`. Port 0 selects a free port.

    Until then, whoever connects is refused at once, so that a load balancer asks another service.

    Raises:
        OSError: The address is not available, or is none.
    """
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return _bound(host, port)
        except (UnicodeError, TypeError):
            # Python encodes the name before it asks for its address.
            raise OSError(errno.EADDRNOTAVAIL, "it is not the name of a host") from None
        except OSError as error:
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def begin_to_listen(listener: socket.socket) -> None:
    """Lets clients connect to a bound socket. If it listens already, nothing happens.

    Raises:
        OSError: Another process listens on the address.
    """
    # Its connections take this over, and outlive it: they must not keep the next process from the address.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.listen()


def _bound(host: str, port: int) -> socket.socket:
    try:
        return _bound_with(host, port, reuse=False)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
    # Connections of a service that has ended may be left. Two processes that start can both get the address
    # in this way; the second one is told when it begins to listen.
    return _bound_with(host, port, reuse=True)


def _bound_with(host: str, port: int, *, reuse: bool) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)
        if listener.family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
    except BaseException:
        listener.close()
        raise
    return listener


def refuse_newcomers(listener: socket.socket) -> None:
    """Lets nobody begin a connection any more; those who have begun get through, and can be accepted.

    Closing a socket resets the connections that wait on it, although their clients have sent requests and
    cannot know that nobody has read these. After this, all of them can be accepted first. Whoever comes
    meanwhile gets no answer, asks again a second later, and is refused if the socket is closed by then. Where
    the system cannot do this, nothing happens.
    """
    # Not ctypes, which some systems do not let import: it makes memory that can be written and executed.
    program = array.array("B", b"".join(struct.pack("HBBI", *step) for step in DROP_SYN))
    described = struct.pack("HP", len(DROP_SYN), program.buffer_info()[0])
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)
