"""The projects API: how long its calls take, beside the original's, and with a million memberships.

Makes two databases with the same ten projects. In the large one, others have a million memberships, which
takes a minute or two, and a gigabyte in the folder for temporary files. One call at a time goes to services
on both by turns: whatever else the machine does delays both alike. Then each has many connections. In the
end, the same changes are made in both without HTTP.
"""

import argparse
import contextlib
import http.client
import json
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from tools.postgres_server import own_server

from astakos.storage.opening import database_of
from benchmarks import machine
from benchmarks.child_process import HOST
from benchmarks.load_generator import Plan, Reads, generate
from benchmarks.population import database_url, user_token, user_uuid
from benchmarks.postgresql_databases import SETTINGS, prepare, url_of
from benchmarks.project_changes import measure_changes
from benchmarks.project_population import MEMBERS, PROJECTS, make_database, owner, project_uuid
from benchmarks.results import Result, milliseconds, rate, ratio, show
from benchmarks.service_process import astakos_server
from benchmarks.wire import SECONDS, fetch, request

ORIGINAL_SECONDS = 0.020
"""What a `GET projects` took the original; it is not measured here."""
LARGE = 1_000_000
ROUNDS = 3
KINDS = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}
CONNECTIONS = 32
CALLERS = 96
API = "/account/v1.0/projects"
LIST, ONE, OWN = "GET projects", "GET projects/<uuid>", "GET projects/memberships, of a member"
OWNERS = f"GET projects/memberships?project=, {MEMBERS} members"
JOINING = "join + accept"
Ports = tuple[int, int]
"""Of the service with nothing else in its database, and of the one with many memberships."""


