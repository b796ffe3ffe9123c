"""Group commit: a batch holds what queued while the previous batch was committing (`astakos.ledger.waiting`).

There is no artificial delay. Without load, a batch is a single operation; under load, batches grow and share
the cost of one commit. Any number of processes and threads use one engine, each through its own socket
(`astakos.ledger.engine_client`). The engine has a thread to itself, and in `astakos serve` a process, so it
never waits for the interpreter lock.
"""

import contextlib
import logging
import math
import selectors
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from astakos.ledger.batch import carry_out
from astakos.ledger.channel import Channel
from astakos.ledger.frames import Answered, Standing
from astakos.ledger.operations import Failure, Operation, Outcome, Undone, Verdict
from astakos.ledger.ports import (
    MOST_EXPIRED,
    LedgerStorage,
    OutcomeUnknownError,
    StorageBrokenError,
    StorageUnavailableError,
)
from astakos.ledger.recent_refusals import RecentRefusals
from astakos.ledger.rules import InvariantViolatedError
from astakos.ledger.statistics import EngineStatistics
from astakos.ledger.waiting import WaitingOperations
from astakos.ledger.watched_clock import WatchedClock
from astakos.tracing.spans import BatchSpans, Waited

SWEEP_SECONDS = 1.0
"""How often an idle engine expires commissions; every batch does so too."""
SWEEP_AGAIN_SECONDS = 5.0
"""How long an idle engine waits after that has failed: calls that come during an attempt wait for its end."""
TIDY_SECONDS = 60.0
PROVEN_SECONDS = 5.0
"""For how long a commit proves that the storage can be written."""
WAKINGS_AT_ONCE = 1 << 12
NANOSECONDS = 1e9

log = logging.getLogger("astakos.ledger")


class _Waiting(NamedTuple):
    channel: Channel
    number: int
    operation: Operation
    waited: Waited | None


def _waited(traces: Iterable[tuple[int, str, int]]) -> dict[int, Waited]:
    return {number: Waited(trace, submitted) for number, trace, submitted in traces}


