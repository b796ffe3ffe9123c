"""Reads over HTTP, against `astakos serve`."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from benchmarks import command_line
from benchmarks.load_generator import Outcome, Plan, Reads, generate
from benchmarks.population import QUANTITIES, USERS, user_name, user_token, user_uuid
from benchmarks.results import Result, milliseconds, rate
from benchmarks.service_process import Databases, astakos_service
from benchmarks.wire import fetch, request

CONNECTIONS = 32
CALLERS = 96
NAMES = 10


class WrongDocumentError(Exception):
    """An answer does not say what it has to say."""


CALLS = {
    "POST identity/v2.0/tokens": ("POST", "/identity/v2.0/tokens"),
    f"POST account/v1.0/user_catalogs, {NAMES} uuids": ("POST", "/account/v1.0/user_catalogs"),
    "GET account/v1.0/quotas": ("GET", "/account/v1.0/quotas"),
}


def measure(seconds: float) -> Sequence[Result]:
    """All kinds of reads on one service, which holds the same in the end as in the beginning."""
    with Databases() as databases, astakos_service(databases.copy()) as ports:
        rows = [
            (
                title,
                rate(outcome.per_second),
                milliseconds(outcome.median),
                milliseconds(outcome.percentile_99),
                str(size),
            )
            for title, outcome, size in measure_calls(ports, seconds)
        ]
    return [
        Result(
            f"Reads over HTTP at {CONNECTIONS} connections",
            ("call", "calls/s", "p50, ms", "p99, ms", "bytes of an answer"),
            rows,
            f"{CALLERS} users in turn; every answer was compared with the right one.",
        )
    ]


def measure_calls(ports: Sequence[int], seconds: float) -> Iterator[tuple[str, Outcome, int]]:
    """Measures each call for so many seconds; the last figure is the size of its answer in bytes."""
    for title, (method, path) in CALLS.items():
        requests, answers = [], []
        for number in range(CALLERS):
            token, body = user_token(number), _body(path, number)
            answer = fetch(ports[0], method, path, token, body)
            _check(path, number, json.loads(answer))
            requests.append(request(method, path, token, body))
            answers.append(answer)
        yield title, generate(Plan(ports, CONNECTIONS, seconds, Reads(requests, answers))), len(answers[0])


def _named(number: int) -> list[int]:
    return [(number * NAMES + position) % USERS for position in range(NAMES)]


def _body(path: str, number: int) -> Any:
    if path.endswith("tokens"):
        return {"auth": {"token": {"id": user_token(number)}}}
    if path.endswith("user_catalogs"):
        return {"uuids": [user_uuid(other) for other in _named(number)]}
    return None


def _check(path: str, number: int, answer: Any) -> None:
    """Whether the answer that all later ones are compared with is right."""
    uuid = user_uuid(number)
    if path.endswith("tokens"):
        right = answer["access"]["user"]["id"] == uuid
    elif path.endswith("user_catalogs"):
        right = answer["uuid_catalog"] == {user_uuid(other): user_name(other) for other in _named(number)}
    else:
        right = answer[uuid].keys() == QUANTITIES.keys()
    if not right:
        raise WrongDocumentError(f"{path} was answered {answer}")


if __name__ == "__main__":
    command_line.run(__doc__, [measure])
