"""Pages: the time that the service takes for each, with a million users in the database.

Makes the database first, in the folder for temporary files: some minutes, and 3 GB on SQLite or 6 GB on
PostgreSQL. With `--folder`, a file of SQLite that is there is used as it is. One user, who is an
administrator, has a long history and looks at everything.
"""

import argparse
import contextlib
import http.cookiejar
import os
import re
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.error import HTTPError
from urllib.parse import urlencode

from tools.postgres_server import PostgresServer, own_server

from astakos import clock
from astakos.administration.usage_leaders import PERIOD, period_start, start_before
from astakos.storage.opening import database_of
from astakos.storage.tables.usage_leaders import refreshed
from benchmarks import machine
from benchmarks.child_process import HOST
from benchmarks.growth import LARGE
from benchmarks.page_addresses import addresses
from benchmarks.page_scene import (
    ADDRESS_LINK,
    LINK,
    METERS,
    PASSWORD,
    PERSON,
    PROJECT,
    READER,
    add_pending,
    make_scene,
)
from benchmarks.population import COMPONENT_TOKEN, commission, database_url, user_name
from benchmarks.postgresql_databases import SETTINGS, prepare, url_of
from benchmarks.results import Result, milliseconds, show
from benchmarks.service_process import astakos_server
from benchmarks.wire import ISSUE_PATH, fetch

ROUNDS = 20
CHARGES = 9_000
PENDING = 100
SIZE = 100
NAME = "pages"
SETTLE_SECONDS = 900.0
"""How long the first work by the clock of a service may take, which no page is to be measured beside."""


class Subject(NamedTuple):
    """A database with the scene.

    Attributes:
        url: how it is named to the service.
        server_seconds: how long processors have worked for its server so far; nothing for SQLite.
    """

    url: str
    server_seconds: Callable[[], float]


class Measured(NamedTuple):
    """An address: seconds of the clock and of processors for each request, and the bytes of the answer."""

    path: str
    median: float
    slowest: float
    service: float
    server: float
    size: int


class Reader:
    """A browser in which the reader has logged in."""

    def __init__(self, base_url: str) -> None:
        """Logs in."""
        self._base_url = base_url
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies)
        (proof,) = re.findall('name="csrf_token" value="([^"]+)"', self.get("/ui/login").decode())
        form = {"csrf_token": proof, "username": user_name(0), "password": PASSWORD}
        with self._opener.open(f"{base_url}/ui/login", urlencode(form).encode()) as page:
            assert page.url == f"{base_url}/ui/overview", page.url

    def get(self, path: str) -> bytes:
        """Returns a page."""
        with self._opener.open(f"{self._base_url}{path}") as page:
            content: bytes = page.read()
        return content


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument(
        "--folder", type=Path, help="keep the file of SQLite there, and use one that is there"
    )
    parser.add_argument("--users", type=int, default=LARGE, help="how many (%(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often (%(default)s)")
    parser.add_argument("--only", default="", help="only addresses with this text")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    options = parser.parse_args()
    if options.folder and options.database != "sqlite":
        parser.error("--folder is for the files of SQLite")
    asked = [path for path in addresses() if options.only in path]
    made = _postgresql(options.users) if options.database == "postgresql" else _sqlite(options)
    facts = Result("Where", ("", ""), machine.describe())
    with made as subject:
        measured, refused = _measure(subject, asked, options.rounds)
    title = f"Pages with {options.users:,} users ({options.database})"
    show([facts, _table(title, measured, options.rounds)], markdown=options.markdown)
    if refused:
        raise RuntimeError(f"these pages were refused: {', '.join(refused)}")


def _measure(subject: Subject, asked: Sequence[str], rounds: int) -> tuple[list[Measured], list[str]]:
    """Asks for each address; returns what was measured, and which addresses were refused."""
    measured, refused = list[Measured](), list[str]()
    with astakos_server(subject.url) as server:
        _wait_for_leaders(subject.url)
        period = str(_last_period(subject.url))
        reader = Reader(f"http://{HOST}:{server.port}")

        def spent() -> tuple[float, float]:
            return _cpu_seconds(server.process), subject.server_seconds()

        for path in asked:
            try:
                measured.append(_measured(reader, path.replace("{period}", period), spent, rounds))
            except HTTPError as error:
                refused.append(f"{path}: {error.code}")
    return measured, refused


