"""What one call costs its caller: the client beside HTTP libraries, against a server that costs little."""

import contextlib
import json
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import command_line
from benchmarks.child_process import forget_proxies, serving
from benchmarks.contestants import (
    COMMISSION,
    CONTESTANTS,
    GET_HEADERS,
    POST_HEADERS,
    REFERENCE,
    Contestant,
)
from benchmarks.results import Result, ratio
from benchmarks.trivial_server import ISSUED, LAST, QUOTAS
from benchmarks.wire import fetch

CALLS_A_ROUND = 100
LEAST_ROUNDS = 5


class UnequalWorkError(Exception):
    """A contestant does not send or return what the others do."""


def measure(seconds: float) -> Sequence[Result]:
    """Both calls."""
    forget_proxies()
    with (
        serving([sys.executable, "-m", "benchmarks.trivial_server"]) as server,
        contextlib.ExitStack() as stack,
    ):
        contestants = [make(server.port) for make in CONTESTANTS]
        for contestant in contestants:
            stack.callback(contestant.close)
            check(contestant, server.port)
        return [
            _race("A small read: get_quotas", {each.name: each.get for each in contestants}, seconds),
            _race("A write: issue_commission", {each.name: each.post for each in contestants}, seconds),
        ]


def _race(title: str, calls: dict[str, Callable[[], Any]], seconds: float) -> Result:
    """All contestants in turn, round by round, so that whatever else the machine does meets all alike."""
    rounds: dict[str, list[float]] = {name: [] for name in calls}
    own: dict[str, list[float]] = {name: [] for name in calls}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(rounds[REFERENCE]) < LEAST_ROUNDS:
        for name, call in calls.items():
            worked, started = time.process_time(), time.perf_counter()
            for _ in range(CALLS_A_ROUND):
                call()
            rounds[name].append((time.perf_counter() - started) / CALLS_A_ROUND * 1e6)
            own[name].append((time.process_time() - worked) / CALLS_A_ROUND * 1e6)
    medians = {name: statistics.median(figures) for name, figures in rounds.items()}
    return Result(
        title,
        ("with", "µs a call", f"to {REFERENCE}", "fastest round, µs", "CPU of the caller, µs"),
        [
            (
                name,
                f"{median:.0f}",
                ratio(median, medians[REFERENCE]),
                f"{min(rounds[name]):.0f}",
                f"{statistics.median(own[name]):.0f}",
            )
            for name, median in medians.items()
        ],
        f"The median of {len(rounds[REFERENCE])} rounds of {CALLS_A_ROUND} calls each, contestants in turn.",
    )


def check(contestant: Contestant, port: int) -> None:
    """Checks that a contestant returns the right answers, and has sent what all have to send."""
    for call, answer, headers, document in (
        (contestant.get, QUOTAS, GET_HEADERS, None),
        (contestant.post, ISSUED, POST_HEADERS, COMMISSION),
    ):
        returned = call()
        head, _, body = fetch(port, "GET", LAST, "").decode("ascii").partition("\r\n\r\n")
        lines = {line.lower() for line in head.splitlines()}
        missing = {f"{name}: {value}".lower() for name, value in headers.items()} - lines
        sent = json.loads(body) if body else None
        if returned != json.loads(answer) or missing or sent != document:
            raise UnequalWorkError(f"{contestant.name} returned {returned}, sent {head!r} and {sent}")


if __name__ == "__main__":
    command_line.run(__doc__, [measure])
