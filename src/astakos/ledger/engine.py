"""The group commit: one engine takes all that has queued up while the last batch was being made durable.

There is no artificial delay: under no load a batch is a single commission, under load it grows by itself, and
the cost of making it durable is shared by all of it. The engine works for any number of processes or threads,
each of which asks through a socket (`astakos.ledger.engine_client`); it has its thread for itself, and in
`astakos serve` its process, so that it never waits for the interpreter.
"""

import collections
import logging
import selectors
import socket
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import msgspec

from astakos.ledger.batch import carry_out
from astakos.ledger.frames import Answered, Asked, Frames, Standing, frame
from astakos.ledger.operations import Operation, Outcome, Undone
from astakos.ledger.ports import LedgerStorage, StorageUnavailableError
from astakos.ledger.rules import InvariantViolatedError
from astakos.ledger.statistics import EngineStatistics

LARGEST_BATCH = 256
"""Enough to make the share of one commission in a commit negligible, small enough to keep latency even."""
SWEEP_SECONDS = 1.0
"""How often commissions whose time is over are ended, if nothing else does it before."""
TIDY_SECONDS = 60.0
RECEIVED_AT_ONCE = 1 << 18

log = logging.getLogger("astakos.ledger")


class Channel:
    """The engine's end of a connection to one who asks."""

    def __init__(self, connection: socket.socket) -> None:
        """Take over a connected stream socket."""
        connection.setblocking(False)
        self.connection = connection
        self._frames = Frames(Asked)
        self._unsent = bytearray()

    def receive(self) -> list[Asked] | None:
        """What has come; None if the other side has gone."""
        try:
            data = self.connection.recv(RECEIVED_AT_ONCE)
        except BlockingIOError:
            return []
        except OSError:
            return None
        try:
            return list(self._frames.feed(data)) if data else None
        except msgspec.MsgspecError:
            log.exception("what was asked can not be read; the connection is closed")
            return None

    def send(self, answered: Answered) -> bool:
        """Send as far as the other side takes it; true if that was all, else `flush` sends the rest."""
        self._unsent += frame(answered)
        return self.flush()

    def flush(self) -> bool:
        """Send what is left; true if nothing is left then."""
        try:
            while self._unsent:
                del self._unsent[: self.connection.send(self._unsent)]
        except BlockingIOError:
            return False
        except OSError:
            # It has gone, which receiving will tell.
            self._unsent.clear()
        return True


class _Waiting(NamedTuple):
    channel: Channel
    number: int
    operation: Operation


