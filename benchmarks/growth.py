"""Growth: how a database of a million users fares beside one of a thousand.

Makes both files (the large one takes minutes and some 8 GB, in the folder for temporary files or where
`--folder` says), then measures commission pairs on each, the start of the service and its memory.
"""

import argparse
import contextlib
import random
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from astakos import clock
from astakos.administration.document import ComponentEntry, ResourceEntry, ServiceEntry, StateDocument
from astakos.administration.load import load
from astakos.directory.model import User
from astakos.projects.limits import SYSTEM_PROJECT_LIFETIME, limits
from astakos.projects.model import Capacity, Membership, MembershipState, Policy, Project, ProjectState
from astakos.storage import projects, users
from astakos.storage.holdings import set_limits
from astakos.storage.sqlite import SQLiteDatabase
from benchmarks import machine
from benchmarks.load_generator import Outcome, Pairs, Plan, generate
from benchmarks.population import (
    COMPONENT,
    COMPONENT_TOKEN,
    LIMIT,
    QUANTITIES,
    commission,
    database_url,
    user_name,
    user_uuid,
)
from benchmarks.results import Result, milliseconds, rate, ratio, show
from benchmarks.service_process import astakos_server
from benchmarks.wire import ISSUE_PATH, request

RESOURCES = (*QUANTITIES, *(f"compute.other{number}" for number in range(8)))
SMALL = 1_000
LARGE = 1_000_000
AT_A_TIME = 1_000
ASKED = 20_000
"""Among so many users, drawn from all, the commissions are spread."""
CONNECTIONS = 32
ROUNDS = 3
MEBIBYTE = 2**20
CAPACITIES = dict.fromkeys(RESOURCES, Capacity(LIMIT, LIMIT))


class Grown(NamedTuple):
    """What one measurement found."""

    outcome: Outcome
    start: float
    resident_bytes: int


def make_database(path: Path, count: int) -> None:
    """Make a database with so many users, each with a system project and holdings of all resources."""
    database = SQLiteDatabase(database_url(path))
    database.open()
    document = StateDocument(
        components=[ComponentEntry(name=COMPONENT, token=COMPONENT_TOKEN)],
        services=[ServiceEntry(name=COMPONENT, type="compute", component=COMPONENT)],
        resources=[ResourceEntry(name=name, service=COMPONENT) for name in RESOURCES],
    )
    load(database, document, clock.now())
    now = clock.now()
    with contextlib.closing(database.connect()) as connection, _progress() as progress:
        # The file is made anew if this is interrupted, so that nothing need be durable in between.
        connection.execute("PRAGMA synchronous = OFF")
        task = progress.add_task(f"{path.name}: users", total=count)
        for first in range(0, count, AT_A_TIME):
            connection.execute("BEGIN")
            for number in range(first, min(count, first + AT_A_TIME)):
                _add_user(connection, number, now)
                progress.advance(task)
            connection.execute("COMMIT")
    database.close()


def _add_user(connection: sqlite3.Connection, number: int, now: int) -> None:
    uuid = user_uuid(number)
    name = user_name(number)
    users.save(
        connection,
        User(0, uuid, name, name, "User", str(number), True, True, True, False, True, uuid),
    )
    projects.save(
        connection,
        Project(
            uuid=uuid,
            name=f"system:{uuid}",
            state=ProjectState.ACTIVE,
            system_project=True,
            owner=None,
            homepage="",
            description="",
            comments="",
            creation_date=now,
            end_date=now + SYSTEM_PROJECT_LIFETIME,
            join_policy=Policy.CLOSED,
            leave_policy=Policy.CLOSED,
            max_members=1,
            private=True,
        ),
    )
    membership = Membership(uuid, MembershipState.ACCEPTED, ever_accepted=True)
    projects.save_memberships(connection, uuid, [membership])
    projects.save_capacities(connection, uuid, CAPACITIES)
    set_limits(connection, limits(uuid, ProjectState.ACTIVE, CAPACITIES, [membership]))


@contextlib.contextmanager
def _progress() -> Iterator[Progress]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns) as progress:
        yield progress


def measure(path: Path, count: int, seconds: float) -> Grown:
    """Commission pairs on a file with so many users."""
    drawn = random.Random(4711).sample(range(count), min(count, ASKED))
    issues = [request("POST", ISSUE_PATH, COMPONENT_TOKEN, commission(number)) for number in drawn]
    with astakos_server(database_url(path)) as server:
        outcome = generate(Plan([server.port], CONNECTIONS, seconds, Pairs(issues)))
        return Grown(outcome, server.start, server.resident_bytes)


def main() -> None:
    """Make the files, measure them in turn, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--users", type=int, default=LARGE, help="how many in the large file (%(default)s)")
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="how long to measure each case (%(default)s)"
    )
    parser.add_argument("--folder", type=Path, help="keep the files there, and use those that are there")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    arguments = parser.parse_args()
    with contextlib.ExitStack() as stack:
        folder = arguments.folder or Path(
            stack.enter_context(tempfile.TemporaryDirectory(prefix="astakos-growth-"))
        )
        files = {count: folder / f"{count}-users.db" for count in (SMALL, arguments.users)}
        for count, path in files.items():
            if not path.exists():
                make_database(path, count)
        found: dict[int, list[Grown]] = {count: [] for count in files}
        for _ in range(ROUNDS):
            for count, path in files.items():
                found[count].append(measure(path, count, arguments.seconds))
        sizes = {count: path.stat().st_size for count, path in files.items()}
    best = {
        count: sorted(grown, key=lambda g: g.outcome.per_second)[ROUNDS // 2]
        for count, grown in found.items()
    }
    reference = best[SMALL].outcome.per_second
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
        for count, grown in best.items()
    ]
    columns = ("users", "holdings", "MiB", "pairs/s", "ratio", "p99, ms", "start, s", "memory, MiB")
    note = f"{CONNECTIONS} connections, {ASKED:,} users at random; medians of {ROUNDS} rounds in turn."
    facts = Result("Where", ("", ""), machine.describe())
    show([facts, Result("Growth", columns, rows, note)], markdown=arguments.markdown)


if __name__ == "__main__":
    main()