def _table(title: str, measured: Sequence[Measured], rounds: int) -> Result:
    """The dearest pages come first."""
    rows = [
        (
            _named(one.path),
            *map(milliseconds, (one.median, one.slowest, one.service, one.server)),
            f"{one.size:,}",
        )
        for one in sorted(measured, key=lambda one: -one.service - one.server)
    ]
    return Result(
        title,
        ("page", "median, ms", f"slowest of {rounds}, ms", "CPU, ms", "CPU of PostgreSQL, ms", "bytes"),
        rows,
        "One request at a time, over HTTP, after a first one. CPU is what processors work for each.",
    )


@contextlib.contextmanager
def _sqlite(options: argparse.Namespace) -> Iterator[Subject]:
    with tempfile.TemporaryDirectory(prefix="astakos-benchmark-") as temporary:
        path = (options.folder or Path(temporary)) / f"{options.users}-users-of-pages.db"
        url = database_url(path)
        if not path.exists():
            _make(url, options.users)
        yield Subject(url, lambda: 0.0)


@contextlib.contextmanager
def _postgresql(count: int) -> Iterator[Subject]:
    with own_server(SETTINGS) as server:
        server.execute(f"CREATE DATABASE {NAME}")
        url = url_of(server, NAME)
        _make(url, count)
        prepare(server, NAME)
        yield Subject(url, lambda: _backend_seconds(server))


def _make(url: str, count: int) -> None:
    make_scene(url, count)
    with astakos_server(url) as server:
        _charge(server.port)
    add_pending(url, count)


def _charge(port: int) -> None:
    """Charges the reader, who has some commissions pending as well."""
    accepted = [commission(0) | {"auto_accept": True}] * SIZE
    for _ in range(CHARGES // SIZE):
        fetch(port, "POST", f"{ISSUE_PATH}/bulk", COMPONENT_TOKEN, {"commissions": accepted})
    fetch(port, "POST", f"{ISSUE_PATH}/bulk", COMPONENT_TOKEN, {"commissions": [commission(0)] * PENDING})


def _wait_for_leaders(url: str) -> None:
    """Waits until the service has found out who uses most, which it does at its start and now and then."""
    database = database_of(url)
    database.open()
    began, end = clock.now(), time.monotonic() + SETTLE_SECONDS
    with contextlib.closing(database), contextlib.closing(database.connect()) as connection:
        while time.monotonic() < end:
            found = refreshed(connection)
            if found is not None and found > began - PERIOD:
                return
            time.sleep(0.1)
    raise RuntimeError(f"the service has not found out within {SETTLE_SECONDS:.0f} seconds who uses most")


def _last_period(url: str) -> int:
    """When the last period of the meters began that is over."""
    database = database_of(url)
    database.open()
    with contextlib.closing(database), contextlib.closing(database.connect()) as connection:
        start = period_start(connection, METERS[0], clock.now())
        before = None if start is None else start_before(connection, METERS[0], start)
    assert before is not None
    return before


def _measured(reader: Reader, path: str, spent: Callable[[], tuple[float, float]], rounds: int) -> Measured:
    size = len(reader.get(path))
    times = []
    before = spent()
    for _ in range(rounds):
        began = time.perf_counter()
        reader.get(path)
        times.append(time.perf_counter() - began)
    service, server = ((now - then) / rounds for now, then in zip(spent(), before, strict=True))
    return Measured(path, statistics.median(times), max(times), service, server, size)


def _named(path: str) -> str:
    """An address without the long identifiers."""
    for identifier, name in (
        (PROJECT, "<project>"),
        (PERSON, "<user>"),
        (READER, "<reader>"),
        (LINK, "<link>"),
        (ADDRESS_LINK, "<link>"),
    ):
        path = path.replace(identifier, name)
    return path


def _cpu_seconds(process: int) -> float:
    """How long all processors have worked for a process and those that it has begun."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text("ascii")
    return sum(map(_seconds_of, (process, *map(int, children.split()))))


def _backend_seconds(server: PostgresServer) -> float:
    """How long they have worked for the processes of a PostgreSQL."""
    postmaster = int((server.data / "postmaster.pid").read_text().split("\n")[0])
    return _cpu_seconds(postmaster)


def _seconds_of(process: int) -> float:
    try:
        fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
