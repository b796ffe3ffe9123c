"""Makes committed batches durable on a thread of its own, while the engine applies the next ones.

Waiting for the disk takes as long as applying a batch, and needs no processor. One wait covers every batch
that was committed before it began; what is committed meanwhile shares the next one.
"""

import logging
import queue
import socket
import threading
from typing import Generic, TypeVar

from astakos.ledger.ports import DeferredSync, StorageBrokenError

log = logging.getLogger("astakos.ledger")

T = TypeVar("T")


class Durability(Generic[T]):
    """The batches that are committed but not durable yet, in order.

    Only the engine's thread calls its methods. When `woken` is readable, `finish` returns more of them.

    Attributes:
        woken: a stream that becomes readable when a wait for the disk has ended.
    """

    def __init__(self, storage: DeferredSync) -> None:
        """Start the thread; `storage` is what makes commits durable."""
        self._storage = storage
        self._under_way: list[T] = []
        self._waiting: list[T] = []
        self._error: StorageBrokenError | None = None
        self._begun: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self.woken, self._wake = socket.socketpair()
        self._thread = threading.Thread(target=self._work, name="astakos-durability", daemon=True)
        self._thread.start()

    def __len__(self) -> int:
        """Return how many batches are not durable yet."""
        return len(self._under_way) + len(self._waiting)

    def add(self, batch: T) -> None:
        """Add a batch that has just been committed."""
        self._waiting.append(batch)
        self._begin()

    def sync(self, batch: T) -> tuple[list[T], StorageBrokenError | None]:
        """Make a batch durable before this returns, if no other is waiting; see `finish`."""
        self._sync()
        return [batch], self._error

    def finish(self) -> tuple[list[T], StorageBrokenError | None]:
        """Return the batches that are durable now, and begin the next wait.

        If the wait failed, return all batches, and why: none of them may survive a power failure, and a later
        success would prove nothing, because the system drops what it could not write.
        """
        self.woken.recv(1)
        ended, self._under_way = self._under_way, []
        if self._error is not None:
            ended, self._waiting = ended + self._waiting, []
        self._begin()
        return ended, self._error

    def close(self) -> None:
        """Wait until all batches are durable or have failed; then end the thread."""
        while self._under_way:
            self.finish()
        self._begun.put(False)
        self._thread.join()
        self._storage.close()
        self.woken.close()
        self._wake.close()

    def _begin(self) -> None:
        if self._waiting and not self._under_way:
            self._under_way, self._waiting = self._waiting, []
            self._begun.put(True)

    def _work(self) -> None:
        while self._begun.get():
            self._sync()
            self._wake.send(b"\0")

    def _sync(self) -> None:
        try:
            self._storage.sync()
        except StorageBrokenError as error:
            self._error = error
        except Exception as error:
            log.exception("committed batches cannot be made durable")
            self._error = StorageBrokenError(f"{type(error).__name__}: {error}", "restart the service")