class Caller:
    """One kept connection to a service."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection(HOST, port, timeout=SECONDS)

    def __call__(self, method: str, path: str, token: str, document: object = None) -> Any:
        headers = {"X-Auth-Token": token, "Content-Type": "application/json"}
        body = None if document is None else json.dumps(document)
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path} was answered {answer.status}: {content[:500]!r}")
        return json.loads(content) if content else None

    def close(self) -> None:
        self._connection.close()


def _paths(title: str) -> dict[int, str]:
    """What is asked, by the number of the user who asks; none of them owns a project, but for `OWNERS`."""
    if title == OWNERS:
        return {
            owner(number): f"{API}/memberships?project={project_uuid(number)}" for number in range(PROJECTS)
        }
    numbers = range(5, CALLERS * 10, 10)
    if title == ONE:
        return {number: f"{API}/{project_uuid(number // MEMBERS)}" for number in numbers}
    return dict.fromkeys(numbers, API if title == LIST else f"{API}/memberships")


def _check(title: str, number: int, answer: Any) -> None:
    project = project_uuid(number // MEMBERS)
    if title == OWNERS:
        # Those who have joined and were removed are listed, too.
        members = sum(found["state"] == "accepted" for found in answer)
        right = members == MEMBERS and all(found["project"] == project for found in answer)
    elif title == ONE:
        right = answer["id"] == project
    else:
        key = "id" if title == LIST else "project"
        right = {found[key] for found in answer} >= {user_uuid(number), project}
    if not right:
        raise RuntimeError(f"{title} was answered {str(answer)[:500]}")


def _time_read(caller: Caller, title: str, number: int, path: str) -> float:
    begun = time.perf_counter()
    answer = caller("GET", path, user_token(number))
    elapsed = time.perf_counter() - begun
    _check(title, number, answer)
    return elapsed


def _time_join(caller: Caller, place: int) -> float:
    """Somebody joins a project, its owner accepts and then removes them; the first two are timed."""
    project = place % PROJECTS
    joining, accepting = user_token(owner((project + 1) % PROJECTS) + 1), user_token(owner(project))
    begun = time.perf_counter()
    number = caller("POST", f"{API}/memberships", joining, {"join": {"project": project_uuid(project)}})["id"]
    action = f"{API}/memberships/{number}/action"
    caller("POST", action, accepting, {"accept": ""})
    elapsed = time.perf_counter() - begun
    caller("POST", action, accepting, {"remove": ""})
    return elapsed


def measure_alone(ports: Ports, kind: str, seconds: float) -> Result:
    """One call at a time, to both services by turns."""
    rows = []
    with contextlib.ExitStack() as stack:
        callers = [stack.enter_context(contextlib.closing(Caller(port))) for port in ports]
        for title in (LIST, ONE, OWN, OWNERS, JOINING):
            small, large = _times(callers, title, 2 * seconds)
            quartiles = [statistics.quantiles(times)[0] for times in (small, large)]
            rows.append(
                (
                    title,
                    milliseconds(quartiles[0]),
                    milliseconds(statistics.median(small)),
                    milliseconds(quartiles[1]),
                    milliseconds(statistics.median(large)),
                    ratio(quartiles[1], quartiles[0]),
                    ratio(ORIGINAL_SECONDS, statistics.median(small)) if title == LIST else "-",
                )
            )
    columns = ("call", "p25, ms", "p50, ms", "p25 with them, ms", "p50 with them, ms", "p25 to without")
    note = "A join and its acceptance count as one call. The original's `GET projects` took 20 ms."
    return Result(f"One call at a time ({kind})", (*columns, "the original to p50"), rows, note)


def _times(callers: Sequence[Caller], title: str, seconds: float) -> Sequence[list[float]]:
    found: list[list[float]] = [[] for _ in callers]
    paths = list(_paths(LIST if title == JOINING else title).items())
    end = time.perf_counter() + seconds
    place = 0
    while time.perf_counter() < end or place < len(paths):
        # Neither is always the first of the two.
        for caller, times in list(zip(callers, found, strict=True))[:: 1 if place % 2 else -1]:
            if title == JOINING:
                times.append(_time_join(caller, place))
            else:
                times.append(_time_read(caller, title, *paths[place % len(paths)]))
        place += 1
    return found


def measure_together(ports: Ports, kind: str, seconds: float) -> Result:
    """Reads on many connections, to one service after the other."""
    rows = []
    for title in (LIST, ONE, OWN, OWNERS):
        rounds = [[_generate(port, title, seconds) for port in ports] for _ in range(ROUNDS)]
        small, large = (sorted(one[which] for one in rounds)[ROUNDS // 2] for which in (0, 1))
        rows.append((title, rate(small), rate(large), ratio(large, small)))
    columns = ("call", "calls/s", "calls/s with them", "to without")
    return Result(
        f"At {CONNECTIONS} connections ({kind})", columns, rows, f"Medians of {ROUNDS} rounds in turn."
    )


def _generate(port: int, title: str, seconds: float) -> float:
    asked = {number: (path, user_token(number)) for number, path in _paths(title).items()}
    answers = [fetch(port, "GET", path, token) for path, token in asked.values()]
    for number, answer in zip(asked, answers, strict=True):
        _check(title, number, json.loads(answer))
    requests = [request("GET", path, token) for path, token in asked.values()]
    return generate(Plan([port], CONNECTIONS, seconds, Reads(requests, answers))).per_second


@contextlib.contextmanager
def _databases(kind: str, memberships: int) -> Iterator[Sequence[str]]:
    """The URLs of the two databases."""
    counts = (0, memberships)
    if kind == "postgresql":
        with own_server(SETTINGS) as server:
            names = [f"memberships{count}" for count in counts]
            for name, count in zip(names, counts, strict=True):
                server.execute(f"CREATE DATABASE {name}")
                make_database(url_of(server, name), count)
                prepare(server, name)
            yield [url_of(server, name) for name in names]
        return
    with tempfile.TemporaryDirectory(prefix="astakos-projects-") as folder:
        urls = [database_url(Path(folder, f"{count}.db")) for count in counts]
        for url, count in zip(urls, counts, strict=True):
            make_database(url, count)
        yield urls


@contextlib.contextmanager
def _services(urls: Sequence[str]) -> Iterator[Ports]:
    with contextlib.ExitStack() as stack:
        # Without a mail server, each notice would be logged.
        small, large = (stack.enter_context(astakos_server(url, "--log-level", "error")) for url in urls)
        yield small.port, large.port


def _measure_changes(urls: Sequence[str], kind: str, seconds: float) -> Result:
    with contextlib.ExitStack() as stack:
        databases = [stack.enter_context(contextlib.closing(database_of(url))) for url in urls]
        for database in databases:
            database.open()
        return measure_changes(kind, databases, seconds)


def main() -> None:
    """Make the databases, measure, print the tables."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--database", choices=tuple(KINDS), default="sqlite")
    parser.add_argument("--memberships", type=int, default=LARGE, help="in the large one (%(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=3.0, help="how long to measure each case (%(default)s)"
    )
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    arguments = parser.parse_args()
    facts = Result("Where", ("", ""), machine.describe())
    show([facts], markdown=arguments.markdown)
    kind, seconds = KINDS[arguments.database], arguments.seconds
    with _databases(arguments.database, arguments.memberships) as urls:
        with _services(urls) as ports:
            for measure in (measure_alone, measure_together):
                show([measure(ports, kind, seconds)], markdown=arguments.markdown)
        show([_measure_changes(urls, kind, 10 * seconds)], markdown=arguments.markdown)


if __name__ == "__main__":
    main()
