"""Calls a second on one event loop: the asynchronous client beside HTTP libraries, on a core of its own."""

import asyncio
import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import uvloop

from benchmarks import command_line
from benchmarks.async_contestants import ASYNC_CONTESTANTS, ASYNC_REFERENCE, AsyncContestant
from benchmarks.child_process import forget_proxies, serving
from benchmarks.client_call import UnequalWorkError, check
from benchmarks.contestants import Contestant
from benchmarks.results import Result, rate, ratio
from benchmarks.trivial_server import ISSUED, QUOTAS

CALLS_A_ROUND = 320
LEAST_ROUNDS = 5
IN_FLIGHT = (1, 32)
LOOPS: Sequence[tuple[str, Callable[[], asyncio.AbstractEventLoop]]] = (
    ("asyncio", asyncio.new_event_loop),
    ("uvloop", uvloop.new_event_loop),
)

Call = Callable[[], Awaitable[Any]]


def measure(seconds: float) -> Sequence[Result]:
    """Both calls, on the standard library's event loop and on uvloop."""
    forget_proxies()
    with serving([sys.executable, "-m", "benchmarks.trivial_server"]) as server, _apart_from(server.process):
        return [
            result for name, factory in LOOPS for result in _measure_on(name, factory, server.port, seconds)
        ]


@contextlib.contextmanager
def _apart_from(server: int) -> Iterator[None]:
    """Gives the server and this process a core each, if there is more than one."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(server, cores[:1])
        os.sched_setaffinity(0, cores[1:2])
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def _measure_on(
    loop: str, factory: Callable[[], asyncio.AbstractEventLoop], port: int, seconds: float
) -> list[Result]:
    with asyncio.Runner(loop_factory=factory) as runner:
        contestants = [runner.run(_made(make, port)) for make in ASYNC_CONTESTANTS]
        try:
            for contestant in contestants:
                check(_one_at_a_time(contestant, runner), port)
            reads = {each.name: each.get for each in contestants}
            writes = {each.name: each.post for each in contestants}
            return [
                _race(runner, f"A small read, awaited: get_quotas ({loop})", reads, QUOTAS, seconds),
                _race(runner, f"A write, awaited: issue_commission ({loop})", writes, ISSUED, seconds),
            ]
        finally:
            for contestant in contestants:
                runner.run(_awaited(contestant.close))


def _race(
    runner: asyncio.Runner, title: str, calls: dict[str, Call], answer: bytes, seconds: float
) -> Result:
    """All contestants in turn, round by round, so that whatever else the machine does meets all alike."""
    expected = json.loads(answer)
    wall: dict[tuple[str, int], list[float]] = {(name, width): [] for name in calls for width in IN_FLIGHT}
    own: dict[tuple[str, int], list[float]] = {case: [] for case in wall}
    end = time.perf_counter() + seconds * len(IN_FLIGHT)
    while time.perf_counter() < end or len(wall[ASYNC_REFERENCE, IN_FLIGHT[0]]) < LEAST_ROUNDS:
        for (name, width), rounds in wall.items():
            worked, started = time.process_time(), time.perf_counter()
            runner.run(_round(calls[name], width, expected))
            rounds.append((time.perf_counter() - started) / CALLS_A_ROUND)
            own[name, width].append((time.process_time() - worked) / CALLS_A_ROUND * 1e6)
    medians = {case: statistics.median(figures) for case, figures in wall.items()}
    columns = ["with"]
    for width in IN_FLIGHT:
        columns += [f"{width} in flight, calls/s", f"to {ASYNC_REFERENCE}"]
    rows = []
    for name in calls:
        row = [name]
        for width in IN_FLIGHT:
            row += [
                rate(1 / medians[name, width]),
                ratio(medians[ASYNC_REFERENCE, width], medians[name, width]),
            ]
        rows.append((*row, f"{statistics.median(own[name, IN_FLIGHT[-1]]):.0f}"))
    return Result(
        title,
        (*columns, "CPU of the caller, µs a call"),
        rows,
        f"The median of {len(wall[ASYNC_REFERENCE, IN_FLIGHT[0]])} rounds of {CALLS_A_ROUND} calls each, "
        "contestants in turn; every answer was checked.",
    )


async def _round(call: Call, width: int, expected: Any) -> None:
    """So many calls, so many of them at a time."""

    async def some() -> None:
        for _ in range(CALLS_A_ROUND // width):
            answer = await call()
            if answer != expected:
                raise UnequalWorkError(f"answered {answer}, not {expected}")

    await asyncio.gather(*[some() for _ in range(width)])


async def _made(make: Callable[[int], Awaitable[AsyncContestant]], port: int) -> AsyncContestant:
    return await make(port)


async def _awaited(call: Call) -> Any:
    return await call()


def _one_at_a_time(contestant: AsyncContestant, runner: asyncio.Runner) -> Contestant:
    """The same for callers that do not await."""
    return Contestant(
        contestant.name,
        lambda: runner.run(_awaited(contestant.get)),
        lambda: runner.run(_awaited(contestant.post)),
        lambda: runner.run(_awaited(contestant.close)),
    )


if __name__ == "__main__":
    command_line.run(__doc__, [measure])
