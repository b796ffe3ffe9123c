"""The service of another checkout beside this one's: commissions and reads, in turn, in one run.

`--source FOLDER` is the other checkout, for example of the last release. The load comes from this one. In
each round both services run for a moment, on fresh databases of their own; the next round swaps their
order. A ratio is the median over the rounds, so that what else the machine does meets both.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks import machine, reads
from benchmarks.child_process import forget_proxies, source_environment
from benchmarks.pairs import Case, measure_in_turn
from benchmarks.population import USERS
from benchmarks.results import Result, rate, show
from benchmarks.service_process import Databases, astakos_service

HERE = Path(__file__).parents[1]
PAIRS = {
    "commission pairs, 1 connection": Case(astakos_service, USERS, 1),
    "commission pairs, 32 connections": Case(astakos_service, USERS, 32),
    "commission pairs, 32 connections, one user": Case(astakos_service, 1, 32),
}

Rates = Mapping[str, float]
"""How many a second, by case."""


def measure_once(seconds: float) -> Rates:
    """Measures each case once, with the Astakos that this process imports."""
    with Databases() as databases:
        figures = measure_in_turn(databases, PAIRS, seconds, rounds=1)
        rates = {name: found.per_second for name, found in figures.items()}
        with astakos_service(databases.copy()) as ports:
            rates |= {title: found.per_second for title, found, _ in reads.measure_calls(ports, seconds)}
    return rates


def measure_checkout(checkout: Path, seconds: float) -> Rates:
    """Does the same in a process of its own, with the Astakos of a checkout."""
    command = [sys.executable, "-m", "benchmarks.versions", "--once", "--seconds", str(seconds)]
    done = subprocess.run(
        command, cwd=HERE, env=source_environment(checkout), stdout=subprocess.PIPE, text=True, check=True
    )
    rates: Rates = json.loads(done.stdout)
    return rates


def compare(other: Path, seconds: float, rounds: int) -> Result:
    """Measures both checkouts, round by round."""
    found: dict[Path, list[Rates]] = {other: [], HERE: []}
    for number in range(rounds):
        for checkout in (other, HERE) if number % 2 == 0 else (HERE, other):
            found[checkout].append(measure_checkout(checkout, seconds))
    return Result(
        "This checkout beside another",
        ("case", "other, /s", "this, /s", "ratio", "lowest", "highest"),
        [_row(case, found[other], found[HERE]) for case in found[HERE][0]],
        f"Medians of {rounds} rounds of {seconds:g} s a case.",
    )


def _row(case: str, others: Sequence[Rates], ours: Sequence[Rates]) -> Sequence[str]:
    ratios = [our[case] / other[case] for other, our in zip(others, ours, strict=True)]
    return (
        case,
        rate(statistics.median(other[case] for other in others)),
        rate(statistics.median(our[case] for our in ours)),
        *(f"{figure:.2f} ×" for figure in (statistics.median(ratios), min(ratios), max(ratios))),
    )


def main() -> None:
    """Compare, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--source", type=Path, help="the other checkout")
    parser.add_argument("--seconds", type=float, default=2.0, help="how long each case (%(default)s)")
    parser.add_argument("--rounds", type=int, default=5, help="how often each checkout (%(default)s)")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.add_argument("--once", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    forget_proxies()
    if arguments.once:
        print(json.dumps(measure_once(arguments.seconds)))
        return
    if arguments.source is None:
        parser.error("--source is missing: the folder of another checkout")
    table = compare(arguments.source.resolve(strict=True), arguments.seconds, arguments.rounds)
    show([Result("Where", ("", ""), machine.describe()), table], markdown=arguments.markdown)


if __name__ == "__main__":
    main()