class Engine:
    """Applies operations in batches on the thread that calls `run`."""

    def __init__(
        self, storage: LedgerStorage, clock: WatchedClock, batch_spans: BatchSpans | None = None
    ) -> None:
        """Creates an engine that writes to a storage, and tells `batch_spans` of traced requests."""
        self.clock = clock
        self._batch_spans = batch_spans
        self.statistics = EngineStatistics()
        self._storage = storage
        self._selector = selectors.DefaultSelector()
        self._channels: set[Channel] = set()
        self._queue: WaitingOperations[_Waiting] = WaitingOperations()
        self._withdrawn: set[tuple[Channel, int]] = set()
        self._more_is_over = False
        self._can_write = True
        self._proven = -math.inf
        self._stopped_by: InvariantViolatedError | StorageBrokenError | None = None
        self._refusals = RecentRefusals()
        self._told_the_time: list[Callable[[int], None]] = []
        self._newcomers: deque[socket.socket] = deque()
        self._waker: socket.socket | None = None
        self._is_ending = threading.Event()
        self._sweeps_fail = False

    def serve(self, connection: socket.socket) -> None:
        """Serves a connection until the client closes it. From any thread; does not wait."""
        self._newcomers.append(connection)
        self._wake()

    def end(self) -> None:
        """Begins nothing more that no caller waits for. From any thread; does not wait.

        Operations are carried out as before, until the last connection closes.
        """
        self._is_ending.set()
        self._wake()

    def _wake(self) -> None:
        waker = self._waker
        if waker is not None:
            # It may have been closed, and if it is full, the engine will wake up.
            with contextlib.suppress(OSError):
                waker.send(b".")

    def _welcome(self) -> None:
        while self._newcomers:
            self._begin_to_serve(self._newcomers.popleft())

    def _begin_to_serve(self, connection: socket.socket) -> None:
        channel = Channel(connection)
        self._channels.add(channel)

        def receive(events: int) -> None:
            if events & selectors.EVENT_WRITE and channel.flush():
                self._selector.modify(connection, selectors.EVENT_READ, receive)
            asked = channel.receive()
            if asked is None:
                self._selector.unregister(connection)
                self._channels.discard(channel)
                self._withdrawn = {one for one in self._withdrawn if one[0] is not channel}
                connection.close()
                return
            for message in asked:
                unreadable = []
                traces = _waited(message.traces) if message.traces else None
                for number, operation in message.operations:
                    if isinstance(operation, Undone):
                        unreadable.append((number, operation))
                    else:
                        waited = traces.get(number) if traces else None
                        self._queue.add(operation, _Waiting(channel, number, operation, waited))
                if unreadable:
                    self._send(channel, Answered([*unreadable]))
                self._withdrawn.update((channel, number) for number in message.withdrawn)
                if message.broken:
                    self._stop(StorageBrokenError(message.broken, message.remedy))
                if message.standing is not None:
                    self._send(channel, Answered(standing=self._standing(message.standing)))
                if message.refusals is not None:
                    number, wanted = message.refusals
                    self._send(channel, Answered(refusals=(number, self._refusals.find(wanted))))

        self._selector.register(connection, selectors.EVENT_READ, receive)

    @property
    def has_stopped(self) -> bool:
        """Whether the engine refuses all operations, because its storage cannot be trusted any more.

        Stored figures contradict the quota rule, or the storage is damaged or gone.
        """
        return self._stopped_by is not None

    @property
    def repeats(self) -> int:
        """How many transactions the storage has retried after a conflict or a fault."""
        return self._storage.repeats

    def tell_time(self, told: Callable[[int], None]) -> None:
        """Calls `told` about once a second with the present instant, while things may end by the clock.

        It is called on the engine's thread, and must not wait.
        """
        self._told_the_time.append(told)

    def run(self) -> None:
        """Applies operations until the last connection closes, then closes the storage."""
        waking, waker = socket.socketpair()
        with waking, waker:
            for one in (waking, waker):
                one.setblocking(False)
            self._selector.register(waking, selectors.EVENT_READ, lambda _: waking.recv(WAKINGS_AT_ONCE))
            # From here on, whoever connects wakes this thread; those before are welcomed without.
            self._waker = waker
            self._welcome()
            try:
                self._serve_all()
            finally:
                # After a defect, nobody must wait for an answer.
                for connection in (*self._newcomers, *(one.connection for one in self._channels)):
                    connection.close()
        self._storage.close()
        self._selector.close()

    def _serve_all(self) -> None:
        tidied = time.monotonic()
        sweep_at = tidied + SWEEP_SECONDS
        looked = -math.inf
        while self._channels or self._newcomers:
            if self._may_begin and time.monotonic() - looked >= SWEEP_SECONDS:
                self._look_at_clock()
                looked = time.monotonic()
            self._receive(0 if self._queue or (self._more_is_over and self._may_begin) else SWEEP_SECONDS)
            batch = self._next_batch()
            now = time.monotonic()
            # An empty batch expires commissions.
            if batch or (self._may_begin and (self._more_is_over or now >= sweep_at)):
                self._carry_out(batch)
                sweep_at = now + (SWEEP_AGAIN_SECONDS if self._sweeps_fail else SWEEP_SECONDS)
            if self._may_begin and now - tidied >= TIDY_SECONDS and not self._tidy():
                tidied = now

    @property
    def _may_begin(self) -> bool:
        """Whether to do what no caller waits for."""
        return self._stopped_by is None and not self._is_ending.is_set()

    def _receive(self, timeout: float) -> None:
        self._welcome()
        for key, events in self._selector.select(timeout):
            # An earlier event in this round may have unregistered this one's connection.
            if self._selector.get_map().get(key.fd) is key:
                key.data(events)

    def _next_batch(self) -> list[_Waiting]:
        # The caller was told that a withdrawn operation timed out, so it must not be charged.
        batch = [
            waiting
            for waiting in self._queue.next_batch()
            if not self._withdrawn or not self._is_withdrawn(waiting)
        ]
        if not self._queue:
            self._withdrawn.clear()
        return batch

    def _is_withdrawn(self, waiting: _Waiting) -> bool:
        """Whether nobody waits for an operation any more. If so, forgets that: the queue may never end."""
        known = waiting.channel, waiting.number
        if known not in self._withdrawn:
            return False
        self._withdrawn.discard(known)
        return True

    def _carry_out(self, batch: Sequence[_Waiting]) -> None:
        outcomes: Sequence[Outcome | Undone]
        if self._stopped_by is not None:
            self._answer(batch, [Undone(f"the ledger has stopped: {self._stopped_by}")] * len(batch))
            return
        began = time.perf_counter()
        self._more_is_over = False
        try:
            outcomes, changes = carry_out(
                self._storage, [waiting.operation for waiting in batch], *self.clock.read()
            )
        except (StorageBrokenError, InvariantViolatedError) as error:
            self.statistics.failed += 1
            self._stop(error)
            outcomes = [Undone(f"the ledger has stopped: {error}")] * len(batch)
        except StorageUnavailableError as error:
            self.statistics.failed += 1
            # That the idle engine cannot expire anything is told once, and not every few seconds.
            level = logging.WARNING if batch or not self._sweeps_fail else logging.DEBUG
            told = "ledger batch failed: storage unavailable for %d operations: %s"
            log.log(level, told, len(batch), error)
            self._can_write, self._sweeps_fail = False, self._sweeps_fail or not batch
            is_unknown = isinstance(error, OutcomeUnknownError)
            failure = Failure.OUTCOME_UNKNOWN if is_unknown else Failure.NOT_CARRIED_OUT
            outcomes = [Undone(str(error), failure)] * len(batch)
        except Exception as error:
            self.statistics.failed += 1
            if len(batch) > 1:
                # One bad operation must not fail the others: apply them one by one.
                for waiting in batch:
                    self._carry_out([waiting])
                return
            log.exception("ledger operation failed and was rolled back")
            outcomes = [Undone(f"{type(error).__name__}: {error}", Failure.DEFECT)] * len(batch)
        else:
            self._sweeps_fail = False
            if changes.issued or changes.resolved:
                self._can_write, self._proven = True, time.monotonic()
            ended = [one for one in changes.resolved[:MOST_EXPIRED] if one.verdict is Verdict.EXPIRED]
            self._more_is_over = len(ended) == MOST_EXPIRED
            self.statistics.count(outcomes, changes, len(batch), time.perf_counter() - began)
            if changes.refused:
                self._refusals.add(changes.refused, self.clock.read().now)
        if self._batch_spans is None:
            self._answer(batch, outcomes)
            return
        seconds = time.perf_counter() - began
        self._answer(batch, outcomes)
        self._tell_spans(self._batch_spans, batch, outcomes, int(seconds * NANOSECONDS))

    def _tell_spans(
        self, tell: BatchSpans, batch: Sequence[_Waiting], outcomes: Sequence[Outcome | Undone], lasted: int
    ) -> None:
        waited = [one.waited for one in batch if one.waited is not None]
        if waited:
            ended = time.time_ns()
            failed = isinstance(outcomes[0], Undone)
            tell(waited, len(batch), ended - lasted, ended, "undone" if failed else "")

    def _stop(self, cause: InvariantViolatedError | StorageBrokenError) -> None:
        """Writes nothing more: whatever is built on a storage in this state makes it worse."""
        if self._stopped_by is not None:
            return
        self._stopped_by = cause
        remedy = f"; {cause.remedy}" if isinstance(cause, StorageBrokenError) else ""
        log.critical("ledger stopped, nothing more is written: %s%s", cause, remedy)

    def _answer(self, batch: Sequence[_Waiting], outcomes: Sequence[Outcome | Undone]) -> None:
        answers: dict[Channel, list[tuple[int, Outcome | Undone]]] = {}
        for (channel, number, *_), outcome in zip(batch, outcomes, strict=True):
            answers.setdefault(channel, []).append((number, outcome))
        for channel, answered in answers.items():
            if channel in self._channels:
                self._send(channel, Answered(answered))

    def _send(self, channel: Channel, answered: Answered) -> None:
        if not channel.send(answered):
            key = self._selector.get_key(channel.connection)
            both = selectors.EVENT_READ | selectors.EVENT_WRITE
            self._selector.modify(channel.connection, both, key.data)

    def _standing(self, number: int) -> Standing:
        """Returns the status, and finds out whether the storage can be written unless that is known.

        A full disk refuses all changes, but an idle engine makes none.
        """
        if not self.has_stopped and (
            not self._can_write or time.monotonic() - self._proven >= PROVEN_SECONDS
        ):
            self._prove_writable()
        return Standing(number, self.has_stopped, self._can_write)

    def _prove_writable(self) -> None:
        could = self._can_write
        try:
            self._storage.prove_writable()
        except StorageBrokenError as error:
            self._stop(error)
        except StorageUnavailableError as error:
            self._can_write = False
            if could:
                log.warning("the storage cannot be written now: %s", error)
        except Exception:
            self._can_write = False
            log.exception("the storage cannot be written")
        else:
            self._can_write, self._proven = True, time.monotonic()

    def _look_at_clock(self) -> None:
        try:
            self.clock.look(self._storage)
        except StorageBrokenError as error:
            self._stop(error)
        except StorageUnavailableError as error:
            log.debug("the record of the clock cannot be read or written now: %s", error)
        except Exception:
            log.exception("looking at the clock failed; will retry")
        else:
            self._tell_time()

    def _tell_time(self) -> None:
        due = self.clock.read().due if self._told_the_time else 0
        if due:
            for told in self._told_the_time:
                told(due)

    def _tidy(self) -> bool:
        """Deletes some expired records; returns true if more remain, to be deleted after the next batch."""
        try:
            now, due, _ = self.clock.read()
            if due:
                return self._storage.tidy(now)
            # Nothing is deleted. The commit lets SQLite copy its log, which others go on to write.
            self._storage.prove_writable()
        except StorageBrokenError as error:
            self._stop(error)
        # Retention can wait; the engine must keep running.
        except StorageUnavailableError as error:
            log.warning("retention pass failed, will retry: %s", error)
        except Exception:
            log.exception("retention pass failed; will retry")
        return False
