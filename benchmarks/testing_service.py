"""What a test pays for a real service: in its own process, or as a process of its own."""

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from astakosclient import AstakosClient
from astakosclient.testing import running_service
from benchmarks import command_line
from benchmarks.child_process import HOST, forget_proxies, serving
from benchmarks.population import database_url
from benchmarks.results import Result, milliseconds, ratio

LEAST_TIMES = 5
IN_PROCESS = "astakosclient.testing"
AS_PROCESS = "astakos serve"


class Spent(NamedTuple):
    """Seconds of one service, from nothing to nothing."""

    start: float
    call: float
    stop: float


def measure(seconds: float) -> Sequence[Result]:
    """Both ways."""
    forget_proxies()
    began = time.perf_counter()
    _in_process()
    first = time.perf_counter() - began
    spent = {
        name: _repeat(once, seconds) for name, once in ((IN_PROCESS, _in_process), (AS_PROCESS, _as_process))
    }
    whole = {name: statistics.median(map(sum, times)) for name, times in spent.items()}
    return [
        Result(
            "A real service for one test: start, a first call, stop",
            ("with", "start, ms", "first call, ms", "stop, ms", "together, ms", f"to {IN_PROCESS}"),
            [
                (
                    name,
                    *(milliseconds(statistics.median(part)) for part in zip(*times, strict=True)),
                    milliseconds(whole[name]),
                    ratio(whole[name], whole[IN_PROCESS]),
                )
                for name, times in spent.items()
            ],
            f"Medians of {' and '.join(str(len(times)) for times in spent.values())} services. The very "
            f"first one in the process took {milliseconds(first)} ms, most of which imports its code.",
        )
    ]


def _repeat(once: Callable[[], Spent], seconds: float) -> list[Spent]:
    times: list[Spent] = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(times) < LEAST_TIMES:
        times.append(once())
    return times


def _in_process() -> Spent:
    began = time.perf_counter()
    with running_service() as service:
        started = time.perf_counter()
        _call(service.url)
        called = time.perf_counter()
    return Spent(started - began, called - started, time.perf_counter() - called)


def _as_process() -> Spent:
    with tempfile.TemporaryDirectory(prefix="astakos-benchmark-") as folder:
        command = [sys.executable, "-m", "astakos", "serve", "--host", HOST, "--port", "0"]
        began = time.perf_counter()
        with serving([*command, "--database", database_url(Path(folder, "new.db"))]) as server:
            started = time.perf_counter()
            _call(f"http://{HOST}:{server.port}")
            called = time.perf_counter()
        return Spent(started - began, called - started, time.perf_counter() - called)


def _call(url: str) -> None:
    with AstakosClient(url) as client:
        assert client.get_resources() == {}


if __name__ == "__main__":
    command_line.run(__doc__, [measure])
