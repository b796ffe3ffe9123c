"""Engines on the nodes of a distributed database, simulated event by event: who waits for whom, and how long.

Each engine takes what has queued up (at most so many operations), locks the holders concerned in key order,
decides, writes and commits, and holds the locks until the commit is replicated. So batches grow by themselves
where commits are slow, and what is hot is what several engines want at once. Clients are closed loops: each
issues, waits, accepts, waits, and goes on with another holder. Time is simulated, nothing is asleep.
"""

import bisect
import collections
import functools
import heapq
import itertools
import random
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from astakos.ledger.waiting import LARGEST_BATCH

WARM_UP_SHARE = 0.25
STEPS = 2
"""Operations of a pair: an issue and an accept."""

Process = Generator[float | None, None, None]
"""Yields how long to sleep, or None to sleep until it is resumed."""


@dataclass(frozen=True, slots=True)
class Costs:
    """Seconds of work, measured on one PostgreSQL but for the last two.

    Attributes:
        engine_transaction, engine_operation: of the engine's process, for a batch and each operation.
        database_transaction, database_operation: of the database on one machine, likewise.
        distribution: how many times that a distributed database works for the same, its replicas included;
            what is more than once is done by all nodes at the same time.
        range_operation: what one range of the log needs to replicate a row, one after the other.
    """

    engine_transaction: float
    engine_operation: float
    database_transaction: float
    database_operation: float
    distribution: float
    range_operation: float


@dataclass(frozen=True, slots=True)
class Cluster:
    """What is simulated.

    Attributes:
        nodes: each has one engine and its share of the database.
        cores: of a node, that the database has for itself.
        round_trip: seconds to another node and back.
        replication: seconds from a commit until a majority has it on disk.
        answering: seconds that a call takes beside the ledger: HTTP, and the way to the client.
        log_ranges: how many ranges take the rows of the log at once; by ascending serial it is one.
        by_holder: whether a commission goes to the engine of its holder, or to any.
        largest_batch: how many operations an engine takes at once.
        clients: of each node.
        holders, skew: how many there are; the n-th is wanted in proportion to n ** -skew.
    """

    nodes: int
    costs: Costs
    cores: int = 4
    round_trip: float = 0.0005
    replication: float = 0.003
    answering: float = 0.001
    log_ranges: int = 64
    by_holder: bool = False
    largest_batch: int = LARGEST_BATCH
    clients: int = 512
    holders: int = 100_000
    skew: float = 0.0


class Outcome(NamedTuple):
    """Pairs a second; seconds of an operation; operations in a batch; share of time waiting for locks."""

    per_second: float
    median: float
    percentile_99: float
    batch: float
    waiting: float


class _Client:
    """A closed loop: what it wants now, and since when it waits for that."""

    __slots__ = ("begun", "engine", "holder", "node", "steps")

    def __init__(self, node: int) -> None:
        self.node = node
        self.engine = node
        self.holder = 0
        self.steps = 0
        self.begun = 0.0


class _Engine:
    """One engine: its queue, and whether it waits for something to be in it."""

    __slots__ = ("idle", "node", "process", "queue")

    def __init__(self, node: int) -> None:
        self.node = node
        self.queue: collections.deque[_Client] = collections.deque()
        self.idle = False
        self.process: Process


