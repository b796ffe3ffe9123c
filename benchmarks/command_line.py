"""The command line that every benchmark has."""

import argparse
import signal
import sys
from collections.abc import Callable, Sequence

from benchmarks import machine
from benchmarks.results import Result, show

Benchmark = Callable[[float], Sequence[Result]]
"""Measures for about so many seconds a case."""

DEFAULT_SECONDS = 5.0
MOST_SECONDS = 60.0


def run(description: str, benchmarks: Sequence[Benchmark]) -> None:
    """Describes the machine, then runs benchmarks one after the other and prints each when it is done."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--seconds",
        type=_seconds,
        default=DEFAULT_SECONDS,
        help="how long to measure each case (%(default)s)",
    )
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    arguments = parser.parse_args()
    # What has been started must be stopped, however this ends.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended by SIGTERM"))
    facts = Result("Where", ("", ""), machine.describe())
    show([facts], markdown=arguments.markdown)
    for benchmark in benchmarks:
        show(benchmark(arguments.seconds), markdown=arguments.markdown)


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds <= MOST_SECONDS:
        raise argparse.ArgumentTypeError(f"must be more than 0 and at most {MOST_SECONDS:.0f}")
    return seconds
