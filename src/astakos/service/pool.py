"""Threads for work of one kind that would block the event loop: bounded, and callers take turns."""

import asyncio
import contextlib
import contextvars
from collections.abc import Callable, Hashable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from astakos.ledger.ports import StorageUnavailableError
from astakos.service.admission import Admission, Bounds

CLOSING_SECONDS = 2.0
"""How long the end of a process waits for threads that use the database. Whoever asked them has gone."""

T = TypeVar("T")


class Pool:
    """As many threads as its bounds admit at once. Each has a database connection of its own."""

    def __init__(self, kind: str, bounds: Bounds, *, longest: float | None = None) -> None:
        """Starts the threads on demand.

        Args:
            kind: What runs on them, in the plural, for messages and names of threads.
            bounds: What may run and wait.
            longest: How many seconds the caller waits for work that has begun. The thread is only free again
                when the work ends, which must have a bound of its own. None if the caller waits for that.
        """
        self._threads = ThreadPoolExecutor(bounds.at_once, thread_name_prefix=f"astakos-{kind}")
        self._admission = Admission(kind, bounds)
        self._longest = longest
        self._refusal = f"{kind} take too long"
        self._under_way: set[Future[Any]] = set()

    async def run(self, work: Callable[[], T]) -> T:
        """Runs work on a thread.

        Raises:
            StorageUnavailableError: Too much is queued, and nothing was done; or the work took too long.
        """
        caller = await self._admission.enter()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[T] = loop.create_future()

        def ended(done: "Future[T]") -> None:
            # The loop is closed if the process ends while work is under way.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._end, caller, done, answer)

        try:
            # The context carries the request ID, which log lines from the thread must show.
            under_way = self._threads.submit(contextvars.copy_context().run, work)
        except BaseException:
            self._admission.leave(caller)
            raise
        self._under_way.add(under_way)
        under_way.add_done_callback(self._under_way.discard)
        under_way.add_done_callback(ended)
        if self._longest is None:
            return await answer
        timer = loop.call_later(self._longest, self._give_up, answer)
        try:
            return await answer
        finally:
            timer.cancel()

    def _end(self, caller: Hashable, done: "Future[T]", answer: "asyncio.Future[T]") -> None:
        self._admission.leave(caller)
        if answer.done():
            return
        if done.cancelled():
            answer.cancel()
        elif (error := done.exception()) is not None:
            answer.set_exception(error)
        else:
            answer.set_result(done.result())

    def _give_up(self, answer: "asyncio.Future[T]") -> None:
        if not answer.done():
            answer.set_exception(StorageUnavailableError(self._refusal))

    def close(self, seconds: float) -> bool:
        """Cancels what is queued, and waits for what is under way.

        Args:
            seconds: How long to wait: a database may hang.

        Returns:
            Whether nothing is under way any more. If not, its threads are left behind.
        """
        self._threads.shutdown(wait=False, cancel_futures=True)
        if wait(list(self._under_way), seconds).not_done:
            return False
        # Those that have nothing to do end at once.
        self._threads.shutdown()
        return True
