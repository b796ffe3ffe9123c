"""Request counts of one HTTP process, and how it reports them."""

import os
import resource
import socket
from dataclasses import dataclass
from pathlib import Path

import msgspec

from astakos.distribution import Distribution
from astakos.ledger.engine_client import Ledger

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
OTHER = "other"
"""Stands for all other methods: clients can invent names, and each would add a time series."""


class RequestCount(msgspec.Struct, array_like=True):
    """The durations of the requests that share a route, method, and status."""

    route: str
    method: str
    status: int
    counts: list[int]
    total: float


@dataclass(slots=True)
class ConnectionCounts:
    """Counts the connections of one server; only its event loop writes.

    Attributes:
        open: how many are open.
        refused: how many were refused since the start because too many were open.
    """

    open: int = 0
    refused: int = 0


class Report(msgspec.Struct):
    """What a process has counted since it started, and its current load.

    Attributes:
        number: Number of the question that the report answers.
    """

    number: int = 0
    requests: list[RequestCount] = []
    under_way: int = 0
    refused: int = 0
    late: int = 0
    unknown: int = 0
    connections: int = 0
    refused_connections: int = 0
    cpu_seconds: float = 0
    resident_bytes: int = 0


class RequestCounts:
    """Counts requests by route, method, and status."""

    def __init__(self) -> None:
        """Starts with no requests."""
        self._found: dict[tuple[str, str, int], Distribution] = {}

    def add(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts one request."""
        found = self._found.get((route, method, status)) or self._first(route, method, status)
        found.add(seconds)

    def _first(self, route: str, method: str, status: int) -> Distribution:
        key = route, method if method in METHODS else OTHER, status
        return self._found.setdefault(key, Distribution(SECONDS))

    def all(self) -> list[RequestCount]:
        """Returns all counts. Any thread may call this."""
        # Copying to a list is atomic; another thread may be adding counts.
        return [
            RequestCount(*key, list(found.counts), found.total) for key, found in list(self._found.items())
        ]


def tell(
    connection: socket.socket, requests: RequestCounts, ledger: Ledger, connections: ConnectionCounts
) -> None:
    """Answers each question, a number on a line, with a report, until the peer closes the connection.

    Runs on its own thread, so that it answers even if the event loop is blocked.
    """
    with connection, connection.makefile("rb") as questions:
        for question in questions:
            report = report_of(int(question), requests, ledger, connections)
            connection.sendall(msgspec.json.encode(report) + b"\n")


def report_of(number: int, requests: RequestCounts, ledger: Ledger, connections: ConnectionCounts) -> Report:
    """Returns what this process has counted since it started, and its load."""
    under_way, refused, late, unknown = ledger.counts()
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu_seconds = used.ru_utime + used.ru_stime
    return Report(
        number,
        requests.all(),
        under_way,
        refused,
        late,
        unknown,
        connections.open,
        connections.refused,
        cpu_seconds,
        _resident_bytes(),
    )


def _resident_bytes() -> int:
    """Returns the resident memory of this process, or 0 if the system does not report it."""
    try:
        pages = Path("/proc/self/statm").read_bytes().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
