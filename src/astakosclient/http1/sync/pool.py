"""Connections kept open between calls, in each process its own."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astakosclient.http1.permits import Permits
    from astakosclient.http1.sync.connection import Connection


class Pool:
    """The kept connections of one client.

    It belongs to the process that made it. A forked child gets an empty one, and closes its copies of the
    parent's connections without a word on the wire.
    """

    def __init__(self, size: int, *, bounded: bool) -> None:
        """Keep at most ``size`` idle connections; if ``bounded``, let no more than that be out at once."""
        self._size = size
        self._bounded = bounded
        self._shelf = Shelf(size, bounded=bounded)

    def shelf(self) -> Shelf:
        """The connections of this process."""
        shelf = self._shelf
        if shelf.pid != os.getpid():
            shelf.clear()
            self._shelf = shelf = Shelf(self._size, bounded=self._bounded)
        return shelf

    def close(self) -> None:
        """Close all idle connections."""
        self.shelf().clear()


class Shelf:
    """The idle connections of one process. A list's append and pop are atomic: it needs no lock."""

    __slots__ = ("_idle", "_permits", "_size", "pid")

    def __init__(self, size: int, *, bounded: bool) -> None:
        """As of `Pool`."""
        self.pid = os.getpid()
        self._size = size
        self._idle: list[Connection] = []
        self._permits: Permits | None = None
        if bounded:
            # It brings in threading, which is slow to import.
            from astakosclient.http1 import permits  # noqa: PLC0415

            self._permits = permits.Permits(size)

    def enter(self, deadline: float) -> None:
        """Wait until one more connection may be out; then `leave` must follow.

        Raises:
            TimeoutError: all were out until the deadline.
        """
        if self._permits is not None:
            try:
                self._permits.take(deadline)
            except TimeoutError:
                raise TimeoutError(f"all {self._size} connections of the pool stayed in use") from None

    def leave(self) -> None:
        """Let another one in."""
        if self._permits is not None:
            self._permits.give_back()

    def take(self) -> Connection | None:
        """The connection used last, if one is idle and still open: that one is least likely to be closed."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.is_quiet():
                return connection
            connection.close()

    def give_back(self, connection: Connection) -> None:
        """Keep a connection for the next call, unless that cannot be."""
        if connection.pid == os.getpid() and len(self._idle) < self._size and connection.is_reusable():
            self._idle.append(connection)
        else:
            connection.close()

    def clear(self) -> None:
        """Close whatever is idle."""
        while self._idle:
            with contextlib.suppress(IndexError):
                self._idle.pop().close()
