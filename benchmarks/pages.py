"""Pages: the time that the service takes for each, with a million users in the database.

Makes the database as `benchmarks.growth` does (some minutes and 8 GB, in the folder for temporary files or
where `--folder` says; one that is there is used as it is). One user, who is an administrator, has a history.
"""

import argparse
import http.cookiejar
import re
import statistics
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlencode

from astakos import clock
from astakos.administration.administrators import grant_admin, is_administrator
from astakos.directory.password_hashes import password_hash
from astakos.events.event import OPERATOR
from astakos.storage.opening import database_of
from astakos.storage.protocol import Connection
from astakos.storage.tables import users
from benchmarks.child_process import HOST
from benchmarks.growth import LARGE, sqlite_files
from benchmarks.population import COMPONENT_TOKEN, commission, user_name, user_uuid
from benchmarks.results import Result, milliseconds, show
from benchmarks.service_process import astakos_server
from benchmarks.wire import ISSUE_PATH, fetch

PASSWORD = "correct horse battery staple"
ROUNDS = 30
CHARGES = 3_000
SIZE = 100
READER = 0
PAGES: Sequence[str] = (
    "/ui/overview",
    "/ui/resources/compute.vm?by=day",
    "/ui/resources/compute.vm?by=month",
    "/ui/resources/compute.vm?csv=charges",
)


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--users", type=int, default=LARGE)
    parser.add_argument("--markdown", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="astakos-benchmark-") as temporary:
        folder = options.folder or Path(temporary)
        url = sqlite_files(folder, [options.users])[options.users].url
        _prepare(url)
        with astakos_server(url) as server:
            _charge(server.port)
            opener = _logged_in(f"http://{HOST}:{server.port}")
            rows = [_measured(opener, f"http://{HOST}:{server.port}", path) for path in PAGES]
    result = Result(
        f"Pages with {options.users:,} users",
        ("page", "median, ms", f"slowest of {ROUNDS}, ms", "bytes"),
        rows,
        f"One request at a time, over HTTP. The reader has at least {CHARGES:,} charges.",
    )
    show([result], markdown=options.markdown)


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


def _measured(opener: urllib.request.OpenerDirector, base_url: str, path: str) -> tuple[str, str, str, str]:
    times, size = [], 0
    for _ in range(ROUNDS):
        began = time.perf_counter()
        with opener.open(f"{base_url}{path}") as page:
            size = len(page.read())
        times.append(time.perf_counter() - began)
    return path, milliseconds(statistics.median(times)), milliseconds(max(times)), f"{size:,}"


if __name__ == "__main__":
    main()
