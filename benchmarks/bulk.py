"""Issuing in bulk beside issuing one by one, over HTTP, against `astakos serve`."""

from collections.abc import Sequence

from benchmarks import command_line
from benchmarks.load_generator import Issues, Outcome, Plan, generate
from benchmarks.population import COMPONENT_TOKEN, USERS, commission
from benchmarks.results import Result, milliseconds, rate, ratio
from benchmarks.service_process import Databases, astakos_service
from benchmarks.verification import check_usage
from benchmarks.wire import ISSUE_PATH, request

SIZE = 1000
SINGLE_CONNECTIONS = 32
BULK_CONNECTIONS = (1, 4)


def measure(seconds: float) -> Sequence[Result]:
    """Commissions that are accepted at once, for all users in turn."""
    issues = [commission(number) | {"auto_accept": True} for number in range(USERS)]
    single = [request("POST", ISSUE_PATH, COMPONENT_TOKEN, issue) for issue in issues]
    bulk = [request("POST", f"{ISSUE_PATH}/bulk", COMPONENT_TOKEN, {"commissions": issues[:SIZE]})]
    with Databases() as databases:
        with astakos_service(databases.copy()) as ports:
            one_by_one = generate(Plan(ports, SINGLE_CONNECTIONS, seconds, Issues(single, 1)))
            check_usage(ports[0], one_by_one.done)
        at_once = {}
        for connections in BULK_CONNECTIONS:
            with astakos_service(databases.copy()) as ports:
                outcome = generate(Plan(ports, connections, seconds, Issues(bulk, SIZE)))
                check_usage(ports[0], outcome.done * USERS)
                at_once[connections] = outcome
    reference = one_by_one.per_second
    return [
        Result(
            "Issuing commissions of 4 provisions, accepted at once, durable (SQLite)",
            ("way", "commissions/s", "ratio", "p50 of a call, ms", "p99, ms"),
            [
                _row(f"one by one, {SINGLE_CONNECTIONS} connections", one_by_one, 1, reference),
                *(
                    _row(f"{SIZE:,} in a bulk, {connections} connections", outcome, SIZE, reference)
                    for connections, outcome in at_once.items()
                ),
            ],
            "Every answer was checked, and at the end the usage of every user.",
        )
    ]


def _row(name: str, outcome: Outcome, size: int, reference: float) -> tuple[str, ...]:
    commissions = outcome.per_second * size
    return (
        name,
        rate(commissions),
        ratio(commissions, reference),
        milliseconds(outcome.median),
        milliseconds(outcome.percentile_99),
    )


if __name__ == "__main__":
    command_line.run(__doc__, [measure])
