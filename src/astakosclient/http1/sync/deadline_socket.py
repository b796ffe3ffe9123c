"""Sends and receives on a connected socket with absolute deadlines."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from astakosclient.http1.readiness import readiness_of

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from astakosclient.http1.message import Message


def remaining(deadline: float) -> float:
    """Returns the seconds until a deadline on the monotonic clock.

    Raises:
        TimeoutError: the deadline has passed.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


class Wire:
    """Sends and receives with an absolute deadline, even if the peer trickles its bytes.

    A socket's own timeout restarts with each operation and costs two more system calls each time. This class
    therefore uses a non-blocking socket and waits for it only when it must wait.
    """

    __slots__ = ("_pending", "_readiness", "_socket")

    def __init__(self, opened: socket.socket) -> None:
        """Takes ownership of a connected socket, plain or TLS."""
        opened.setblocking(False)
        self._socket = opened
        # Only TLS sockets have `pending`; isinstance(…, ssl.SSLSocket) would load OpenSSL for plain HTTP.
        self._pending: Callable[[], int] | None = getattr(opened, "pending", None)
        self._readiness = readiness_of(opened)

    def send(self, message: Message, deadline: float) -> None:
        """Sends all of a message.

        Raises:
            SendError: the connection broke, or the deadline passed.
        """
        sent = 0
        try:
            while sent < len(message):
                try:
                    sent += self._socket.send(message.data[sent:] if sent else message.data)
                except OSError as error:
                    self._wait(deadline, writable=self._awaits_writing(error, usually=True))
        except OSError as error:
            # OpenSSL may have sent part of the data even though its send() failed.
            raise SendError(error, certain=not sent and self._pending is None) from error

    def receive(self, most: int, deadline: float) -> bytes:
        """Returns up to ``most`` bytes as soon as any arrive; empty bytes mean the end of the stream.

        Raises:
            OSError: the connection broke, or the deadline passed.
        """
        if self._pending is None:
            # Wait first: the response is hardly ever there yet. TLS sockets may hold decrypted data, though.
            self._wait(deadline, writable=False)
        while True:
            try:
                return self._socket.recv(most)
            except OSError as error:
                self._wait(deadline, writable=self._awaits_writing(error, usually=False))

    def is_quiet(self) -> bool:
        """Returns whether the socket is not readable: the peer has neither closed nor sent data."""
        try:
            return not self._readiness.readable_within(0)
        except (OSError, ValueError):
            return False

    def holds_more(self) -> bool:
        """Returns whether decrypted data is waiting to be read."""
        return self._pending is not None and self._pending() > 0

    def release(self) -> socket.socket:
        """Returns the socket and gives up ownership."""
        return self._socket

    def close(self) -> None:
        """Closes this process's end, without a shutdown: after a fork, the parent may use the connection."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _awaits_writing(self, error: OSError, *, usually: bool) -> bool:
        """Returns whether the failed operation needs a writable socket, rather than a readable one.

        Raises:
            OSError: the error is not "would block".
        """
        if isinstance(error, BlockingIOError):
            return usually
        if self._pending is not None:
            import ssl  # noqa: PLC0415 - already loaded for this socket

            if isinstance(error, ssl.SSLWantReadError):
                return False
            if isinstance(error, ssl.SSLWantWriteError):
                return True
        raise error

    def _wait(self, deadline: float, *, writable: bool) -> None:
        wait = self._readiness.writable_within if writable else self._readiness.readable_within
        if not wait(remaining(deadline)):
            raise TimeoutError("timed out")


class SendError(Exception):
    """Sending failed; ``certain`` tells whether the peer certainly received nothing."""

    def __init__(self, cause: OSError, *, certain: bool) -> None:
        """Sets the attributes; see the class."""
        super().__init__(cause)
        self.cause = cause
        self.certain = certain
