"""Waits until a socket is readable or writable, by what the platform has."""

from __future__ import annotations

import select
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import socket


class Readiness(Protocol):
    """Watches one socket."""

    def readable_within(self, seconds: float) -> bool:  # pyright: ignore[reportReturnType]
        """Returns whether the socket is readable now or becomes so within some seconds."""

    def writable_within(self, seconds: float) -> bool:  # pyright: ignore[reportReturnType]
        """Returns whether the socket is writable now or becomes so within some seconds."""


def readiness_of(watched: socket.socket) -> Readiness:
    """Returns what watches a socket.

    Uses ``poll``, which has no limit on file descriptors. Windows does not have it, and
    ``eventlet.monkey_patch()`` removes it.
    """
    return _Polled(watched) if hasattr(select, "poll") else _Selected(watched)


class _Polled:
    __slots__ = ("_poll", "_socket")

    def __init__(self, watched: socket.socket) -> None:
        self._socket = watched
        self._poll = select.poll()
        self._poll.register(watched, select.POLLIN)

    def readable_within(self, seconds: float) -> bool:
        return bool(self._poll.poll(seconds * 1000))

    def writable_within(self, seconds: float) -> bool:
        self._poll.modify(self._socket, select.POLLOUT)
        try:
            return bool(self._poll.poll(seconds * 1000))
        finally:
            self._poll.modify(self._socket, select.POLLIN)


class _Selected:
    __slots__ = ("_socket",)

    def __init__(self, watched: socket.socket) -> None:
        self._socket = watched

    def readable_within(self, seconds: float) -> bool:
        return bool(select.select([self._socket], [], [], seconds)[0])

    def writable_within(self, seconds: float) -> bool:
        return bool(select.select([], [self._socket], [], seconds)[1])