class Simulation:
    """One run."""

    def __init__(self, cluster: Cluster, seed: int = 4711) -> None:
        self._cluster = cluster
        self._random = random.Random(seed)
        self._now = 0.0
        self._order = itertools.count()
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._cores = [[0.0] * cluster.cores for _ in range(cluster.nodes)]
        self._ranges = [0.0] * cluster.log_ranges
        # Which holder is the most wanted says nothing about where it stands among the others.
        self._places = list(range(cluster.holders))
        self._random.shuffle(self._places)
        self._popularity = list(
            itertools.accumulate((number + 1) ** -cluster.skew for number in range(cluster.holders))
        )
        self._locks: dict[int, collections.deque[_Engine]] = {}
        self._engines = [_Engine(node) for node in range(cluster.nodes)]
        self._warm = 0.0
        self._latencies: list[float] = []
        self._batches: list[int] = []
        self._waited = 0.0

    def run(self, seconds: float) -> Outcome:
        """Lets it go on for so long; what came of the time after the warm-up."""
        self._warm = seconds * WARM_UP_SHARE
        for engine in self._engines:
            engine.process = self._work(engine)
            self._resume(engine)
            for _ in range(self._cluster.clients):
                client = _Client(engine.node)
                # Not all in the same instant.
                pause = self._random.random() * self._cluster.answering
                self._after(pause, functools.partial(self._begin, client))
        while self._agenda[0][0] < seconds:
            self._now, _, action = heapq.heappop(self._agenda)
            action()
        measured = seconds - self._warm
        latencies = sorted(self._latencies)
        return Outcome(
            len(latencies) / STEPS / measured,
            latencies[len(latencies) // 2],
            latencies[len(latencies) * 99 // 100],
            sum(self._batches) / len(self._batches),
            self._waited / measured / self._cluster.nodes,
        )

    def _after(self, pause: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self._now + pause, next(self._order), action))

    # The clients.

    def _begin(self, client: _Client) -> None:
        drawn = bisect.bisect(self._popularity, self._random.random() * self._popularity[-1])
        client.holder = self._places[drawn]
        client.engine = client.holder % self._cluster.nodes if self._cluster.by_holder else client.node
        client.steps = STEPS
        self._after(self._cluster.answering, functools.partial(self._submit, client))

    def _submit(self, client: _Client) -> None:
        client.begun = self._now
        engine = self._engines[client.engine]
        engine.queue.append(client)
        if engine.idle:
            engine.idle = False
            self._after(0.0, functools.partial(self._resume, engine))

    def _answer(self, client: _Client) -> None:
        if self._now >= self._warm:
            self._latencies.append(self._now - client.begun)
        client.steps -= 1
        if client.steps:
            self._after(self._cluster.answering, functools.partial(self._submit, client))
        else:
            self._begin(client)

    # The engines.

    def _resume(self, engine: _Engine) -> None:
        pause = next(engine.process)
        if pause is not None:
            self._after(pause, functools.partial(self._resume, engine))

    def _work(self, engine: _Engine) -> Process:
        cluster, costs = self._cluster, self._cluster.costs
        queue = engine.queue
        while True:
            if not queue:
                engine.idle = True
                yield None
            batch = [queue.popleft() for _ in range(min(len(queue), cluster.largest_batch))]
            size = len(batch)
            work = (costs.database_transaction + size * costs.database_operation) / 2
            holders = sorted({client.holder for client in batch})
            # The first round trip locks and reads.
            yield cluster.round_trip + self._database(engine.node, work)
            yield from self._lock(engine, holders)
            yield costs.engine_transaction + size * costs.engine_operation
            # The second one writes and commits.
            yield cluster.round_trip + self._database(engine.node, work)
            yield self._log(size) + cluster.replication
            self._unlock(holders)
            if self._now >= self._warm:
                self._batches.append(size)
            for client in batch:
                self._answer(client)

    def _lock(self, engine: _Engine, holders: Sequence[int]) -> Process:
        """One after the other, and keeping those that it has, as `ORDER BY id FOR UPDATE` does."""
        for holder in holders:
            waiting = self._locks.get(holder)
            if waiting is None:
                self._locks[holder] = collections.deque()
                continue
            began = self._now
            waiting.append(engine)
            yield None
            self._waited += max(0.0, self._now - max(began, self._warm))

    def _unlock(self, holders: Sequence[int]) -> None:
        for holder in holders:
            waiting = self._locks[holder]
            if waiting:
                # The lock goes to the next one, who has waited for it.
                self._after(0.0, functools.partial(self._resume, waiting.popleft()))
            else:
                del self._locks[holder]

    # The database.

    def _database(self, node: int, work: float) -> float:
        """How long it is until a node has done its work, and all nodes their share of what comes with it."""
        share = work * (self._cluster.costs.distribution - 1) / sum(map(len, self._cores))
        done = self._on_core(node, work)
        for number, cores in enumerate(self._cores):
            for _ in range(len(cores)):
                done = max(done, self._on_core(number, share))
        return done - self._now

    def _on_core(self, node: int, work: float) -> float:
        """When the first core of a node that is free will have done it."""
        cores = self._cores[node]
        done = max(self._now, cores[0]) + work
        heapq.heapreplace(cores, done)
        return done

    def _log(self, rows: int) -> float:
        """How long it is until the ranges of the log have taken so many rows, in turn."""
        ranges = self._ranges
        share = rows * self._cluster.costs.range_operation / len(ranges)
        done = self._now
        for position, free in enumerate(ranges):
            ranges[position] = max(self._now, free) + share
            done = max(done, ranges[position])
        return done - self._now
