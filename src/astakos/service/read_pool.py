"""Reads from a database server on a few threads, so that the event loop does not wait for them."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from astakos.ledger.ports import StorageUnavailableError

LONGEST_WAIT_SECONDS = 5.0
"""How long a read waits for a free thread."""
LONGEST_READ_SECONDS = 10.0
"""How long the caller waits for a read. The read itself may run until its connection times out."""

T = TypeVar("T")


class ReadPool:
    """A bounded number of threads, each with its own connection."""

    def __init__(self, count: int, name: str) -> None:
        """Starts the threads on demand."""
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=f"astakos-{name}")

    async def run(self, read: Callable[[], T]) -> T:
        """Runs a read.

        Raises:
            StorageUnavailableError: No thread became free in time, or the read took too long.
        """
        loop = asyncio.get_running_loop()
        # The context carries the request ID, which log lines from the thread must show.
        under_way = self._threads.submit(contextvars.copy_context().run, read)
        waiting = _Patience(under_way, asyncio.wrap_future(under_way))
        # Handlers run outside of tasks, where `asyncio.timeout` does not work.
        timers = [
            loop.call_later(LONGEST_WAIT_SECONDS, waiting.end_if_queued),
            loop.call_later(LONGEST_READ_SECONDS, waiting.end),
        ]
        try:
            return await waiting.result
        except asyncio.CancelledError:
            if waiting.ended:
                raise StorageUnavailableError(waiting.ended) from None
            raise
        finally:
            for timer in timers:
                timer.cancel()

    def close(self) -> None:
        """Stops the threads, and cancels what is queued."""
        self._threads.shutdown(cancel_futures=True)


class _Patience(Generic[T]):
    """Stops waiting for a read that does not start, or does not end, in time.

    Attributes:
        result: The result of the read.
        ended: Why waiting stopped; "" if it did not.
    """

    def __init__(self, under_way: "Future[T]", result: "asyncio.Future[T]") -> None:
        self._under_way = under_way
        self.result = result
        self.ended = ""

    def end_if_queued(self) -> None:
        if self._under_way.cancel():
            self.ended = "too many reads are queued"

    def end(self) -> None:
        if self.result.cancel():
            self.ended = "the database does not answer"