class Engine:
    """Carries out operations in batches on the thread that calls `run`."""

    def __init__(self, storage: LedgerStorage, clock: Callable[[], int]) -> None:
        """Prepare to write to a storage, by the time of a clock."""
        self.statistics = EngineStatistics()
        self._storage = storage
        self._clock = clock
        self._selector = selectors.DefaultSelector()
        self._channels: set[Channel] = set()
        self._queue: collections.deque[_Waiting] = collections.deque()
        self._withdrawn: set[tuple[Channel, int]] = set()
        self._stopped_by: InvariantViolatedError | None = None

    def serve(self, connection: socket.socket, ended: Callable[[], None] = lambda: None) -> None:
        """Answer what comes through a connection, until the other side closes it; then `ended` is called."""
        channel = Channel(connection)
        self._channels.add(channel)

        def receive(events: int) -> None:
            if events & selectors.EVENT_WRITE and channel.flush():
                self._selector.modify(connection, selectors.EVENT_READ, receive)
            asked = channel.receive()
            if asked is None:
                self._selector.unregister(connection)
                self._channels.discard(channel)
                connection.close()
                ended()
                return
            for message in asked:
                self._queue.extend(_Waiting(channel, number, what) for number, what in message.operations)
                self._withdrawn.update((channel, number) for number in message.withdrawn)
                if message.standing is not None:
                    self._send(channel, Answered(standing=Standing(message.standing, self.has_stopped)))

        self._selector.register(connection, selectors.EVENT_READ, receive)

    @property
    def has_stopped(self) -> bool:
        """Whether it carries out nothing any more, since stored figures contradict the rule."""
        return self._stopped_by is not None

    @property
    def repeats(self) -> int:
        """How many transactions the storage has begun again, since they were lost to others or by a fault."""
        return self._storage.repeats

    def watch(self, stream: socket.socket, happened: Callable[[], None]) -> None:
        """Call back on this thread whenever something can be read from a stream."""
        self._selector.register(stream, selectors.EVENT_READ, lambda _: happened())

    def ignore(self, stream: socket.socket) -> None:
        """Watch a stream no more."""
        self._selector.unregister(stream)

    def run(self) -> None:
        """Work as long as there is anybody to work for, then close the storage."""
        tidied = swept = time.monotonic()
        while self._channels:
            self._receive(0 if self._queue else SWEEP_SECONDS)
            batch = self._next_batch()
            now = time.monotonic()
            if batch or (now - swept >= SWEEP_SECONDS and self._stopped_by is None):
                # Without operations, what has expired is ended.
                self._carry_out(batch)
                swept = now
            if now - tidied >= TIDY_SECONDS and not self._tidy():
                tidied = now
        self._storage.close()
        self._selector.close()

    def _receive(self, timeout: float) -> None:
        for key, events in self._selector.select(timeout):
            # What was heard before may have ended what this is about.
            if self._selector.get_map().get(key.fd) is key:
                key.data(events)

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        while self._queue and len(batch) < LARGEST_BATCH:
            waiting = self._queue.popleft()
            # Who was told that it took too long must not be charged afterwards.
            if not self._withdrawn or (waiting.channel, waiting.number) not in self._withdrawn:
                batch.append(waiting)
        if not self._queue:
            self._withdrawn.clear()
        return batch

    def _carry_out(self, batch: Sequence[_Waiting]) -> None:
        outcomes: Sequence[Outcome | Undone]
        if self._stopped_by is not None:
            self._answer(batch, [Undone(f"the ledger has stopped: {self._stopped_by}")] * len(batch))
            return
        began = time.perf_counter()
        try:
            outcomes, changes = carry_out(
                self._storage, [waiting.operation for waiting in batch], self._clock()
            )
        except StorageUnavailableError as error:
            self.statistics.failed += 1
            log.warning("a batch of %d operations could not be carried out: %s", len(batch), error)
            outcomes = [Undone(str(error))] * len(batch)
        except InvariantViolatedError as error:
            self.statistics.failed += 1
            log.critical("the ledger stops, since %s; nothing was written", error)
            self._stopped_by = error
            outcomes = [Undone(f"the ledger has stopped: {error}")] * len(batch)
        except Exception as error:
            self.statistics.failed += 1
            if len(batch) > 1:
                # One bad operation must not take the others with it: find out which it is.
                for waiting in batch:
                    self._carry_out([waiting])
                return
            log.exception("a ledger operation failed and was undone")
            outcomes = [Undone(f"{type(error).__name__}: {error}", is_defect=True)] * len(batch)
        else:
            self.statistics.count(outcomes, changes, len(batch), time.perf_counter() - began)
        self._answer(batch, outcomes)

    def _answer(self, batch: Sequence[_Waiting], outcomes: Sequence[Outcome | Undone]) -> None:
        answers: dict[Channel, list[tuple[int, Outcome | Undone]]] = {}
        for (channel, number, _), outcome in zip(batch, outcomes, strict=True):
            answers.setdefault(channel, []).append((number, outcome))
        for channel, answered in answers.items():
            if channel in self._channels:
                self._send(channel, Answered(answered))

    def _send(self, channel: Channel, answered: Answered) -> None:
        if not channel.send(answered):
            key = self._selector.get_key(channel.connection)
            both = selectors.EVENT_READ | selectors.EVENT_WRITE
            self._selector.modify(channel.connection, both, key.data)

    def _tidy(self) -> bool:
        """Forget some of what is too old; true if there is more, which then waits for one batch only."""
        try:
            return self._storage.tidy(self._clock())
        except Exception:
            # It can wait; the engine must go on.
            log.exception("what is too old could not be forgotten now")
            return False
