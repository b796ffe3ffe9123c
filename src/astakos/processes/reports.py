"""Collects the counts of all processes that answer HTTP, on demand.

Nothing is sent until someone asks, and every report is current. If a process does not answer in time, its
last report counts. The counts of a process that has exited are included.
"""

import socket
import threading
import time
from collections.abc import Iterable

import msgspec

from astakos.distribution import Distribution
from astakos.http.request_counts import SECONDS, Report, RequestCount

PATIENCE_SECONDS = 1.0
"""How long all processes together can take to answer."""
RECEIVED_AT_ONCE = 1 << 16


class _Source:
    """The connection to one process."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = bytearray()
        self.last = Report()

    def ask(self, number: int) -> None:
        self._connection.setblocking(False)
        try:
            self._connection.send(b"%d\n" % number)
        except OSError:
            # The process has exited, which `hear` notices, or many questions are unread.
            return

    def hear(self, number: int, deadline: float) -> bool:
        """Reads until the report with this number or the deadline. Returns False if the process is gone."""
        while self.last.number != number:
            try:
                self._connection.settimeout(max(deadline - time.monotonic(), 0.001))
                data = self._connection.recv(RECEIVED_AT_ONCE)
            except TimeoutError:
                return True
            except OSError:
                data = b""
            if not data:
                self._connection.close()
                return False
            self._received += data
            *lines, rest = self._received.split(b"\n")
            self._received = bytearray(rest)
            for line in lines:
                self.last = msgspec.json.decode(line, type=Report)
        return True


class Reports:
    """Asks all processes for their reports, and adds them up.

    Attributes:
        exited: how many processes had exited when the reports were last collected.
    """

    def __init__(self) -> None:
        """Starts with no processes."""
        self.exited = 0
        self._sources: list[_Source] = []
        self._ended = Report()
        self._number = 0
        self._one_at_a_time = threading.Lock()

    def connect(self) -> socket.socket:
        """Opens a connection, and returns the end for the process. Does not wait."""
        ours, its = socket.socketpair()
        self._sources.append(_Source(ours))
        return its

    def collect(self) -> tuple[int, Report]:
        """Returns the number of live processes, and the sum of all reports, exited processes included."""
        with self._one_at_a_time:
            self._number += 1
            deadline = time.monotonic() + PATIENCE_SECONDS
            sources = list(self._sources)
            for source in sources:
                source.ask(self._number)
            for source in sources:
                if not source.hear(self._number, deadline):
                    self._sources.remove(source)
                    self.exited += 1
                    self._ended = _lasting(_sum([self._ended, source.last]))
            alive = [source.last for source in list(self._sources)]
            return len(alive), _sum([self._ended, *alive])


def _sum(reports: Iterable[Report]) -> Report:
    total = Report()
    requests: dict[tuple[str, str, int], Distribution] = {}
    for report in reports:
        total.under_way += report.under_way
        total.refused += report.refused
        total.late += report.late
        total.unknown += report.unknown
        total.connections += report.connections
        total.refused_connections += report.refused_connections
        total.cpu_seconds += report.cpu_seconds
        total.resident_bytes += report.resident_bytes
        for request in report.requests:
            key = request.route, request.method, request.status
            requests.setdefault(key, Distribution(SECONDS)).add_all(request.counts, request.total)
    total.requests = [RequestCount(*key, found.counts, found.total) for key, found in requests.items()]
    return total


def _lasting(report: Report) -> Report:
    """Returns the part of a report that still counts after the process has exited."""
    return msgspec.structs.replace(report, under_way=0, connections=0, resident_bytes=0)
