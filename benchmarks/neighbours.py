"""What an innocent caller sees beside others who flood the service with what is expensive.

Each flood runs against `astakos serve` on a fresh copy of one database (SQLite). Beside it, three callers
each do one thing at a time, with a pause: issue a commission, read one user's quotas as a component, log in
with a password. Their latencies are the result; how many calls of the flood are served is not.

`--source FOLDER` measures the service of another checkout, for a comparison of before and after.
"""

import argparse
import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks import machine
from benchmarks.child_process import ASTAKOS, HOST, forget_proxies, serving, source_environment
from benchmarks.flood import Flood, flooding
from benchmarks.neighbourhood import LOUD_TOKEN, PASSWORD, QUIET_TOKEN, USERS, loud_keys
from benchmarks.population import commission, database_url, user_name, user_token, user_uuid
from benchmarks.results import Result, milliseconds, show
from benchmarks.wire import ISSUE_PATH, request

CONNECTIONS = 64
HEAVY_CONNECTIONS = 16
BULK = 1000
CALL_SECONDS = 60.0
WARM_UP_SECONDS = 1.0
QUOTAS = "/account/v1.0/service_quotas"
HISTORY = "/account/v1.0/commissions/history"
FEEDBACK = "/account/v1.0/feedback"
LOGIN = "/identity/v3/auth/tokens"
LARGEST_BODY = 1_000_000
FORWARDED = "X-Forwarded-For"
QUIET_ADDRESS, LOUD_ADDRESS = "192.0.2.1", "198.51.100.1"
"""As a proxy in front of the service tells them."""


