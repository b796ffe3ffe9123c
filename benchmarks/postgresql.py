"""Commissions on PostgreSQL: `astakos serve` beside one transaction for each commission, and beside itself.

The server is a real one, set as `docs/postgresql.md` tells operators to, on the same cores as all the rest.
"""

import statistics
from collections.abc import Mapping, Sequence

from benchmarks import command_line, ledger, transaction_per_commission
from benchmarks.pairs import ROUNDS, Case, Figures, measure_in_turn
from benchmarks.population import USERS
from benchmarks.postgresql_databases import PostgreSQLDatabases, postgresql_databases
from benchmarks.results import Result, milliseconds, rate, ratio
from benchmarks.service_process import (
    astakos_service,
    astakos_service_of_two_workers,
    astakos_service_twice,
    usual_service,
)

CLIENTS = 32
MANY, ONE = f"{USERS:,} users", "one user"
CONNECTIONS: Mapping[str, Case] = {
    f"{MANY}, 1": Case(astakos_service, USERS, 1),
    f"{MANY}, 8": Case(astakos_service, USERS, 8),
    f"{MANY}, {CLIENTS}": Case(astakos_service, USERS, CLIENTS),
    f"{MANY}, 512": Case(astakos_service, USERS, 512),
    f"{ONE}, {CLIENTS}": Case(astakos_service, 1, CLIENTS),
}
SERVICES: Mapping[str, Case] = {
    f"astakos serve, {MANY}": Case(astakos_service, USERS, CLIENTS),
    f"astakos serve --workers 2, {MANY}": Case(astakos_service_of_two_workers, USERS, CLIENTS),
    f"astakos serve twice, {MANY}": Case(astakos_service_twice, USERS, CLIENTS),
    f"a commit per call, {MANY}": Case(usual_service, USERS, CLIENTS),
    f"astakos serve, {ONE}": Case(astakos_service, 1, CLIENTS),
    f"astakos serve --workers 2, {ONE}": Case(astakos_service_of_two_workers, 1, CLIENTS),
    f"astakos serve twice, {ONE}": Case(astakos_service_twice, 1, CLIENTS),
    f"a commit per call, {ONE}": Case(usual_service, 1, CLIENTS),
}
PGBENCH = {f"pgbench, {MANY}": USERS, f"pgbench, {ONE}": 1}


def measure(seconds: float) -> Sequence[Result]:
    """All of it on one server."""
    with postgresql_databases() as databases:
        return [
            _connections(databases, seconds),
            _designs(databases, seconds),
            ledger.measure_on(databases, "PostgreSQL", seconds),
        ]


def _connections(databases: PostgreSQLDatabases, seconds: float) -> Result:
    figures = measure_in_turn(databases, CONNECTIONS, seconds)
    reference = figures[f"{MANY}, {CLIENTS}"].per_second
    return Result(
        "Commissions: issue + accept over HTTP, 4 provisions, durable (PostgreSQL)",
        ("holders, connections", "pairs/s", f"to {MANY}, {CLIENTS}", "p50 of a call, ms", "p99, ms"),
        [_row(name, figures[name], reference) for name in CONNECTIONS],
        f"Medians of {ROUNDS} rounds, cases in turn; every answer was checked, and at the end of each "
        "round the usage of every user.",
    )


def _designs(databases: PostgreSQLDatabases, seconds: float) -> Result:
    rates: dict[str, list[float]] = {name: [] for name in (*SERVICES, *PGBENCH)}
    found: dict[str, list[Figures]] = {name: [] for name in SERVICES}
    for _ in range(ROUNDS):
        for name, figures in measure_in_turn(databases, SERVICES, seconds / ROUNDS, rounds=1).items():
            rates[name].append(figures.per_second)
            found[name].append(figures)
        for name, count in PGBENCH.items():
            pairs = transaction_per_commission.measure(databases, count, CLIENTS, seconds / ROUNDS)
            rates[name].append(pairs)
    rows = []
    for holders in (MANY, ONE):
        reference = statistics.median(rates[f"pgbench, {holders}"])
        for name in filter(lambda name: name.endswith(holders), rates):
            median = statistics.median(rates[name])
            rows.append((name, rate(median), ratio(median, reference), *_latency(found.get(name, []))))
    return Result(
        f"One transaction for each commission, and other ways: {CLIENTS} clients, PostgreSQL",
        ("who, holders", "pairs/s", "to pgbench", "p50 of a call, ms", "p99, ms"),
        rows,
        f"Medians of {ROUNDS} rounds in turn, usage checked at the end of each. pgbench has no HTTP before "
        "it; it issues and accepts by a transaction each, which lock, check and write what the ledger does.",
    )


def _latency(rounds: Sequence[Figures]) -> tuple[str, str]:
    if not rounds:
        return "-", "-"
    return (
        milliseconds(statistics.median(figures.median for figures in rounds)),
        milliseconds(statistics.median(figures.percentile_99 for figures in rounds)),
    )


def _row(name: str, figures: Figures, reference: float) -> tuple[str, ...]:
    return (
        name,
        rate(figures.per_second),
        ratio(figures.per_second, reference),
        milliseconds(figures.median),
        milliseconds(figures.percentile_99),
    )


if __name__ == "__main__":
    command_line.run(__doc__, [measure])
