"""The group commit: one writer takes all that has queued up while the last batch was being made durable.

There is no artificial delay: under no load a batch is a single commission, under load it grows by itself, and
the cost of making it durable is shared by all of it.
"""

import asyncio
import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import NamedTuple

from astakos.ledger.batch import perform
from astakos.ledger.operations import Operation, Outcome
from astakos.ledger.storage import LedgerStorage, StorageUnavailableError

LARGEST_BATCH = 256
"""Enough to make the share of one commission in a commit negligible, small enough to keep latency even."""

log = logging.getLogger("astakos.ledger")


class _Waiting(NamedTuple):
    operation: Operation
    answer: asyncio.Future[Outcome]


class GroupCommit:
    """Takes operations from an event loop and carries them out in batches on a thread of its own."""

    def __init__(self, storage: LedgerStorage, clock: Callable[[], int]) -> None:
        """Give it the storage to write to and the clock that dates what it writes."""
        self._storage = storage
        self._clock = clock
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self) -> None:
        """Begin to work for the event loop that is running."""
        self._loop = asyncio.get_running_loop()
        self._writer = threading.Thread(target=self._write, name="astakos-writer", daemon=True)
        self._writer.start()

    async def stop(self) -> None:
        """Finish all that has been submitted, then end; nothing may be submitted any more."""
        if self._writer is not None:
            self._queue.put(None)
            await asyncio.to_thread(self._writer.join)
            self._writer = None

    def submit(self, operation: Operation) -> asyncio.Future[Outcome]:
        """Put an operation into the queue; its outcome is durable when the future is done.

        It ends with StorageUnavailableError if the storage could not write; then nothing has happened.
        """
        if self._loop is None:
            raise RuntimeError("the group commit has not been started")
        answer: asyncio.Future[Outcome] = self._loop.create_future()
        self._queue.put(_Waiting(operation, answer))
        return answer

    def _write(self) -> None:
        more = True
        while more:
            batch, more = self._next_batch()
            if batch:
                self._carry_out(batch)
        self._storage.close()

    def _next_batch(self) -> tuple[list[_Waiting], bool]:
        batch: list[_Waiting] = []
        waiting = self._queue.get()
        while waiting is not None:
            batch.append(waiting)
            if len(batch) == LARGEST_BATCH:
                return batch, True
            try:
                waiting = self._queue.get_nowait()
            except queue.Empty:
                return batch, True
        return batch, False

    def _carry_out(self, batch: Sequence[_Waiting]) -> None:
        outcomes: Sequence[Outcome | Exception]
        try:
            outcomes = perform(self._storage, [waiting.operation for waiting in batch], self._clock())
        except StorageUnavailableError as error:
            outcomes = [error] * len(batch)
        except Exception as error:
            if len(batch) > 1:
                # One bad operation must not take the others with it: find out which it is.
                for waiting in batch:
                    self._carry_out([waiting])
                return
            log.exception("a ledger operation failed and was undone")
            outcomes = [error]
        if self._loop is not None:
            self._loop.call_soon_threadsafe(_deliver, batch, outcomes)


def _deliver(batch: Sequence[_Waiting], outcomes: Sequence[Outcome | Exception]) -> None:
    for (_, answer), outcome in zip(batch, outcomes, strict=True):
        if answer.done():
            continue
        if isinstance(outcome, Exception):
            answer.set_exception(outcome)
        else:
            answer.set_result(outcome)
