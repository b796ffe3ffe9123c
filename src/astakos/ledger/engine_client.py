"""The event loop's client of the engine. It limits how many operations of a component wait, and for how long.

An operation beyond the first limit is refused and has no effect. One beyond the second has no effect either,
unless its batch was already being applied; so its outcome is unknown.
"""

import asyncio
import contextlib
import logging
import socket
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from astakos.ledger.frames import Answered, Asked, Frames, Standing, frame
from astakos.ledger.operations import Failure, Operation, Outcome, Undone
from astakos.ledger.ports import (
    NotCarriedOutError,
    OutcomeUnknownError,
    StorageBrokenError,
    StorageUnavailableError,
)
from astakos.ledger.recent_refusals import RecentRefusal, RefusalsWanted
from astakos.ledger.waiting import LARGEST_BULK_WORK, component_of, is_bulk, work_of
from astakos.turns import Turns

MOST_WAITING = 4096
MOST_WORK_WAITING = 1 << 16
"""Rows that the operations of one component in progress read or write: about 10 MiB, and a few seconds."""
BULK_SENT_TOGETHER = 2 * LARGEST_BULK_WORK
"""While the engine carries out one batch of bulk, the next one waits there."""
LONGEST_WAIT_SECONDS = 10.0
WATCH_SECONDS = 1.0
HANDED_OVER_TOGETHER = 8
"""How many operations from one turn of the event loop are sent together. Sending more at once saves system
calls and makes the engine's batches larger; sending all of them would leave the engine idle during the
turn."""

T = TypeVar("T")

log = logging.getLogger("astakos.ledger")


class OperationFailedError(Exception):
    """The operation failed because of a bug and was rolled back; the engine's log has the traceback."""


class TooMuchInProgressError(NotCarriedOutError):
    """The component has too many, or too large, operations in progress."""


FAILURES: Mapping[Failure, type[Exception]] = {
    Failure.NOT_CARRIED_OUT: NotCarriedOutError,
    Failure.OUTCOME_UNKNOWN: OutcomeUnknownError,
    Failure.DEFECT: OperationFailedError,
}


class Counts(NamedTuple):
    """Counts of operations.

    Attributes:
        under_way: in progress now.
        refused: refused since the start because too many of the same component were in progress.
        late: timed out since the start.
        unknown: ended since the start without anybody knowing whether they had an effect.
    """

    under_way: int
    refused: int
    late: int
    unknown: int


class _Waiting(NamedTuple):
    number: int
    component: int
    work: int
    answer: asyncio.Future[Outcome]
    since: float
    trace: tuple[str, int] | None


