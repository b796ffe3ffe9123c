"""The group commit beside the usual design, one commit for each call, everything else being the same."""

from collections.abc import Sequence

from benchmarks import command_line
from benchmarks.commissions import HOLDERS
from benchmarks.pairs import ROUNDS, Case, measure_in_turn
from benchmarks.results import Result, milliseconds, rate, ratio
from benchmarks.service_process import Databases, astakos_service, usual_service

CONNECTIONS = 32
SERVICES = {"a commit per call": usual_service, "astakos serve": astakos_service}


def measure(seconds: float) -> Sequence[Result]:
    """Both services."""
    cases = {
        f"{name}, {holders}": Case(service, count, CONNECTIONS)
        for holders, count in HOLDERS.items()
        for name, service in SERVICES.items()
    }
    with Databases() as databases:
        figures = measure_in_turn(databases, cases, seconds)
    usual = {
        case.holders: figures[name].per_second
        for name, case in cases.items()
        if case.service is usual_service
    }
    return [
        Result(
            f"The usual design: issue + accept over HTTP at {CONNECTIONS} connections, 4 provisions, durable",
            ("service", "pairs/s", "to the usual design", "p50 of a call, ms", "p99, ms"),
            [
                (
                    name,
                    rate(figures[name].per_second),
                    ratio(figures[name].per_second, usual[case.holders]),
                    milliseconds(figures[name].median),
                    milliseconds(figures[name].percentile_99),
                )
                for name, case in cases.items()
            ],
            f"Medians of {ROUNDS} rounds, services in turn; usage checked at the end of each.",
        )
    ]


if __name__ == "__main__":
    command_line.run(__doc__, [measure])
