"""Reads from a database server on a few threads, so that the event loop does not wait for them."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

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
        # The context carries the request ID, which log lines from the thread must show.
        under_way = self._threads.submit(contextvars.copy_context().run, read)
        waiting = _Patience(under_way)
        timer = asyncio.get_running_loop().call_later(LONGEST_WAIT_SECONDS, waiting.end)
        try:
            async with asyncio.timeout(LONGEST_READ_SECONDS):
                return await asyncio.wrap_future(under_way)
        except TimeoutError:
            raise StorageUnavailableError("the database does not answer") from None
        except asyncio.CancelledError:
            if waiting.ended:
                raise StorageUnavailableError("too many reads are queued") from None
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        """Stops the threads, and cancels what is queued."""
        self._threads.shutdown(cancel_futures=True)


class _Patience:
    """Cancels a read that has not started in time."""

    def __init__(self, under_way: "Future[T]") -> None:
        self._under_way = under_way
        self.ended = False

    def end(self) -> None:
        self.ended = self._under_way.cancel()
