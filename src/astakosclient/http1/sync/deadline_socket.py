"""A connected socket that keeps to deadlines."""

from __future__ import annotations

import contextlib
import select
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable


def remaining(deadline: float) -> float:
    """The seconds until a deadline on the monotonic clock.

    Raises:
        TimeoutError: it has passed.
    """
    seconds = deadline - time.monotonic()
    if seconds <= 0:
        raise TimeoutError("timed out")
    return seconds


class Wire:
    """Sends and receives until a deadline, however the peer spreads its bytes over the time.

    The timeout of a socket starts anew with each operation and costs two system calls more each time. So
    the socket does not block, and this class waits for it only when it has to.
    """

    __slots__ = ("_pending", "_poll", "_socket")

    def __init__(self, opened: socket.socket) -> None:
        """Take over a connected socket, encrypted or not."""
        opened.setblocking(False)
        self._socket = opened
        # Only an encrypted socket has this; asking for its class would load OpenSSL for those without.
        self._pending: Callable[[], int] | None = getattr(opened, "pending", None)
        self._poll = select.poll()
        self._poll.register(opened, select.POLLIN)

    def send(self, data: bytes, deadline: float) -> None:
        """Send everything.

        Raises:
            SendError: that was not possible, or not in time.
        """
        sent = 0
        try:
            while sent < len(data):
                try:
                    sent += self._socket.send(data[sent:] if sent else data)
                except OSError as error:
                    self._wait(self._awaited(error, select.POLLOUT), deadline)
        except OSError as error:
            # OpenSSL may have sent a part of what it did not take.
            raise SendError(error, certain=not sent and self._pending is None) from error

    def receive(self, most: int, deadline: float) -> bytes:
        """Wait for what comes next, and return at most so much of it; nothing is the end of the stream.

        Raises:
            OSError: the connection broke, or nothing came in time.
        """
        if self._pending is None:
            # The answer is hardly ever there already; OpenSSL, however, may hold some of it.
            self._wait(select.POLLIN, deadline)
        while True:
            try:
                return self._socket.recv(most)
            except OSError as error:
                self._wait(self._awaited(error, select.POLLIN), deadline)

    def is_quiet(self) -> bool:
        """Whether the peer neither closed nor spoke: both make the socket readable."""
        try:
            return not self._poll.poll(0)
        except OSError:
            return False

    def holds_more(self) -> bool:
        """Whether something has been decrypted that nobody has read."""
        return self._pending is not None and self._pending() > 0

    def release(self) -> socket.socket:
        """The socket itself, for somebody else."""
        return self._socket

    def close(self) -> None:
        """Close this process's end. No shutdown: after a fork the connection may be the parent's."""
        with contextlib.suppress(OSError):
            self._socket.close()

    def _awaited(self, error: OSError, usual: int) -> int:
        """What has to happen before what failed can be tried again, if that is all that is wrong.

        Raises:
            OSError: it is not.
        """
        if isinstance(error, BlockingIOError):
            return usual
        if self._pending is not None:
            import ssl  # noqa: PLC0415 - loaded long ago, since this socket is encrypted

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
    """Sending failed; it may be certain that the peer got nothing at all."""

    def __init__(self, cause: OSError, *, certain: bool) -> None:
        """Say what failed, and whether it is certain."""
        super().__init__(cause)
        self.cause = cause
        self.certain = certain
