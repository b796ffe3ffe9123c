"""Pools idle connections, separately in each process."""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from astakosclient.http1.permits import Permit, Permits
    from astakosclient.http1.sync.connection import Connection


class Pool:
    """The connection pool of one transport.

    After a fork, the child starts with an empty pool. It closes its copies of the parent's connections
    without sending anything.
    """

    def __init__(self, size: int, *, bounded: bool) -> None:
        """Creates an empty pool.

        Args:
            size: maximum number of idle connections.
            bounded: also limit the connections in use to ``size``.
        """
        self._size = size
        self._bounded = bounded
        self._shelf = Shelf(size, bounded=bounded)

    def shelf(self) -> Shelf:
        """Returns the connections of the current process."""
        shelf = self._shelf
        if shelf.pid != os.getpid():
            shelf.clear()
            self._shelf = shelf = Shelf(self._size, bounded=self._bounded)
        return shelf

    def close(self) -> None:
        """Closes all idle connections."""
        self.shelf().clear()


class Shelf:
    """The idle connections of one process. Needs no lock because list append and pop are atomic."""

    __slots__ = ("_idle", "_permits", "_size", "pid")

    def __init__(self, size: int, *, bounded: bool) -> None:
        """Creates an empty shelf; for the arguments, see `Pool`."""
        self.pid = os.getpid()
        self._size = size
        self._idle: list[Connection] = []
        self._permits: Permits | None = None
        if bounded:
            from astakosclient.http1 import permits  # noqa: PLC0415 - loads `queue` and threading

            self._permits = permits.Permits(size)

    def enter(self, deadline: float) -> Permit | None:
        """Waits until a connection may be used; pass what it returns to `leave` afterwards.

        Raises:
            TimeoutError: all connections stayed in use until the deadline.
        """
        if self._permits is None:
            return None
        try:
            return self._permits.take(deadline)
        except TimeoutError:
            raise TimeoutError(f"all {self._size} connections of the pool stayed in use") from None

    def leave(self, permit: Permit | None) -> None:
        """Ends a use that `enter` began."""
        if self._permits is not None and permit is not None:
            self._permits.give_back(permit)

    def take(self) -> Connection | None:
        """Returns an open idle connection, or None; prefers the last used, least likely to time out."""
        while True:
            try:
                connection = self._idle.pop()
            except IndexError:
                return None
            if connection.is_quiet():
                return connection
            connection.close()

    def give_back(self, connection: Connection) -> None:
        """Adds a connection to the pool, or closes it if it is not reusable or the pool is full."""
        if connection.pid == os.getpid() and len(self._idle) < self._size and connection.is_reusable():
            self._idle.append(connection)
        else:
            connection.close()

    def clear(self) -> None:
        """Closes all idle connections."""
        while self._idle:
            with contextlib.suppress(IndexError):
                self._idle.pop().close()
