"""Pages: the time that the service takes for each, with a million users in the database.

Makes the database first (a minute or two and 3 GB, in the folder for temporary files; with `--folder`, a
file of SQLite that is there is used as it is). One user, who is an administrator, has a history.
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
from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import urlencode

from astakos import clock
from astakos.administration.administrators import grant_admin, is_administrator
from astakos.directory.password_hashes import password_hash
from astakos.events.event import OPERATOR
from astakos.http.pages.page_routes import PAGE_ROUTES
from astakos.storage.opening import database_of
from astakos.storage.protocol import Connection
from astakos.storage.tables import users
from benchmarks.child_process import HOST
from benchmarks.growth import LARGE
from benchmarks.many_users import make_users
from benchmarks.population import (
    COMPONENT_TOKEN,
    QUANTITIES,
    commission,
    database_url,
    user_name,
    user_uuid,
)
from benchmarks.results import Result, milliseconds, show
from benchmarks.service_process import astakos_server
from benchmarks.wire import ISSUE_PATH, fetch

PASSWORD = "correct horse battery staple"
ROUNDS = 30
CHARGES = 3_000
SIZE = 100
READER = 0
RESOURCE = "/ui/resources/compute.vm"
PAGES: Sequence[str] = (
    "/ui/overview",
    f"{RESOURCE}?by=day",
    f"{RESOURCE}?by=month",
    f"{RESOURCE}?csv=charges",
    "/docs",
    "/docs?q=commissions",
)
"""What has a variable or a query. All other pages of the views are measured, too."""
NO_VIEWS = ("/ui/static/{file}", "/ui/logo")


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--folder", type=Path, help="keep the file of SQLite there, and use one that is there"
    )
    parser.add_argument("--users", type=int, default=LARGE)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    with contextlib.ExitStack() as stack:
        url = stack.enter_context(_made(options.folder, options.users))
        _prepare(url)
        server = stack.enter_context(astakos_server(url))
        _charge(server.port)
        base_url = f"http://{HOST}:{server.port}"
        opener = _logged_in(base_url)
        rows = [_measured(opener, base_url, server.process, path) for path in _paths()]
    result = Result(
        f"Pages with {options.users:,} users",
        ("page", "median, ms", f"slowest of {ROUNDS}, ms", "CPU, ms", "bytes"),
        rows,
        "One request at a time, over HTTP, after a first one. CPU is the work of the service for each.\n"
        f"The reader has at least {CHARGES:,} charges.",
    )
    show([result], markdown=options.markdown)


@contextlib.contextmanager
def _made(kept: Path | None, count: int) -> Iterator[str]:
    """The URL of a database with so many users."""
    with tempfile.TemporaryDirectory(prefix="astakos-benchmark-") as temporary:
        path = (kept or Path(temporary)) / f"{count}-users-of-pages.db"
        url = database_url(path)
        if not path.exists():
            make_users(url, count, tuple(QUANTITIES))
        yield url


def _paths() -> list[str]:
    """The paths of `PAGES`, and of all pages without a variable."""
    others = [
        route.template
        for route in PAGE_ROUTES
        if "GET" in route.methods and "{" not in route.template and route.template not in NO_VIEWS
    ]
    return [*PAGES, *(path for path in others if path not in PAGES)]


def _prepare(url: str) -> None:
    """Give the reader a password, and make them an administrator."""

    def change(connection: Connection) -> None:
        user = users.find_by_uuid(connection, user_uuid(READER))
        assert user is not None
        users.set_password_hash(connection, user.uuid, password_hash(PASSWORD))
        if not is_administrator(connection, user):
            grant_admin(connection, OPERATOR, user, clock.now())

    database = database_of(url)
    database.open()
    database.change(change)
    database.close()


def _charge(port: int) -> None:
    issues = [commission(READER) | {"auto_accept": True}] * SIZE
    for _ in range(CHARGES // SIZE):
        fetch(port, "POST", f"{ISSUE_PATH}/bulk", COMPONENT_TOKEN, {"commissions": issues})


def _logged_in(base_url: str) -> urllib.request.OpenerDirector:
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar()))
    with opener.open(f"{base_url}/ui/login") as page:
        (proof,) = re.findall('name="csrf_token" value="([^"]+)"', page.read().decode())
    form = {"csrf_token": proof, "username": user_name(READER), "password": PASSWORD}
    with opener.open(f"{base_url}/ui/login", urlencode(form).encode()) as page:
        assert page.url == f"{base_url}/ui/overview", page.url
    return opener


def _measured(
    opener: urllib.request.OpenerDirector, base_url: str, server: int, path: str
) -> tuple[str, ...]:
    times, size = [], 0
    with opener.open(f"{base_url}{path}") as page:
        page.read()
    before = _cpu_seconds(server)
    for _ in range(ROUNDS):
        began = time.perf_counter()
        with opener.open(f"{base_url}{path}") as page:
            size = len(page.read())
        times.append(time.perf_counter() - began)
    spent = (_cpu_seconds(server) - before) / ROUNDS
    found = (statistics.median(times), max(times), spent)
    return (path, *map(milliseconds, found), f"{size:,}")


def _cpu_seconds(server: int) -> float:
    """How long all processors have worked for a server and the processes that it has begun."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text("ascii")
    ticks = 0
    for process in (server, *map(int, children.split())):
        fields = Path(f"/proc/{process}/stat").read_text("ascii").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