@dataclass(slots=True)
class Innocent:
    """A caller who does one thing at a time, and what they saw.

    Attributes:
        pause: seconds between two calls.
        right: the status of the right answer.
        seconds: how long each call took, refused ones included.
        others: answers with another status, and connections that were cut, as status 0.
    """

    name: str
    method: str
    path: str
    token: str
    body: bytes
    pause: float
    right: int
    seconds: list[float] = field(default_factory=list)
    others: Counter[int] = field(default_factory=Counter)

    def call_until(self, port: int, is_over: threading.Event) -> None:
        """Calls again and again until it is over."""
        headers = {"X-Auth-Token": self.token, "Content-Type": "application/json", FORWARDED: QUIET_ADDRESS}
        connection = http.client.HTTPConnection(HOST, port, timeout=CALL_SECONDS)
        with contextlib.closing(connection):
            while not is_over.wait(self.pause):
                began = time.perf_counter()
                try:
                    connection.request(self.method, self.path, self.body, headers)
                    answer = connection.getresponse()
                    answer.read()
                    status = answer.status
                except (OSError, http.client.HTTPException):
                    connection.close()
                    status = 0
                self.seconds.append(time.perf_counter() - began)
                if status != self.right:
                    self.others[status] += 1

    def cells(self) -> tuple[str, str, str, str]:
        """The middle, the 99th percentile and the maximum, and how often the answer was not the right one."""
        if not self.seconds:
            return "-", "-", "-", "-"
        ordered = sorted(self.seconds)
        others = ", ".join(f"{count} × {status or 'cut'}" for status, count in self.others.items())
        at = [len(ordered) // 2, len(ordered) * 99 // 100, -1]
        median, percentile_99, longest = (milliseconds(ordered[position]) for position in at)
        return median, percentile_99, longest, others or "0"


def innocents() -> list[Innocent]:
    """The callers whose latency is measured."""
    issue = _document(commission(1) | {"auto_accept": True})
    user = {"name": user_name(0), "domain": {"id": "default"}, "password": PASSWORD}
    login = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    return [
        Innocent("commission", "POST", ISSUE_PATH, QUIET_TOKEN, issue, 0.01, 201),
        Innocent("read", "GET", f"{QUOTAS}?user={user_uuid(2)}", QUIET_TOKEN, b"", 0.01, 200),
        Innocent("login", "POST", LOGIN, "", _document(login), 0.25, 201),
    ]


def _document(document: Any) -> bytes:
    return request("", "", "", document).partition(b"\r\n\r\n")[2]


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Somebody who floods the service.

    Attributes:
        requests: makes the requests, when it is their turn.
        mail: whether feedback is mailed, through a server that accepts connections and says nothing.
        metrics: whether the flood goes to the port of the metrics.
    """

    name: str
    connections: int
    requests: Callable[[], list[bytes]]
    mail: bool = False
    metrics: bool = False


def _bulk() -> list[bytes]:
    issues = [commission(number % USERS) | {"auto_accept": True} for number in range(BULK)]
    return [request("POST", f"{ISSUE_PATH}/bulk", LOUD_TOKEN, {"commissions": issues})]


def _reconcile() -> list[bytes]:
    usage = [
        {"holder": holder, "source": source, "resource": resource, "usage": 0}
        for holder, source, resource in loud_keys()
    ]
    return [request("POST", "/account/v1.0/reconcile", LOUD_TOKEN, {"usage": usage})]


def _read(path: str) -> Callable[[], list[bytes]]:
    return lambda: [request("GET", path, LOUD_TOKEN)]


def _form(path: str, kind: str, body: bytes) -> bytes:
    head = (
        f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nX-Auth-Token: {user_token(3)}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode("ascii") + body


def _multipart() -> list[bytes]:
    part = (
        b"--x\r\nContent-Disposition: form-data; name=feedback_msg"
        + b";" * 32_000
        + b"\r\n\r\na\r\n--x--\r\n"
    )
    return [_form(FEEDBACK, "multipart/form-data; boundary=x", part)]


def _fields() -> list[bytes]:
    return [_form("/ui/login", "application/x-www-form-urlencoded", b"a&" * (LARGEST_BODY // 2))]


def _feedback() -> list[bytes]:
    return [_form(FEEDBACK, "application/x-www-form-urlencoded", b"feedback_msg=a&feedback_data=b")]


def _wrong_passwords() -> list[bytes]:
    return [_login(user_name(number), "wrong") for number in range(1, USERS)]


def _long_names() -> list[bytes]:
    return [_login("a" * (LARGEST_BODY - number), "wrong") for number in range(HEAVY_CONNECTIONS)]


def _login(name: str, password: str) -> bytes:
    user = {"name": name, "domain": {"id": "default"}, "password": password}
    login = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    head, _, rest = request("POST", LOGIN, "", login).partition(b"\r\n")
    return b"\r\n".join([head, f"{FORWARDED}: {LOUD_ADDRESS}".encode("ascii"), rest])


NEIGHBOURS = (
    Neighbour("nobody", 0, list),
    Neighbour(f"bulk: {BULK} commissions a call", CONNECTIONS, _bulk),
    Neighbour("reconcile: 6,000 holdings a call", HEAVY_CONNECTIONS, _reconcile),
    Neighbour("history of a resource that does not exist", CONNECTIONS, _read(f"{HISTORY}?resource=nosuch")),
    Neighbour("history of an outcome that never was", CONNECTIONS, _read(f"{HISTORY}?outcome=EXPIRED")),
    Neighbour("quotas of all users", HEAVY_CONNECTIONS, _read(QUOTAS)),
    Neighbour("all 100,000 pending commissions", CONNECTIONS, _read(ISSUE_PATH)),
    Neighbour("multipart form with 32 KB of semicolons", HEAVY_CONNECTIONS, _multipart),
    Neighbour("login form of 500,000 fields", HEAVY_CONNECTIONS, _fields),
    Neighbour("wrong passwords", CONNECTIONS, _wrong_passwords),
    Neighbour("user names of 1 MB", HEAVY_CONNECTIONS, _long_names),
    Neighbour("feedback to a silent mail server", HEAVY_CONNECTIONS, _feedback, mail=True),
    Neighbour("metrics", CONNECTIONS, lambda: [request("GET", "/metrics", "")], metrics=True),
)


@contextlib.contextmanager
def _silent_server() -> Iterator[int]:
    """The port of a server that accepts connections and says nothing."""
    with socket.create_server((HOST, 0), backlog=CONNECTIONS) as listener:
        yield listener.getsockname()[1]


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def measure(neighbour: Neighbour, database: str, seconds: float) -> tuple[list[Innocent], Counter[int]]:
    """Lets the innocent call beside a neighbour, for so many seconds."""
    callers = innocents()
    metrics_port = _free_port()
    options = ["--metrics-port", str(metrics_port)]
    with contextlib.ExitStack() as stack:
        if neighbour.mail:
            options += ["--mail-server", f"smtp://{HOST}:{stack.enter_context(_silent_server())}"]
            options += ["--mail-sender", "astakos@example.org"]
        command = [*ASTAKOS, "serve", "--host", HOST, "--port", "0", "--database", database, *options]
        port = stack.enter_context(serving(command, kill=True)).port
        answers: Counter[int] = Counter()
        is_over = threading.Event()
        threads = [threading.Thread(target=caller.call_until, args=(port, is_over)) for caller in callers]
        with contextlib.ExitStack() as flood:
            if neighbour.connections:
                where = metrics_port if neighbour.metrics else port
                answers = flood.enter_context(
                    flooding(Flood(where, neighbour.connections, neighbour.requests()))
                )
            time.sleep(WARM_UP_SECONDS)
            for thread in threads:
                thread.start()
            time.sleep(seconds)
            is_over.set()
            for thread in threads:
                thread.join()
    return callers, answers


def _row(neighbour: Neighbour, callers: Sequence[Innocent], answers: Counter[int]) -> list[str]:
    served = ", ".join(f"{count:,} × {status}" for status, count in sorted(answers.items()))
    return [neighbour.name, *(cell for caller in callers for cell in caller.cells()), served or "-"]


def main() -> None:
    """Measure beside each neighbour, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seconds", type=float, default=10.0, help="how long beside each (%(default)s)")
    parser.add_argument(
        "--source", type=Path, help="a checkout whose service is measured instead of this one's"
    )
    parser.add_argument("--only", default="", help="only the neighbours whose names contain this")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    arguments = parser.parse_args()
    forget_proxies()
    if arguments.source is not None:
        os.environ.update(source_environment(arguments.source))
    rows = []
    with tempfile.TemporaryDirectory(prefix="astakos-benchmark-") as folder:
        original, copy = Path(folder) / "original.db", Path(folder) / "copy.db"
        making = [sys.executable, "-m", "benchmarks.neighbourhood", database_url(original)]
        subprocess.run(making, check=True)
        for neighbour in NEIGHBOURS:
            if arguments.only in neighbour.name:
                for file in Path(folder).glob("copy.db*"):
                    file.unlink()
                shutil.copy(original, copy)
                print(neighbour.name, file=sys.stderr)
                rows.append(_row(neighbour, *measure(neighbour, database_url(copy), arguments.seconds)))
    columns = ["beside"]
    for caller in innocents():
        columns += [f"{caller.name}: p50, ms", "p99", "max", "refused"]
    show(
        [
            Result("Where", ("", ""), machine.describe()),
            Result("Innocent callers beside a flood (SQLite, one worker)", [*columns, "flood"], rows),
        ],
        markdown=arguments.markdown,
    )


if __name__ == "__main__":
    main()
