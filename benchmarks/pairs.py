"""Cases of commission pairs, measured in turn so that whatever else the machine does meets all alike."""

import statistics
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from benchmarks.load_generator import Outcome, Pairs, Plan, generate
from benchmarks.population import COMPONENT_TOKEN, commission
from benchmarks.verification import check_usage
from benchmarks.wire import ISSUE_PATH, request

ROUNDS = 3

Service = Callable[[str], AbstractContextManager[Sequence[int]]]
"""Runs on the database of a URL while the context lasts, and answers at these ports."""


class Copies(Protocol):
    """Makes databases in which nothing has happened yet."""

    def copy(self) -> str:
        """The URL of one more."""
        ...


@dataclass(frozen=True, slots=True)
class Case:
    """Which service, on how many holders, and at how many connections."""

    service: Service
    holders: int
    connections: int


@dataclass(frozen=True, slots=True)
class Figures:
    """Medians over the rounds: pairs a second, and seconds that a call took."""

    per_second: float
    median: float
    percentile_99: float


def measure_in_turn(
    databases: Copies, cases: Mapping[str, Case], seconds: float, *, rounds: int = ROUNDS
) -> dict[str, Figures]:
    """Measures each case for so many seconds, in several rounds, each on a fresh service and database."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, case in cases.items():
            outcomes[name].append(_measure_once(case, databases.copy(), seconds / rounds))
    return {
        name: Figures(
            per_second=statistics.median(outcome.per_second for outcome in found),
            median=statistics.median(outcome.median for outcome in found),
            percentile_99=statistics.median(outcome.percentile_99 for outcome in found),
        )
        for name, found in outcomes.items()
    }


def _measure_once(case: Case, database: str, seconds: float) -> Outcome:
    issues = [
        request("POST", ISSUE_PATH, COMPONENT_TOKEN, commission(number)) for number in range(case.holders)
    ]
    with case.service(database) as ports:
        outcome = generate(Plan(ports, case.connections, seconds, Pairs(issues)))
        for port in ports:
            check_usage(port, outcome.done)
    return outcome
