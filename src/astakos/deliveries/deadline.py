"""A deadline for a whole exchange over sockets, which timeouts of single reads and writes do not give."""

import contextlib
import socket
import threading


class Deadline:
    """Cuts off the connection that it watches when the time is over. A context manager."""

    def __init__(self, seconds: float) -> None:
        """Sets the time, which begins on entry."""
        self.is_over = False
        self._watched: socket.socket | None = None
        self._timer = threading.Timer(seconds, self._cut_off)
        self._timer.daemon = True

    def __enter__(self) -> "Deadline":
        """Starts the time."""
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stops the time."""
        self._timer.cancel()
        if self._watched is not None:
            self._watched.close()

    def watch(self, connection: socket.socket) -> None:
        """Watches a connection, which is not closed thereby."""
        # TLS takes a socket over; its duplicate can still end the connection.
        self._watched = connection.dup()
        if self.is_over:
            self._cut_off()

    def _cut_off(self) -> None:
        self.is_over = True
        if self._watched is not None:
            with contextlib.suppress(OSError):
                self._watched.shutdown(socket.SHUT_RDWR)
