"""The projects API: calls a second, beside what the original took, and with a million memberships.

Makes two databases with the same ten projects; in the large one, others have a million memberships (a minute
or two and a gigabyte, in the folder for temporary files). Then measures the same calls on both, in turn.
"""

import argparse
import http.client
import json
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import machine
from benchmarks.child_process import HOST
from benchmarks.load_generator import Outcome, Plan, Reads, generate
from benchmarks.population import database_url, user_token, user_uuid
from benchmarks.project_population import MEMBERS, PROJECTS, make_database, owner, project_uuid
from benchmarks.results import Result, milliseconds, rate, ratio, show
from benchmarks.service_process import astakos_server
from benchmarks.wire import SECONDS, fetch, request

ORIGINAL_SECONDS = 0.020
"""What a `GET projects` took the original, on a machine like this one."""
LARGE = 1_000_000
ROUNDS = 3
CONNECTIONS = (1, 32)
CALLERS = 96
API = "/account/v1.0/projects"
READS = {
    "GET projects": API,
    "GET projects/<uuid>": API + "/{uuid}",
    "GET projects/memberships, of a member": f"{API}/memberships",
}
OWNERS_READ = f"GET projects/memberships?project=, {MEMBERS} members"
JOINING = "join + accept"
JOINERS = (1, 8)


class Case(NamedTuple):
    """A call, and how many do it at the same time."""

    title: str
    connections: int


def measure(url: str, seconds: float) -> dict[Case, Outcome]:
    """All cases on one database, which holds the same in the end as in the beginning."""
    found: dict[Case, Outcome] = {}
    # Without a mail server, each notice would be logged.
    with astakos_server(url, "--log-level", "error") as server:
        for title, path in READS.items():
            # None of them is an owner.
            paths = {
                number: path.format(uuid=project_uuid(number // MEMBERS))
                for number in range(5, CALLERS * 10, 10)
            }
            found |= _measure_reads(server.port, title, paths, seconds)
        owned = {
            owner(number): f"{API}/memberships?project={project_uuid(number)}" for number in range(PROJECTS)
        }
        found |= _measure_reads(server.port, OWNERS_READ, owned, seconds)
        for connections in JOINERS:
            found[Case(JOINING, connections)] = _measure_joins(server.port, connections, seconds)
    return found


def _measure_reads(port: int, title: str, paths: Mapping[int, str], seconds: float) -> dict[Case, Outcome]:
    tokens = {number: user_token(number) for number in paths}
    answers = [fetch(port, "GET", path, tokens[number]) for number, path in paths.items()]
    for number, answer in zip(paths, answers, strict=True):
        if not _is_right(title, number, json.loads(answer)):
            raise RuntimeError(f"{title} was answered {answer[:500]!r}")
    requests = [request("GET", path, tokens[number]) for number, path in paths.items()]
    return {
        Case(title, connections): generate(Plan([port], connections, seconds, Reads(requests, answers)))
        for connections in CONNECTIONS
    }


def _is_right(title: str, number: int, answer: Any) -> bool:
    """Whether the answer is right that all later ones are compared with."""
    project = project_uuid(number // MEMBERS)
    if title == OWNERS_READ:
        # Those who have joined and were removed are listed, too.
        members = sum(found["state"] == "accepted" for found in answer)
        return members == MEMBERS and all(found["project"] == project for found in answer)
    if title == "GET projects/<uuid>":
        return bool(answer["id"] == project)
    key = "id" if title == "GET projects" else "project"
    return {user_uuid(number), project} <= {found[key] for found in answer}


class _Joining(threading.Thread):
    """Users join a project, its owner accepts and then removes them; the first two are measured."""

    def __init__(self, port: int, place: int, end: float) -> None:
        super().__init__()
        self._connection = http.client.HTTPConnection(HOST, port, timeout=SECONDS)
        self._place = place
        self._end = end
        self.latencies: list[float] = []
        self.error: BaseException | None = None

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self.error = error
            raise
        finally:
            self._connection.close()

    def _work(self) -> None:
        project = self._place % PROJECTS
        joining = user_token(owner((project + 1) % PROJECTS) + 1 + self._place // PROJECTS)
        accepting = user_token(owner(project))
        while time.perf_counter() < self._end:
            begun = time.perf_counter()
            number = self._call(joining, API + "/memberships", {"join": {"project": project_uuid(project)}})[
                "id"
            ]
            action = f"{API}/memberships/{number}/action"
            self._call(accepting, action, {"accept": ""})
            self.latencies.append(time.perf_counter() - begun)
            self._call(accepting, action, {"remove": ""})

    def _call(self, token: str, path: str, document: object) -> Any:
        headers = {"X-Auth-Token": token, "Content-Type": "application/json"}
        self._connection.request("POST", path, json.dumps(document), headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{document} was answered {answer.status}: {content[:500]!r}")
        return json.loads(content) if content else None


def _measure_joins(port: int, connections: int, seconds: float) -> Outcome:
    threads = [_Joining(port, place, time.perf_counter() + seconds) for place in range(connections)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - begun
    for thread in threads:
        if thread.error is not None:
            raise thread.error
    latencies = sorted(latency for thread in threads for latency in thread.latencies)
    return Outcome(
        per_second=len(latencies) / elapsed,
        median=latencies[len(latencies) // 2],
        percentile_99=latencies[len(latencies) * 99 // 100],
        done=[],
    )


def main() -> None:
    """Make the databases, measure them in turn, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--memberships", type=int, default=LARGE, help="in the large one (%(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="how long to measure each case (%(default)s)"
    )
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="astakos-projects-") as folder:
        urls = {count: database_url(Path(folder, f"{count}.db")) for count in (0, arguments.memberships)}
        for count, url in urls.items():
            make_database(url, count)
        rounds = [
            {count: measure(url, arguments.seconds) for count, url in urls.items()} for _ in range(ROUNDS)
        ]
    facts = Result("Where", ("", ""), machine.describe())
    show([facts, _table(rounds, arguments.memberships)], markdown=arguments.markdown)


def _table(rounds: Sequence[Mapping[int, Mapping[Case, Outcome]]], large: int) -> Result:
    rows = []
    for case in rounds[0][0]:
        small, filled = (
            sorted((one[count][case] for one in rounds), key=lambda found: found.per_second)[len(rounds) // 2]
            for count in (0, large)
        )
        rows.append(
            (
                f"{case.title}; {case.connections}",
                rate(small.per_second),
                milliseconds(small.median),
                ratio(ORIGINAL_SECONDS, small.median) if case == Case("GET projects", 1) else "-",
                rate(filled.per_second),
                milliseconds(filled.median),
                milliseconds(filled.percentile_99),
                ratio(filled.per_second, small.per_second),
            )
        )
    columns = (
        "call; connections",
        "calls/s",
        "p50, ms",
        "the original's 20 ms to it",
        f"with {large:,} memberships, calls/s",
        "p50, ms",
        "p99, ms",
        "to without",
    )
    note = (
        f"Medians of {len(rounds)} rounds in turn; every answer was compared with the right one. A join and "
        "its acceptance count as one call; the removal between them is not in the latency."
    )
    return Result("The projects API (SQLite)", columns, rows, note)


if __name__ == "__main__":
    main()
