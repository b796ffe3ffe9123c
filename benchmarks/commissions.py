"""Commissions over HTTP: issue and accept, durable, against `astakos serve`."""

from collections.abc import Sequence

from benchmarks import command_line
from benchmarks.pairs import ROUNDS, Case, measure_in_turn
from benchmarks.population import USERS
from benchmarks.results import Result, milliseconds, rate, ratio
from benchmarks.service_process import Databases, astakos_service

CONNECTIONS = (1, 8, 32, 512)
HOLDERS = {f"{USERS:,} users": USERS, "one user": 1}


def measure(seconds: float) -> Sequence[Result]:
    """All cases."""
    cases = {
        f"{name}, {connections}": Case(astakos_service, holders, connections)
        for name, holders in HOLDERS.items()
        for connections in CONNECTIONS
    }
    with Databases() as databases:
        figures = measure_in_turn(databases, cases, seconds)
    single = {case.holders: figures[name].per_second for name, case in cases.items() if case.connections == 1}
    return [
        Result(
            "Commissions: issue + accept over HTTP, 4 provisions, durable (SQLite)",
            ("holders, connections", "pairs/s", "to 1 connection", "p50 of a call, ms", "p99, ms"),
            [
                (
                    name,
                    rate(figures[name].per_second),
                    ratio(figures[name].per_second, single[case.holders]),
                    milliseconds(figures[name].median),
                    milliseconds(figures[name].percentile_99),
                )
                for name, case in cases.items()
            ],
            f"Medians of {ROUNDS} rounds, cases in turn; every answer was checked, and at the end of each "
            "round the usage of every user.",
        )
    ]


if __name__ == "__main__":
    command_line.run(__doc__, [measure])