class Ledger(asyncio.Protocol):
    """One event loop's connection to the engine."""

    def __init__(
        self,
        connect: Callable[[], socket.socket],
        *,
        most_waiting: int = MOST_WAITING,
        longest_wait: float = LONGEST_WAIT_SECONDS,
        trace: Callable[[], str] | None = None,
    ) -> None:
        """Creates a client; `start` connects it.

        Args:
            connect: returns a stream socket that is connected to the engine.
            most_waiting: the maximum number of operations of one component in progress; more are refused.
            longest_wait: the timeout of an operation in seconds.
            trace: returns the span of the present request, as the header `traceparent` has it, or ""; None if
                nothing is traced.
        """
        self._trace = trace
        self._connect = connect
        self._most_waiting = most_waiting
        self._longest_wait = longest_wait
        self._frames = Frames(Answered, Outcome | Undone, Failure.OUTCOME_UNKNOWN)
        self._asked = Asked()
        self._under_way: dict[int, _Waiting] = {}
        self._under_way_of: Counter[int] = Counter()
        self._work_of: Counter[int] = Counter()
        # Few bulk operations at a time are sent, so that small ones do not wait behind others in the stream.
        self._bulk: Turns[tuple[int, Operation]] = Turns()
        self._held: set[int] = set()
        self._bulk_sent: dict[int, int] = {}
        self._standings: dict[int, asyncio.Future[Standing]] = {}
        self._refusals: dict[int, asyncio.Future[list[RecentRefusal]]] = {}
        self._number = 0
        self._refused = 0
        self._refused_before = 0
        self._late = 0
        self._unknown = 0
        self._transport: asyncio.Transport | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watchman: asyncio.Task[None] | None = None
        self._stopping = False

    async def start(self) -> None:
        """Connects to the engine from the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._transport, _ = await self._loop.create_unix_connection(lambda: self, sock=self._connect())
        self._watchman = self._loop.create_task(self._watch())

    async def stop(self) -> None:
        """Finishes all submitted operations, then closes. Later submissions are refused."""
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
        """Submits an operation. Its outcome is durable when the returned future is done.

        The future raises NotCarriedOutError if the storage cannot write, OutcomeUnknownError if the operation
        times out or nobody can tell its outcome, and OperationFailedError if it fails because of a bug.

        Raises:
            TooMuchInProgressError: too many or too large operations of the component are in progress.
            NotCarriedOutError: the service is stopping.
        """
        if self._loop is None or self._transport is None:
            raise RuntimeError("the ledger has not been started")
        if self._stopping or self._transport.is_closing():
            raise NotCarriedOutError("the service is stopping")
        component = component_of(operation)
        if self._under_way_of[component] >= self._most_waiting:
            self._refused += 1
            raise TooMuchInProgressError(
                f"too many operations in progress: {self._under_way_of[component]} "
                f"of at most {self._most_waiting} for one component"
            )
        work = work_of(operation)
        if self._work_of[component] and self._work_of[component] + work > MOST_WORK_WAITING:
            self._refused += 1
            raise TooMuchInProgressError(
                f"the operations in progress are too large: {self._work_of[component]} provisions, serials "
                f"and holdings of at most {MOST_WORK_WAITING} for one component"
            )
        self._number += 1
        trace = self._present_trace() if self._trace is not None else None
        waiting = _Waiting(self._number, component, work, self._loop.create_future(), time.monotonic(), trace)
        self._under_way[self._number] = waiting
        self._under_way_of[component] += 1
        self._work_of[component] += work
        if is_bulk(operation):
            self._held.add(self._number)
            self._bulk.add(component, (self._number, operation))
            self._hand_over_bulk()
            return waiting.answer
        if not self._asked.operations:
            self._loop.call_soon(self._hand_over)
        self._asked.operations.append((self._number, operation))
        if trace:
            self._asked.traces = [*(self._asked.traces or ()), (self._number, *trace)]
        if len(self._asked.operations) == HANDED_OVER_TOGETHER:
            self._hand_over()
        return waiting.answer

    def _present_trace(self) -> tuple[str, int] | None:
        trace = self._trace() if self._trace is not None else ""
        return (trace, time.time_ns()) if trace else None

    def counts(self) -> Counts:
        """Returns the current counts."""
        return Counts(len(self._under_way), self._refused, self._late, self._unknown)

    async def standing(self) -> Standing:
        """Asks the engine whether it refuses all operations, and whether its storage can be written.

        It answers between two batches.

        Raises:
            StorageUnavailableError: the engine has ended, or does not answer.
        """
        return await self._ask(self._standings, lambda number: Asked(standing=number))

    async def recent_refusals(self, wanted: RefusalsWanted) -> list[RecentRefusal]:
        """Asks the engine for some of the last imports that it has refused, the newest first.

        Raises:
            StorageUnavailableError: the engine has ended, or does not answer.
        """
        return await self._ask(self._refusals, lambda number: Asked(refusals=(number, wanted)))

    async def _ask(self, asked: dict[int, asyncio.Future[T]], message: Callable[[int], Asked]) -> T:
        """Asks the engine something besides operations, and awaits its answer."""
        if self._loop is None or self._transport is None:
            raise RuntimeError("the ledger has not been started")
        if self._stopping or self._transport.is_closing():
            raise StorageUnavailableError("the service is stopping")
        self._number += 1
        number = self._number
        answer: asyncio.Future[T] = self._loop.create_future()
        asked[number] = answer
        # Handlers run outside of tasks, where `asyncio.wait_for` does not work from Python 3.12 on.
        timer = self._loop.call_later(self._longest_wait, _give_up, answer)
        try:
            self._transport.write(frame(message(number)))
            return await answer
        finally:
            timer.cancel()
            del asked[number]

    def stop_engine(self, cause: StorageBrokenError) -> None:
        """Tells the engine that a read has found the storage damaged or gone, so that it stops writing."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame(Asked(broken=str(cause), remedy=cause.remedy)))

    def _hand_over(self) -> None:
        if self._transport is None:
            return
        asked, self._asked = self._asked, Asked()
        if asked.operations:
            self._send(self._transport, asked)

    def _hand_over_bulk(self) -> None:
        while self._bulk and self._transport is not None and self._may_send_bulk(self._bulk.first()[0]):
            number, operation = self._bulk.take()
            self._held.discard(number)
            # It may have timed out.
            if number in self._under_way:
                waiting = self._under_way[number]
                self._bulk_sent[number] = waiting.work
                traces = [(number, *waiting.trace)] if waiting.trace else None
                self._send(self._transport, Asked([(number, operation)], traces=traces))

    def _may_send_bulk(self, number: int) -> bool:
        """Whether a bulk operation is the only one sent, or the engine has no more than two batches of it."""
        waiting = self._under_way.get(number)
        sent = sum(self._bulk_sent.values())
        return waiting is None or not sent or sent + waiting.work <= BULK_SENT_TOGETHER

    def _send(self, transport: asyncio.Transport, asked: Asked) -> None:
        try:
            transport.write(frame(asked))
        except Exception as error:  # noqa: BLE001 - the operation fails with it
            self._give_up(asked, error)

    def _give_up(self, asked: Asked, error: Exception) -> None:
        """Fails the operations that cannot be encoded, and sends the others one by one."""
        if len(asked.operations) > 1:
            for one in asked.operations:
                self._asked.operations.append(one)
                self._hand_over()
            return
        for number, _ in asked.operations:
            self._end(number, OperationFailedError(str(error)))

    def data_received(self, data: bytes) -> None:
        """Resolves the futures whose outcomes have arrived."""
        for message in self._frames.feed(data):
            if message.standing is not None:
                _answer(self._standings, message.standing.number, message.standing)
            if message.refusals is not None:
                _answer(self._refusals, *message.refusals)
            for number, outcome in message.outcomes:
                self._end(number, outcome)

    def connection_lost(self, _exc: Exception | None) -> None:
        """Fails every waiting future, because the engine has ended."""
        gone = OutcomeUnknownError("the ledger engine has ended")
        held = [self._bulk.take() for _ in range(len(self._bulk))]
        for number, _ in (*self._asked.operations, *held):
            self._end(number, NotCarriedOutError("the ledger engine has ended"))
        for number in list(self._under_way):
            self._end(number, gone)
        waiting: list[asyncio.Future[Any]] = [*self._standings.values(), *self._refusals.values()]
        for answer in waiting:
            if not answer.done():
                answer.set_exception(gone)

    def _end(self, number: int, outcome: Outcome | Undone | Exception) -> None:
        waiting = self._under_way.pop(number, None)
        if waiting is None:
            return
        self._under_way_of[waiting.component] -= 1
        self._work_of[waiting.component] -= waiting.work
        if self._bulk_sent.pop(number, None) is not None:
            self._hand_over_bulk()
        if waiting.answer.done():
            return
        if isinstance(outcome, Undone):
            outcome = FAILURES[outcome.failure](outcome.reason)
        if isinstance(outcome, Exception):
            self._unknown += isinstance(outcome, OutcomeUnknownError)
            waiting.answer.set_exception(outcome)
        else:
            waiting.answer.set_result(outcome)

    async def _watch(self) -> None:
        """Fails operations that time out: the engine may be blocked in its storage."""
        while True:
            await asyncio.sleep(min(WATCH_SECONDS, self._longest_wait / 4))
            refused, self._refused_before = self._refused - self._refused_before, self._refused
            if refused:
                log.warning(
                    "operations refused: %d; limit of %d in progress for one component reached",
                    refused,
                    self._most_waiting,
                )
            too_old = time.monotonic() - self._longest_wait
            late = [
                waiting.number
                for waiting in self._under_way.values()
                if waiting.since < too_old or waiting.answer.done()
            ]
            if late and self._transport is not None:
                # The engine drops those that it has not started.
                self._transport.write(frame(Asked(withdrawn=late)))
            # Those that are held first: an end of one that was sent would send them.
            for number in sorted(late, key=lambda number: number not in self._held):
                self._late += not self._under_way[number].answer.done()
                # What is held was never sent.
                kind = NotCarriedOutError if number in self._held else OutcomeUnknownError
                self._end(number, kind("the operation timed out"))


def _answer(asked: Mapping[int, asyncio.Future[T]], number: int, answer: T) -> None:
    waiting = asked.get(number)
    if waiting is not None and not waiting.done():
        waiting.set_result(answer)


def _give_up(answer: asyncio.Future[T]) -> None:
    if not answer.done():
        answer.set_exception(StorageUnavailableError("the ledger engine does not answer"))
