"""A ledger that runs its own engine on a thread, for tests and programs that embed the service."""

import asyncio
import socket
import threading
from collections.abc import Callable

from astakos.ledger.engine import Engine
from astakos.ledger.engine_client import LONGEST_WAIT_SECONDS, MOST_WAITING, Ledger
from astakos.ledger.ports import LedgerStorage
from astakos.ledger.watched_clock import WatchedClock


class EmbeddedLedger(Ledger):
    """A ledger whose engine runs on a thread of its own between `start` and `stop`.

    Attributes:
        engine: the engine.
    """

    def __init__(
        self,
        storage: LedgerStorage,
        clock: Callable[[], int],
        *,
        most_waiting: int = MOST_WAITING,
        longest_wait: float = LONGEST_WAIT_SECONDS,
    ) -> None:
        """Creates an engine for a storage.

        Args:
            storage: the storage.
            clock: returns the current time; it is taken not to jump.
            most_waiting: see `Ledger`.
            longest_wait: see `Ledger`.
        """
        super().__init__(self._begin, most_waiting=most_waiting, longest_wait=longest_wait)
        self.engine = Engine(storage, WatchedClock(clock))
        self._thread: threading.Thread | None = None

    def _begin(self) -> socket.socket:
        ours, engines = socket.socketpair()
        self.engine.serve(engines)
        self._thread = threading.Thread(target=self.engine.run, name="astakos-engine", daemon=True)
        self._thread.start()
        return ours

    async def stop(self) -> None:
        """Finishes all submitted operations, then ends the thread. Later submissions are refused."""
        self.engine.end()
        await super().stop()
        if self._thread is not None:
            await asyncio.to_thread(self._thread.join)
            self._thread = None
