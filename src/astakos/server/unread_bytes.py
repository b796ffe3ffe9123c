"""Bytes that have come from a client, and that the event loop has not handed over yet."""

import asyncio
import fcntl
import struct
import termios


def count_unread(transport: asyncio.Transport) -> int:
    """Returns how many bytes there are; 0 if the connection is closed."""
    opened = transport.get_extra_info("socket")
    if opened is None or opened.fileno() < 0:
        return 0
    (count,) = struct.unpack("i", fcntl.ioctl(opened.fileno(), termios.FIONREAD, bytes(4)))
    return int(count)
