"""What a process that answers HTTP counts, and how it tells the one that is asked for it."""

import os
import resource
import socket
from pathlib import Path

import msgspec

from astakos.distribution import Distribution
from astakos.ledger.engine_client import Ledger

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"})
OTHER = "other"
"""Stands for all other methods: there must not be as many counts as anybody can think of names."""


class RequestCount(msgspec.Struct, array_like=True):
    """How long the requests took that ended in the same way."""

    route: str
    method: str
    status: int
    counts: list[int]
    total: float


class Report(msgspec.Struct):
    """What a process has counted since it began, and how it stands.

    Attributes:
        number: that of the question, which this answers.
    """

    number: int = 0
    requests: list[RequestCount] = []
    under_way: int = 0
    refused: int = 0
    late: int = 0
    cpu_seconds: float = 0
    resident_bytes: int = 0


class RequestCounts:
    """Counts requests by route, method and status."""

    def __init__(self) -> None:
        """Begin with none."""
        self._found: dict[tuple[str, str, int], Distribution] = {}

    def add(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        found = self._found.get((route, method, status)) or self._first(route, method, status)
        found.add(seconds)

    def _first(self, route: str, method: str, status: int) -> Distribution:
        key = route, method if method in METHODS else OTHER, status
        return self._found.setdefault(key, Distribution(SECONDS))

    def all(self) -> list[RequestCount]:
        """All that has been counted; any thread may ask."""
        # Made a list in one step, since another thread may be adding to it.
        return [
            RequestCount(*key, list(found.counts), found.total) for key, found in list(self._found.items())
        ]


def tell(connection: socket.socket, requests: RequestCounts, ledger: Ledger) -> None:
    """Answer each question, a number on a line, with a report, until the other side closes.

    Meant for a thread of its own, so that it goes on if the event loop does not.
    """
    with connection, connection.makefile("rb") as questions:
        for question in questions:
            under_way, refused, late = ledger.counts()
            used = resource.getrusage(resource.RUSAGE_SELF)
            report = Report(
                int(question),
                requests.all(),
                under_way,
                refused,
                late,
                used.ru_utime + used.ru_stime,
                _resident_bytes(),
            )
            connection.sendall(msgspec.json.encode(report) + b"\n")


def _resident_bytes() -> int:
    """How much memory this process has; 0 where the system does not tell."""
    try:
        pages = Path("/proc/self/statm").read_bytes().split()[1]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
