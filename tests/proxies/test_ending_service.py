"""One of two services ends behind nginx or HAProxy, which keep connections to it, and no call is lost."""

import concurrent.futures
import contextlib
import http.client
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from astakos.processes.listening import LOOPBACK
from astakos.storage.protocol import Database
from proxies.balancers import ASKED, BALANCERS
from service.caller import COMMISSIONS
from service.command import TIMEOUT_SECONDS, Serving, serving
from service.processes.test_kept_connections import NEVER, wait_until_pending, wait_until_refused
from service.world import COMPUTE_TOKEN

CLIENTS = 8


class Clients:
    """Clients that keep their connections to a balancer, and make each call at the same time."""

    def __init__(self, port: int) -> None:
        self._connections = [http.client.HTTPConnection(LOOPBACK, port, timeout=30) for _ in range(CLIENTS)]
        self._pool = concurrent.futures.ThreadPoolExecutor(CLIENTS)

    def begin(self) -> list[concurrent.futures.Future[tuple[int, int]]]:
        """Lets each of them issue a commission; the results are a status and the port asked last."""
        together = threading.Barrier(CLIENTS)
        return [self._pool.submit(self._issue, one, together) for one in self._connections]

    def call(self) -> list[tuple[int, int]]:
        """The same, when all are answered."""
        return [one.result() for one in self.begin()]

    def close(self) -> None:
        self._pool.shutdown()
        for connection in self._connections:
            connection.close()

    @staticmethod
    def _issue(connection: http.client.HTTPConnection, together: threading.Barrier) -> tuple[int, int]:
        headers = {"X-Auth-Token": COMPUTE_TOKEN, "Content-Type": "application/json"}
        together.wait(TIMEOUT_SECONDS)
        connection.request("POST", f"/astakos{COMMISSIONS}", b'{"provisions": []}', headers)
        response = connection.getresponse()
        response.read()
        return response.status, int((response.getheader(ASKED) or "").rpartition(":")[2])


@contextlib.contextmanager
def installation(
    database: Database, name: str, folder: Path, *limits: str
) -> Iterator[tuple[Serving, int, Clients]]:
    """A service, its port, and clients of a balancer in front of it and another, which have made calls."""
    with contextlib.ExitStack() as stack:
        ending = stack.enter_context(serving(database, *limits))
        # Two services work on one database; that it is a file does not matter here.
        other = stack.enter_context(serving(database, "--allow-another-service"))
        ports = urlsplit(ending.address).port or 0, urlsplit(other.address).port or 0
        port = stack.enter_context(BALANCERS[name](ports, folder))
        clients = stack.enter_context(contextlib.closing(Clients(port)))
        for _ in range(3):
            answers = clients.call()
            assert {status for status, _ in answers} == {201}
            assert {asked for _, asked in answers} == set(ports)
        yield ending, ports[0], clients


@pytest.mark.parametrize("name", BALANCERS)
def test_calls_on_its_way_on_kept_connections_are_answered(
    database: Database, tmp_path: Path, name: str
) -> None:
    """The service gets the calls and the signal to end at the same moment."""
    # So short that it closes connections as soon as it may.
    with installation(database, name, tmp_path, "--limit", "kept_seconds=0.001") as (ending, port, clients):
        (worker,) = ending.workers()
        os.kill(worker, signal.SIGSTOP)
        try:
            calls = clients.begin()
            # Those that the other service has are answered; the rest wait for this one.
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while sum(one.done() for one in calls) < CLIENTS / 2:
                assert time.monotonic() < deadline
                time.sleep(0.01)
            ending.process.send_signal(signal.SIGTERM)
            wait_until_pending([worker])
        finally:
            os.kill(worker, signal.SIGCONT)
        answers = [one.result() for one in calls]
        assert {status for status, _ in answers} == {201}
        assert port in {asked for _, asked in answers}
        assert ending.process.wait(TIMEOUT_SECONDS) == 0
        assert {status for status, _ in clients.call()} == {201}


@pytest.mark.parametrize("name", BALANCERS)
def test_it_answers_until_no_connection_is_kept_any_more(
    database: Database, tmp_path: Path, name: str
) -> None:
    with installation(database, name, tmp_path, *NEVER) as (ending, port, clients):
        ending.process.send_signal(signal.SIGTERM)
        if name == "nginx":
            wait_until_refused(ending)
        answers = [answer for _ in range(CLIENTS) for answer in clients.call()]
        assert {status for status, _ in answers} == {201}
        assert answers[-1][1] != port
        if name == "nginx":
            # It has used all that it kept. HAProxy asks `/readyz`, and leaves what it keeps alone.
            assert port in {asked for _, asked in answers}
            assert ending.process.wait(TIMEOUT_SECONDS) == 0
