"""Reads of a database on a server: on a few threads, since the event loop must not wait for them."""

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from astakos.ledger.ports import StorageUnavailableError

LONGEST_WAIT_SECONDS = 5.0
"""How long a read waits for a thread that is free."""
LONGEST_READ_SECONDS = 10.0
"""How long a read is waited for at all; it may go on, until the server has been silent for too long."""

T = TypeVar("T")


class ReadPool:
    """A bounded number of threads, each of which has its own connection."""

    def __init__(self, count: int, name: str) -> None:
        """Begin the threads when they are needed."""
        self._threads = ThreadPoolExecutor(count, thread_name_prefix=f"astakos-{name}")

    async def run(self, read: Callable[[], T]) -> T:
        """Carry out a read.

        Raises:
            StorageUnavailableError: no thread became free in time, or the read took too long.
        """
        # What is logged there is said about the request that is being answered here.
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
                raise StorageUnavailableError("too much is being read") from None
            raise
        finally:
            timer.cancel()

    def close(self) -> None:
        """End the threads; none of them reads any more."""
        self._threads.shutdown(cancel_futures=True)


class _Patience:
    """Ends the waiting of a read that has not begun."""

    def __init__(self, under_way: "Future[T]") -> None:
        self._under_way = under_way
        self.ended = False

    def end(self) -> None:
        self.ended = self._under_way.cancel()
