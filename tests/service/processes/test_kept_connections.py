"""What becomes of connections that clients and proxies keep open when the service ends."""

import contextlib
import http.client
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from astakos.service.readiness import ENDING
from astakos.storage.protocol import Database
from service.caller import COMMISSIONS
from service.command import TIMEOUT_SECONDS, Ended, Serving, serving
from service.installation import rows
from service.world import COMPUTE_TOKEN

NEVER = ("--limit", "kept_seconds=600", "--limit", "grace_seconds=600", "--limit", "idle_seconds=600")
"""Idle connections stay open for longer than any test."""
BODY = b'{"provisions": []}'
POST = (
    f"POST /astakos{COMMISSIONS} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {COMPUTE_TOKEN}\r\n"
    f"Content-Type: application/json\r\nContent-Length: {len(BODY)}\r\n\r\n"
).encode()


class Kept:
    """A connection that a client keeps open."""

    def __init__(self, served: Serving) -> None:
        parts = urlsplit(served.address)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        self._connection.connect()
        self.socket: socket.socket = self._connection.sock

    def answer(self, method: str, path: str) -> tuple[int, str | None, bytes]:
        """The status of an answer, what it says about the connection, and its body."""
        body, headers = None, {"X-Auth-Token": COMPUTE_TOKEN}
        if method == "POST":
            body, headers["Content-Type"] = BODY, "application/json"
        self._connection.request(method, f"/astakos{path}", body, headers)
        response = self._connection.getresponse()
        return response.status, response.getheader("Connection"), response.read()

    def close(self) -> None:
        self._connection.close()
        self.socket.close()


@contextlib.contextmanager
def kept(served: Serving, count: int) -> Iterator[list[Kept]]:
    """Connections, each of which has carried a call."""
    with contextlib.ExitStack() as stack:
        found = [stack.enter_context(contextlib.closing(Kept(served))) for _ in range(count)]
        for one in found:
            assert one.answer("GET", "/healthz")[:2] == (200, None)
        yield found


def wait_until_refused(served: Serving) -> None:
    """Waits until nobody can connect any more."""
    parts = urlsplit(served.address)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while True:
        try:
            # Those who come in the last moment are told a second later.
            socket.create_connection((parts.hostname or "", parts.port or 0), timeout=5).close()
        except ConnectionRefusedError:
            return
        assert time.monotonic() < deadline
        time.sleep(0.01)


def stop(process: int) -> None:
    """Stops a process, and waits until it is: a signal that comes before would be taken first."""
    os.kill(process, signal.SIGSTOP)
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        assert time.monotonic() < deadline
        time.sleep(0.001)


def how_it_ended(served: Serving) -> Ended:
    output, errors = served.process.communicate(timeout=TIMEOUT_SECONDS)
    return Ended(served.process.wait(), output, errors)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_call_on_one_is_answered_although_nobody_can_connect_any_more(
    database: Database, workers: str
) -> None:
    with serving(database, "--workers", workers, *NEVER) as served, kept(served, 6) as connections:
        served.process.send_signal(signal.SIGTERM)
        wait_until_refused(served)
        status, connection, body = connections.pop().answer("GET", "/readyz")
        assert (status, connection) == (503, "close")
        assert ENDING.encode() in body
        for one in connections:
            assert one.answer("POST", COMMISSIONS)[:2] == (201, "close")
        # None is kept any more, so that there is nothing to wait for.
        assert how_it_ended(served) == Ended(0, "", "")
    assert rows(database, "SELECT count(*) FROM pending_commissions") == [(5,)]


def test_one_that_is_not_used_is_closed_after_a_while(database: Database) -> None:
    with serving(database, "--limit", "kept_seconds=0.3") as served, kept(served, 1) as (connection,):
        served.process.send_signal(signal.SIGTERM)
        assert connection.socket.recv(1) == b""
        assert how_it_ended(served) == Ended(0, "", "")


def test_one_that_was_not_used_for_so_long_is_closed_at_once(database: Database) -> None:
    limits = "--limit", "kept_seconds=0.3", "--limit", "idle_seconds=600"
    with serving(database, *limits) as served, kept(served, 2) as (unused, used):
        time.sleep(0.4)
        assert used.answer("GET", "/healthz")[0] == 200
        served.process.send_signal(signal.SIGTERM)
        assert unused.socket.recv(1) == b""
        assert how_it_ended(served) == Ended(0, "", "")


