"""Pages: the time that the service takes for each, with a million users in the database.

Makes the database first (some minutes, and 3 GB on SQLite, 6 GB on PostgreSQL, in the folder for temporary files;
with `--folder`, a file of SQLite that is there is used as it is). One user, who is an administrator, has a long
history and looks at everything.
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
from collections.abc import Callable, Iterator
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
from benchmarks.page_addresses import PERSON, addresses
from benchmarks.page_scene import LINK, METERS, PASSWORD, PROJECT, READER, add_pending, make_scene
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
SETTLE_SECONDS = 90.0
"""How long the first work by the clock of a service may take, which no page is to be measured beside."""


class Subject(NamedTuple):
    """A database with the scene, and the seconds of the processor that its server has taken (0 for SQLite)."""

    url: str
    server_seconds: Callable[[], float]


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument(
        "--folder", type=Path, help="keep the file of SQLite there, and use one that is there"
    )
    parser.add_argument("--users", type=int, default=LARGE, help="how many (%(default)s)")
    parser.add_argument("--only", default="", help="only addresses with this text")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    options = parser.parse_args()
    if options.folder and options.database != "sqlite":
        parser.error("--folder is for the files of SQLite")
    asked = [path for path in addresses() if options.only in path]
    made = _postgresql(options.users) if options.database == "postgresql" else _sqlite(options)
    facts = machine.describe()
    with made as subject, astakos_server(subject.url) as server:
        _wait_for_leaders(subject.url)
        period = _last_period(subject.url)
        base_url = f"http://{HOST}:{server.port}"
        opener = _logged_in(base_url)

        def seconds() -> tuple[float, float]:
            return _cpu_seconds(server.process), subject.server_seconds()

        rows, refused = list[tuple[str, ...]](), list[str]()
        for path in asked:
            try:
                rows.append(_measured(opener, base_url, path.replace("{period}", str(period)), seconds))
            except HTTPError as error:
                refused.append(f"{path}: {error.code}")
    if refused:
        raise RuntimeError(f"these pages were refused: {', '.join(refused)}")
    rows.sort(key=lambda row: -float(row[3]) - float(row[4]))
    columns = ("page", "median, ms", f"slowest of {ROUNDS}, ms", "CPU, ms", "CPU of PostgreSQL, ms", "bytes")
    result = Result(
        f"Pages with {options.users:,} users ({options.database})",
        columns,
        rows,
        "One request at a time, over HTTP, after a first one. CPU is the work of the service for each.",
    )
    show([Result("Where", ("", ""), facts), result], markdown=options.markdown)


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
    """Charge the reader, who has some commissions pending as well."""
    accepted = [commission(0) | {"auto_accept": True}] * SIZE
    for _ in range(CHARGES // SIZE):
        fetch(port, "POST", f"{ISSUE_PATH}/bulk", COMPONENT_TOKEN, {"commissions": accepted})
    fetch(port, "POST", f"{ISSUE_PATH}/bulk", COMPONENT_TOKEN, {"commissions": [commission(0)] * PENDING})


def _wait_for_leaders(url: str) -> None:
    """Wait until the service has found out who uses most, which it does at its start and now and then."""
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


def _logged_in(base_url: str) -> urllib.request.OpenerDirector:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    with opener.open(f"{base_url}/ui/login") as page:
        (proof,) = re.findall('name="csrf_token" value="([^"]+)"', page.read().decode())
    form = {"csrf_token": proof, "username": user_name(0), "password": PASSWORD}
    with opener.open(f"{base_url}/ui/login", urlencode(form).encode()) as page:
        assert page.url == f"{base_url}/ui/overview", page.url
    return opener


def _measured(
    opener: urllib.request.OpenerDirector, base_url: str, path: str, seconds: Callable[[], tuple[float, float]]
) -> tuple[str, ...]:
    size = len(_get(opener, f"{base_url}{path}"))
    times = []
    before = seconds()
    for _ in range(ROUNDS):
        began = time.perf_counter()
        _get(opener, f"{base_url}{path}")
        times.append(time.perf_counter() - began)
    spent = [(now - then) / ROUNDS for now, then in zip(seconds(), before, strict=True)]
    found = (statistics.median(times), max(times), *spent)
    return (_named(path), *map(milliseconds, found), f"{size:,}")


def _named(path: str) -> str:
    """An address without the long identifiers."""
    for identifier, name in ((PROJECT, "<project>"), (PERSON, "<user>"), (READER, "<reader>"), (LINK, "<link>")):
        path = path.replace(identifier, name)
    return path


def _get(opener: urllib.request.OpenerDirector, address: str) -> bytes:
    with opener.open(address) as page:
        content: bytes = page.read()
    return content


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
