"""Growth: how a database of a million users fares beside one of a thousand.

Makes both (the large one takes minutes and some 8 GB, in the folder for temporary files or where `--folder`
says), then measures commission pairs on each, the start of the service and its memory.
"""

import argparse
import contextlib
import random
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from tools.postgres_server import own_server

from benchmarks import machine
from benchmarks.load_generator import Outcome, Pairs, Plan, generate
from benchmarks.many_users import make_users
from benchmarks.population import (
    COMPONENT_TOKEN,
    QUANTITIES,
    commission,
    database_url,
)
from benchmarks.postgresql_databases import SETTINGS, prepare, url_of
from benchmarks.results import Result, milliseconds, rate, ratio, show
from benchmarks.service_process import astakos_server
from benchmarks.wire import ISSUE_PATH, request

RESOURCES = (*QUANTITIES, *(f"compute.other{number}" for number in range(8)))
SMALL = 1_000
LARGE = 1_000_000
ASKED = 20_000
"""Among so many users, drawn from all, the commissions are spread."""
CONNECTIONS = 32
ROUNDS = 3
MEBIBYTE = 2**20


class Subject(NamedTuple):
    """A database, and how many bytes it takes."""

    url: str
    size: Callable[[], int]


class Grown(NamedTuple):
    """What one measurement found."""

    outcome: Outcome
    start: float
    resident_bytes: int


def sqlite_files(folder: Path, counts: Sequence[int]) -> dict[int, Subject]:
    """A file for each number of users; those that are there are used as they are."""
    subjects = {}
    for count in counts:
        path = folder / f"{count}-users.db"
        subjects[count] = Subject(database_url(path), lambda path=path: path.stat().st_size)  # type: ignore[misc]
        if path.exists():
            continue
        make_users(subjects[count].url, count, RESOURCES)
    return subjects


@contextlib.contextmanager
def _postgresql_databases(counts: Sequence[int]) -> Iterator[dict[int, Subject]]:
    """A database on one new server for each number of users."""
    with own_server(SETTINGS) as server:
        subjects = {}
        for count in counts:
            name = f"users{count}"
            server.execute(f"CREATE DATABASE {name}")
            size = f"SELECT pg_database_size('{name}')"
            subjects[count] = Subject(url_of(server, name), lambda size=size: server.execute(size)[0][0])  # type: ignore[misc]
            make_users(subjects[count].url, count, RESOURCES)
            prepare(server, name)
        yield subjects


def measure(subject: Subject, count: int, seconds: float) -> Grown:
    """Commission pairs on a database with so many users."""
    drawn = random.Random(4711).sample(range(count), min(count, ASKED))
    issues = [request("POST", ISSUE_PATH, COMPONENT_TOKEN, commission(number)) for number in drawn]
    with astakos_server(subject.url) as server:
        outcome = generate(Plan([server.port], CONNECTIONS, seconds, Pairs(issues)))
        return Grown(outcome, server.start, server.resident_bytes)


def main() -> None:
    """Make the databases, measure them in turn, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--users", type=int, default=LARGE, help="how many in the large one (%(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="how long to measure each case (%(default)s)"
    )
    parser.add_argument(
        "--folder", type=Path, help="keep the files of SQLite there, and use those that are there"
    )
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    arguments = parser.parse_args()
    if arguments.folder and arguments.database != "sqlite":
        parser.error("--folder is for the files of SQLite")
    counts = (SMALL, arguments.users)
    with contextlib.ExitStack() as stack:
        if arguments.database == "postgresql":
            subjects = stack.enter_context(_postgresql_databases(counts))
        else:
            temporary = stack.enter_context(tempfile.TemporaryDirectory(prefix="astakos-growth-"))
            subjects = sqlite_files(arguments.folder or Path(temporary), counts)
        found: dict[int, list[Grown]] = {count: [] for count in counts}
        for _ in range(ROUNDS):
            for count, subject in subjects.items():
                found[count].append(measure(subject, count, arguments.seconds))
        sizes = {count: subject.size() for count, subject in subjects.items()}
    facts = Result("Where", ("", ""), machine.describe())
    show([facts, _table(arguments.database, found, sizes)], markdown=arguments.markdown)


def _table(database: str, found: Mapping[int, Sequence[Grown]], sizes: Mapping[int, int]) -> Result:
    medians = {
        count: sorted(grown, key=lambda g: g.outcome.per_second)[ROUNDS // 2]
        for count, grown in found.items()
    }
    reference = medians[SMALL].outcome.per_second
    rows = [
        (
            f"{count:,}",
            f"{count * len(RESOURCES) * 2:,}",
            f"{sizes[count] / MEBIBYTE:,.0f}",
            rate(grown.outcome.per_second),
            ratio(grown.outcome.per_second, reference),
            milliseconds(grown.outcome.percentile_99),
            f"{grown.start:.2f}",
            f"{grown.resident_bytes / MEBIBYTE:,.0f}",
        )
        for count, grown in medians.items()
    ]
    columns = ("users", "holdings", "MiB", "pairs/s", "ratio", "p99, ms", "start, s", "memory, MiB")
    note = f"{CONNECTIONS} connections, {ASKED:,} users at random; medians of {ROUNDS} rounds in turn."
    return Result(f"Growth ({database})", columns, rows, note)


if __name__ == "__main__":
    main()
