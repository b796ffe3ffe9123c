"""What the processes that answer HTTP have counted, asked of them all when somebody wants to know.

Nothing is sent while nobody asks, and what is told is as new as the question. A process that does not answer
in time counts as when it last did; what one has counted that has ended stays counted.
"""

import socket
import threading
import time
from collections.abc import Iterable

import msgspec

from astakos.distribution import Distribution
from astakos.http.request_counts import SECONDS, Report, RequestCount

PATIENCE_SECONDS = 1.0
"""How long all of them together may take to answer."""
RECEIVED_AT_ONCE = 1 << 16


class _Source:
    """One process."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._received = bytearray()
        self.last = Report()

    def ask(self, number: int) -> None:
        self._connection.setblocking(False)
        try:
            self._connection.send(b"%d\n" % number)
        except OSError:
            # It has ended, which hearing will tell; or it has not read many earlier questions.
            return

    def hear(self, number: int, deadline: float) -> bool:
        """Take in what it tells until it answers that question or time is over; false if it has ended."""
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
    """Asks all processes, and adds up what they tell."""

    def __init__(self) -> None:
        """Begin with no process."""
        self._sources: list[_Source] = []
        self._ended = Report()
        self._number = 0
        self._one_at_a_time = threading.Lock()

    def connect(self) -> socket.socket:
        """The end of a new connection that is for the process; nothing is waited for."""
        ours, its = socket.socketpair()
        self._sources.append(_Source(ours))
        return its

    def collect(self) -> tuple[int, Report]:
        """How many processes there are, and what they and those that have ended tell together."""
        with self._one_at_a_time:
            self._number += 1
            deadline = time.monotonic() + PATIENCE_SECONDS
            sources = list(self._sources)
            for source in sources:
                source.ask(self._number)
            for source in sources:
                if not source.hear(self._number, deadline):
                    self._sources.remove(source)
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
        total.cpu_seconds += report.cpu_seconds
        total.resident_bytes += report.resident_bytes
        for request in report.requests:
            key = request.route, request.method, request.status
            requests.setdefault(key, Distribution(SECONDS)).add_all(request.counts, request.total)
    total.requests = [RequestCount(*key, found.counts, found.total) for key, found in requests.items()]
    return total


def _lasting(report: Report) -> Report:
    """What of a report still counts when the process has ended."""
    return msgspec.structs.replace(report, under_way=0, resident_bytes=0)
