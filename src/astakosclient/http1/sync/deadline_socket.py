"""Sends and receives on a connected socket with absolute deadlines."""

from __future__ import annotations

import contextlib
import select
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable


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
    therefore uses a non-blocking socket and polls it only when it must wait.
    """

    __slots__ = ("_pending", "_poll", "_socket")

    def __init__(self, opened: socket.socket) -> None:
        """Takes ownership of a connected socket, plain or TLS."""
        opened.setblocking(False)
        self._socket = opened
        # Only TLS sockets have `pending`; isinstance(…, ssl.SSLSocket) would load OpenSSL for plain HTTP.
        self._pending: Callable[[], int] | None = getattr(opened, "pending", None)
        self._poll = select.poll()
        self._poll.register(opened, select.POLLIN)

    def send(self, data: bytes, deadline: float) -> None:
        """Sends all data.

        Raises:
            SendError: the connection broke, or the deadline passed.
        """
        sent = 0
        try:
            while sent < len(data):
                try:
                    sent += self._socket.send(data[sent:] if sent else data)
                except OSError as error:
                    self._wait(self._awaited(error, select.POLLOUT), deadline)
        except OSError as error:
            # OpenSSL may have sent part of the data even though its send() failed.
            raise SendError(error, certain=not sent and self._pending is None) from error

    def receive(self, most: int, deadline: float) -> bytes:
        """Returns up to ``most`` bytes as soon as any arrive; empty bytes mean the end of the stream.

        Raises:
            OSError: the connection broke, or the deadline passed.
        """
        if self._pending is None:
            # Poll first: the response is hardly ever there yet. TLS sockets may hold decrypted data, though.
            self._wait(select.POLLIN, deadline)
        while True:
            try:
                return self._socket.recv(most)
            except OSError as error:
                self._wait(self._awaited(error, select.POLLIN), deadline)

    def is_quiet(self) -> bool:
        """Returns whether the socket is not readable: the peer has neither closed nor sent data."""
        try:
            return not self._poll.poll(0)
        except OSError:
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

    def _awaited(self, error: OSError, usual: int) -> int:
        """Returns the poll event to wait for before repeating the failed operation.

        Raises:
            OSError: the error is not "would block".
        """
        if isinstance(error, BlockingIOError):
            return usual
        if self._pending is not None:
            import ssl  # noqa: PLC0415 - already loaded for this socket

            if isinstance(error, ssl.SSLWantReadError):
                return select.POLLIN
            if isinstance(error, ssl.SSLWantWriteError):
                return select.POLLOUT
        raise error

    def _wait(self, event: int, deadline: float) -> None:
        milliseconds = remaining(deadline) * 1000
        if event == select.POLLIN:
            ready = self._poll.poll(milliseconds)
        else:
            self._poll.modify(self._socket, event)
            ready = self._poll.poll(milliseconds)
            self._poll.modify(self._socket, select.POLLIN)
        if not ready:
            raise TimeoutError("timed out")


class SendError(Exception):
    """Sending failed; ``certain`` tells whether the peer certainly received nothing."""

    def __init__(self, cause: OSError, *, certain: bool) -> None:
        """Sets the attributes; see the class."""
        super().__init__(cause)
        self.cause = cause
        self.certain = certain