def test_a_connection_that_is_about_to_bring_its_first_call_is_kept_as_well(database: Database) -> None:
    with serving(database, *NEVER) as served, contextlib.closing(Kept(served)) as connection:
        served.process.send_signal(signal.SIGTERM)
        wait_until_refused(served)
        assert connection.answer("POST", COMMISSIONS)[:2] == (201, "close")
        assert how_it_ended(served) == Ended(0, "", "")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_calls_that_wait_to_be_accepted_are_answered(database: Database, workers: str) -> None:
    """Their clients are connected, since the system has done that, and have sent their request."""
    with serving(database, "--workers", workers) as served, contextlib.ExitStack() as stack:
        parts = urlsplit(served.address)
        processes = served.workers()
        for process in processes:
            stop(process)
        waiting = [
            stack.enter_context(socket.create_connection((parts.hostname or "", parts.port or 0), timeout=20))
            for _ in range(20)
        ]
        for one in waiting:
            one.sendall(POST + BODY)
        served.process.send_signal(signal.SIGTERM)
        wait_until_pending(processes)
        for process in processes:
            os.kill(process, signal.SIGCONT)
        assert [one.recv(12) for one in waiting] == [b"HTTP/1.1 201"] * 20
        assert how_it_ended(served) == Ended(0, "", "")


def test_a_call_that_comes_on_one_as_the_end_begins_is_answered(database: Database) -> None:
    # So short that connections close as soon as they may.
    with (
        serving(database, "--limit", "kept_seconds=0.001") as served,
        kept(served, 10) as connections,
    ):
        processes = served.workers()
        for process in processes:
            stop(process)
        for one in connections:
            one.socket.sendall(POST + BODY)
        served.process.send_signal(signal.SIGTERM)
        wait_until_pending(processes)
        for process in processes:
            os.kill(process, signal.SIGCONT)
        assert [one.socket.recv(12) for one in connections] == [b"HTTP/1.1 201"] * 10
        assert how_it_ended(served) == Ended(0, "", "")


def wait_until_pending(processes: list[int], number: signal.Signals = signal.SIGTERM) -> None:
    """Waits until the signal to end is on its way to processes that are stopped."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    ending = 1 << (number - 1)
    for process in processes:
        while not _pending(process) & ending:
            assert time.monotonic() < deadline
            time.sleep(0.01)


def _pending(process: int) -> int:
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    (mask,) = (line.split()[1] for line in lines if line.startswith("ShdPnd:"))
    return int(mask, 16)


def test_ctrl_c_closes_them_at_once(database: Database) -> None:
    with serving(database, *NEVER) as served, kept(served, 2):
        assert served.end(signal.SIGINT) == Ended(0, "", "")


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_a_second_signal_closes_them_but_finishes_what_has_begun(
    database: Database, second: signal.Signals
) -> None:
    with serving(database, *NEVER) as served, kept(served, 2) as (begun, idle):
        begun.socket.sendall(POST)
        served.process.send_signal(signal.SIGTERM)
        wait_until_refused(served)
        served.process.send_signal(second)
        assert idle.socket.recv(1) == b""
        begun.socket.sendall(BODY)
        assert begun.socket.recv(12) == b"HTTP/1.1 201"
        assert how_it_ended(served) == Ended(0, "", "")


def test_a_third_signal_waits_for_nobody(database: Database) -> None:
    with serving(database, *NEVER) as served, kept(served, 2) as (begun, idle):
        begun.socket.sendall(POST)
        served.process.send_signal(signal.SIGTERM)
        wait_until_refused(served)
        served.process.send_signal(signal.SIGTERM)
        assert idle.socket.recv(1) == b""
        assert served.end(signal.SIGTERM).status == 0
        with contextlib.suppress(ConnectionResetError):
            assert begun.socket.recv(1) == b""


def test_while_it_drains_each_answer_is_the_last_of_its_connection(database: Database) -> None:
    """Clients that keep a connection are led to another service when they connect again."""
    with serving(database, "--drain", "600") as served, kept(served, 3) as (asking, *connections):
        served.process.send_signal(signal.SIGTERM)
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while asking.answer("GET", "/readyz")[0] == 200:
            assert time.monotonic() < deadline
        for one in connections:
            assert one.answer("POST", COMMISSIONS)[:2] == (201, "close")
        assert served.end(signal.SIGTERM) == Ended(0, "", "")


def test_a_worker_that_is_ended_alone_loses_no_call_either(database: Database) -> None:
    with serving(database, "--workers", "2", *NEVER) as served, kept(served, 8) as connections:
        first, second = served.workers()
        os.kill(first, signal.SIGTERM)
        assert {one.answer("POST", COMMISSIONS)[0] for one in connections} == {201}
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while first in (present := served.workers()) or len(present) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert second in present
        with kept(served, 4) as others:
            assert {one.answer("POST", COMMISSIONS)[0] for one in others} == {201}
