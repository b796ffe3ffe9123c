"""Asking the engine from an event loop. What waits is bounded in number and time.

Past that an operation is refused, and nothing of it happens but in the one case that it was just being made
durable.
"""

import asyncio
import contextlib
import logging
import socket
import time
from collections.abc import Callable
from typing import NamedTuple

from astakos.ledger.frames import Answered, Asked, Frames, frame
from astakos.ledger.operations import Operation, Outcome, Undone
from astakos.ledger.ports import StorageUnavailableError

MOST_WAITING = 4096
LONGEST_WAIT_SECONDS = 10.0
WATCH_SECONDS = 1.0
HANDED_OVER_TOGETHER = 8
"""What the event loop finds in one turn goes together, since that spares system calls and makes the
batches of the engine larger; but not all of it, or the engine would idle as long as the turn lasts."""

log = logging.getLogger("astakos.ledger")


class OperationFailedError(Exception):
    """A defect of the code: the operation was undone, and the engine's log tells what happened."""


class Counts(NamedTuple):
    """What has been counted of operations since the beginning, and how many are under way."""

    under_way: int
    refused: int
    late: int


class _Waiting(NamedTuple):
    number: int
    answer: asyncio.Future[Outcome]
    since: float


class Ledger(asyncio.Protocol):
    """One event loop's connection to the engine."""

    def __init__(
        self,
        connect: Callable[[], socket.socket],
        *,
        most_waiting: int = MOST_WAITING,
        longest_wait: float = LONGEST_WAIT_SECONDS,
    ) -> None:
        """Prepare; see `start`.

        Args:
            connect: gives a stream to the engine.
            most_waiting: how many operations may be under way at once; more are refused.
            longest_wait: after so many seconds an operation that is not done is answered as such.
        """
        self._connect = connect
        self._most_waiting = most_waiting
        self._longest_wait = longest_wait
        self._frames = Frames(Answered)
        self._asked = Asked()
        self._under_way: dict[int, _Waiting] = {}
        self._standings: dict[int, asyncio.Future[bool]] = {}
        self._number = 0
        self._refused = 0
        self._refused_before = 0
        self._late = 0
        self._transport: asyncio.Transport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watchman: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Begin to work for the event loop that is running."""
        self._loop = asyncio.get_running_loop()
        self._transport, _ = await self._loop.create_unix_connection(lambda: self, sock=self._connect())
        self._watchman = self._loop.create_task(self._watch())

    async def stop(self) -> None:
        """Wait for all that has been submitted, then close; nothing may be submitted any more."""
        self._stopping = True
        if self._transport is None or self._watchman is None:
            return
        if self._under_way:
            await asyncio.wait([waiting.answer for waiting in self._under_way.values()])
        self._transport.close()
        self._watchman.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._watchman

    def submit(self, operation: Operation) -> asyncio.Future[Outcome]:
        """Ask for an operation; its outcome is durable when the future is done.

        The future ends with StorageUnavailableError if the storage could not write, or not in time, and with
        OperationFailedError if there is a defect.

        Raises:
            StorageUnavailableError: too much is waiting already, or the engine has ended.
        """
        if self._loop is None or self._transport is None:
            raise RuntimeError("the ledger has not been started")
        if self._stopping or self._transport.is_closing():
            raise StorageUnavailableError("the service is ending")
        if len(self._under_way) >= self._most_waiting:
            self._refused += 1
            raise StorageUnavailableError(f"{len(self._under_way)} operations are waiting already")
        self._number += 1
        waiting = _Waiting(self._number, self._loop.create_future(), time.monotonic())
        self._under_way[self._number] = waiting
        if not self._asked.operations:
            self._loop.call_soon(self._hand_over)
        self._asked.operations.append((self._number, operation))
        if len(self._asked.operations) == HANDED_OVER_TOGETHER:
            self._hand_over()
        return waiting.answer

    def counts(self) -> Counts:
        """How many are under way; how many were refused since too many were, and how many took too long."""
        return Counts(len(self._under_way), self._refused, self._late)

    async def has_stopped(self) -> bool:
        """Ask the engine whether it carries out nothing any more; it answers between two batches.

        Raises:
            StorageUnavailableError: it has ended.
        """
        if self._loop is None or self._transport is None:
            raise RuntimeError("the ledger has not been started")
        if self._stopping or self._transport.is_closing():
            raise StorageUnavailableError("the service is ending")
        self._number += 1
        number = self._number
        answer: asyncio.Future[bool] = self._loop.create_future()
        self._standings[number] = answer
        try:
            self._transport.write(frame(Asked(standing=number)))
            return await answer
        finally:
            del self._standings[number]

    def _hand_over(self) -> None:
        if self._transport is None:
            return
        asked, self._asked = self._asked, Asked()
        if not asked.operations:
            return
        try:
            self._transport.write(frame(asked))
        except UnicodeEncodeError as error:
            self._give_up(asked, error)

    def _give_up(self, asked: Asked, error: UnicodeEncodeError) -> None:
        """One that can not be written must not take the others with it: find out which it is."""
        if len(asked.operations) > 1:
            for one in asked.operations:
                self._asked.operations.append(one)
                self._hand_over()
            return
        for number, _ in asked.operations:
            self._end(number, OperationFailedError(str(error)))

    def data_received(self, data: bytes) -> None:
        """Deliver outcomes."""
        for message in self._frames.feed(data):
            if message.standing is not None:
                waiting = self._standings.get(message.standing.number)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message.standing.has_stopped)
            for number, outcome in message.outcomes:
                self._end(number, outcome)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Tell those who wait that the engine has ended."""
        gone = StorageUnavailableError("the ledger has ended; it may or may not have been carried out")
        for number in list(self._under_way):
            self._end(number, gone)
        for waiting in self._standings.values():
            if not waiting.done():
                waiting.set_exception(gone)

    def _end(self, number: int, outcome: Outcome | Undone | Exception) -> None:
        waiting = self._under_way.pop(number, None)
        if waiting is None or waiting.answer.done():
            return
        if isinstance(outcome, Undone):
            kind = OperationFailedError if outcome.is_defect else StorageUnavailableError
            waiting.answer.set_exception(kind(outcome.reason))
        elif isinstance(outcome, Exception):
            waiting.answer.set_exception(outcome)
        else:
            waiting.answer.set_result(outcome)

    async def _watch(self) -> None:
        """Answer those that have waited too long: the engine may hang in its storage."""
        while True:
            await asyncio.sleep(min(WATCH_SECONDS, self._longest_wait / 4))
            refused, self._refused_before = self._refused - self._refused_before, self._refused
            if refused:
                log.warning("%d operations were refused, since too many were waiting", refused)
            too_old = time.monotonic() - self._longest_wait
            late = [
                waiting.number
                for waiting in self._under_way.values()
                if waiting.since < too_old or waiting.answer.done()
            ]
            if late and self._transport is not None:
                # If the engine has not begun with them, it never will.
                self._transport.write(frame(Asked(withdrawn=late)))
            for number in late:
                self._late += not self._under_way[number].answer.done()
                self._end(
                    number,
                    StorageUnavailableError("it took too long; it may or may not have been carried out"),
                )
