"""The group commit: one writer takes all that has queued up while the last batch was being made durable.

There is no artificial delay: under no load a batch is a single commission, under load it grows by itself, and
the cost of making it durable is shared by all of it. What waits is bounded in number and time: past that an
operation is refused, and nothing of it happens but in the one case that it was just being made durable.
"""

import asyncio
import collections
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

from astakos.ledger.batch import perform
from astakos.ledger.operations import Operation, Outcome
from astakos.ledger.rules import InvariantViolatedError
from astakos.ledger.storage import LedgerStorage, StorageUnavailableError

LARGEST_BATCH = 256
"""Enough to make the share of one commission in a commit negligible, small enough to keep latency even."""
MOST_WAITING = 4096
LONGEST_WAIT_SECONDS = 10.0
SWEEP_SECONDS = 1.0
"""How often commissions whose time is over are ended, if nothing else does it before."""
TIDY_SECONDS = 60.0

log = logging.getLogger("astakos.ledger")


class _Waiting(NamedTuple):
    operation: Operation
    answer: asyncio.Future[Outcome]
    since: float


class GroupCommit:
    """Takes operations from an event loop and carries them out in batches on a thread of its own."""

    def __init__(
        self,
        storage: LedgerStorage,
        clock: Callable[[], int],
        *,
        most_waiting: int = MOST_WAITING,
        longest_wait: float = LONGEST_WAIT_SECONDS,
    ) -> None:
        """Prepare; see `start`.

        Args:
            storage: where to write.
            clock: what dates it.
            most_waiting: how many operations may be under way at once; more are refused.
            longest_wait: after so many seconds an operation that is not done is answered as such.
        """
        self._storage = storage
        self._clock = clock
        self._most_waiting = most_waiting
        self._longest_wait = longest_wait
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._gathered: list[_Waiting] = []
        self._under_way: collections.deque[_Waiting] = collections.deque()
        self._count = 0
        self._refused = 0
        self._writer: threading.Thread | None = None
        self._watchman: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = False
        self._stopped_by: InvariantViolatedError | None = None

    def start(self) -> None:
        """Begin to work for the event loop that is running."""
        self._loop = asyncio.get_running_loop()
        self._watchman = self._loop.create_task(self._watch())
        self._writer = threading.Thread(target=self._write, name="astakos-writer", daemon=True)
        self._writer.start()

    async def stop(self) -> None:
        """Finish all that has been submitted, then end; nothing may be submitted any more."""
        self._stopping = True
        if self._writer is not None:
            self._hand_over()
            self._queue.put(None)
            await asyncio.to_thread(self._writer.join)
            self._writer = None
        if self._watchman is not None:
            self._watchman.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watchman
            self._watchman = None

    def submit(self, operation: Operation) -> asyncio.Future[Outcome]:
        """Put an operation into the queue; its outcome is durable when the future is done.

        The future ends with StorageUnavailableError if the storage could not write, or not in time.

        Raises:
            StorageUnavailableError: too much is waiting already, or the engine has stopped.
        """
        if self._loop is None:
            raise RuntimeError("the group commit has not been started")
        self._raise_if_stopped()
        if self._stopping:
            raise StorageUnavailableError("the service is ending")
        if self._count >= self._most_waiting:
            self._refused += 1
            raise StorageUnavailableError(f"{self._count} operations are waiting already")
        waiting = _Waiting(operation, self._loop.create_future(), time.monotonic())
        waiting.answer.add_done_callback(self._one_less)
        self._count += 1
        self._under_way.append(waiting)
        if not self._gathered:
            # The writer is woken once for all that the event loop finds in one turn: woken for the first, it
            # would fight for the interpreter with the handlers of the others, and batches would be smaller.
            self._loop.call_soon(self._hand_over)
        self._gathered.append(waiting)
        return waiting.answer

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        for waiting in gathered:
            self._queue.put(waiting)

    def _raise_if_stopped(self) -> None:
        if self._stopped_by is not None:
            raise StorageUnavailableError(f"the ledger has stopped: {self._stopped_by}")

    async def _watch(self) -> None:
        """Answer those that have waited too long; they may hang in a storage that does not come back."""
        while True:
            await asyncio.sleep(min(SWEEP_SECONDS, self._longest_wait / 4))
            if self._refused:
                log.warning("%d operations were refused, since too many were waiting", self._refused)
                self._refused = 0
            too_old = time.monotonic() - self._longest_wait
            while self._under_way and (
                self._under_way[0].answer.done() or self._under_way[0].since < too_old
            ):
                waiting = self._under_way.popleft()
                if not waiting.answer.done():
                    waiting.answer.set_exception(
                        StorageUnavailableError("it took too long; it may or may not have been carried out")
                    )

    def _write(self) -> None:
        more = True
        tidied = time.monotonic()
        while more:
            batch, more = self._next_batch()
            if batch or self._stopped_by is None:
                # Without operations, what has expired is ended.
                self._carry_out(batch)
            if time.monotonic() - tidied >= TIDY_SECONDS and not self._tidy():
                tidied = time.monotonic()
        self._storage.close()

    def _next_batch(self) -> tuple[list[_Waiting], bool]:
        batch: list[_Waiting] = []
        try:
            waiting = self._queue.get(timeout=SWEEP_SECONDS)
            while waiting is not None:
                # Who was told that it took too long must not be charged afterwards.
                if not waiting.answer.done():
                    batch.append(waiting)
                if len(batch) == LARGEST_BATCH:
                    break
                waiting = self._queue.get_nowait()
        except queue.Empty:
            return batch, True
        return batch, waiting is not None

    def _carry_out(self, batch: Sequence[_Waiting]) -> None:
        outcomes: Sequence[Outcome | Exception]
        try:
            self._raise_if_stopped()
            outcomes = perform(self._storage, [waiting.operation for waiting in batch], self._clock())
        except StorageUnavailableError as error:
            log.warning("a batch of %d operations could not be carried out: %s", len(batch), error)
            outcomes = [error] * len(batch)
        except InvariantViolatedError as error:
            log.critical("the ledger stops, since %s; nothing was written", error)
            self._stopped_by = error
            outcomes = [StorageUnavailableError(f"the ledger has stopped: {error}")] * len(batch)
        except Exception as error:
            if len(batch) > 1:
                # One bad operation must not take the others with it: find out which it is.
                for waiting in batch:
                    self._carry_out([waiting])
                return
            log.exception("a ledger operation failed and was undone")
            outcomes = [error] * len(batch)
        if self._loop is not None and batch:
            self._loop.call_soon_threadsafe(self._deliver, batch, outcomes)

    def _tidy(self) -> bool:
        """Forget some of what is too old; true if there is more, which then waits for one batch only."""
        try:
            return self._storage.tidy(self._clock())
        except Exception:
            # It can wait; the writer must go on.
            log.exception("what is too old could not be forgotten now")
            return False

    def _deliver(self, batch: Sequence[_Waiting], outcomes: Sequence[Outcome | Exception]) -> None:
        for (_, answer, _), outcome in zip(batch, outcomes, strict=True):
            if answer.done():
                continue
            if isinstance(outcome, Exception):
                answer.set_exception(outcome)
            else:
                answer.set_result(outcome)

    def _one_less(self, _answer: asyncio.Future[Outcome]) -> None:
        self._count -= 1
