"""The end of a service: callers get their answers, and nothing else keeps its processes from ending."""

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import psycopg.conninfo
import pytest

from astakos.processes import supervisor
from astakos.processes.configuration import Instructions
from astakos.processes.listening import LOOPBACK, listen
from astakos.processes.reports import Reports
from astakos.processes.supervisor import Supervisor
from astakos.service.readiness import ENDING
from astakos.storage.opening import ledger_storage
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase
from astakos.storage.protocol import Database
from service.command import TIMEOUT_SECONDS, Ended, Serving, environment, only_line, serving
from service.engines import changed_url
from service.installation import rows
from service.processes.test_kept_connections import (
    BODY,
    NEVER,
    POST,
    how_it_ended,
    kept,
    stop,
    wait_until_pending,
)
from service.proxy import Network, Proxy, proxy_to
from service.world import ALICE, BASE_URL, COMPUTE_TOKEN, member_key

U = member_key(ALICE)
FOR_AGES = {"connect_timeout": "600", "options": "-c statement_timeout=600s -c lock_timeout=600s"}
"""Whoever waits for the server waits for longer than any test does."""


@contextlib.contextmanager
def behind_proxy(database: Database) -> Iterator[tuple[Database, Proxy]]:
    """The same database, behind a network that can fall silent."""
    given = psycopg.conninfo.conninfo_to_dict(database.url)
    with proxy_to(str(given["host"]), str(given.get("port", 5432))) as proxy:
        port = str(proxy.port)
        yield PostgreSQLDatabase(changed_url(database.url, host="127.0.0.1", port=port, **FOR_AGES)), proxy


def fall_silent(proxy: Proxy) -> None:
    """Lets the network fall silent; waits until both the engine and deliveries wait for an answer."""
    proxy.state = Network.SILENT
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while proxy.unheard < 2:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def await_drain(served: Serving) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (reply := served.caller.get("/readyz")).document.get("missing") != [ENDING]:
        assert time.monotonic() < deadline
    assert reply.status == 503


def await_engine(processes: Supervisor) -> None:
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while not processes._engine_thread.has_ended:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.mark.postgresql
class TestWhileTheDatabaseIsSilent:
    def test_an_idle_service_ends(self, database: Database) -> None:
        with behind_proxy(database) as (silent, proxy), serving(silent) as served:
            served.caller.issued(COMPUTE_TOKEN, (U, 1))
            fall_silent(proxy)
            assert served.end() == Ended(0, "", "")

    @pytest.mark.long
    def test_calls_under_way_are_answered_first(self, database: Database) -> None:
        with behind_proxy(database) as (silent, proxy), serving(silent) as served:
            acknowledged = served.caller.issued(COMPUTE_TOKEN, (U, 1))
            with kept(served, 3) as connections:
                fall_silent(proxy)
                for one in connections:
                    one.socket.sendall(POST + BODY)
                served.process.send_signal(signal.SIGTERM)
                for one in connections:
                    one.socket.settimeout(TIMEOUT_SECONDS)
                    assert one.socket.recv(12) == b"HTTP/1.1 503"
            assert how_it_ended(served).status == 0
        assert rows(database, "SELECT serial FROM pending_commissions") == [(acknowledged,)]

    def test_signals_are_heard(self, database: Database) -> None:
        with behind_proxy(database) as (silent, proxy), serving(silent, "--drain", "600") as served:
            fall_silent(proxy)
            served.process.send_signal(signal.SIGTERM)
            await_drain(served)
            assert served.end(signal.SIGTERM) == Ended(0, "", "")


def test_a_third_signal_ends_a_worker_that_hangs(database: Database) -> None:
    with serving(database, *NEVER) as served:
        (worker,) = served.workers()
        stop(worker)
        for number in (signal.SIGTERM, signal.SIGINT):
            served.process.send_signal(number)
            wait_until_pending([worker], number)
        assert served.end(signal.SIGTERM) == Ended(0, "", "")


def fault_in(place: str, error: str) -> str:
    """A program that runs a service in which a function of `astakos` always fails."""
    return f"""
import errno
from astakos.command import main
from astakos.ledger import engine
from astakos.processes import worker_process
def fail(*_, **__):
    raise {error}
{place} = fail
main()
"""


@pytest.mark.parametrize(
    ("program", "told"),
    [
        (
            fault_in("worker_process.subprocess.Popen", "BlockingIOError(errno.EAGAIN, 'no more processes')"),
            ["a worker cannot be started: no more processes"],
        ),
        (
            fault_in("engine.Engine._receive", "OSError(errno.EMFILE, 'too many open files')"),
            [
                "the ledger's engine met a defect of the code, and the service ends",
                "the ledger's engine met a defect of the code; see the log",
            ],
        ),
    ],
)
def test_why_a_service_cannot_go_on_is_said_in_words_and_in_objects(
    database: Database, program: str, told: list[str]
) -> None:
    serve = [sys.executable, "-c", program, "serve", "--port", "0", "--workers", "2"]
    for log_format in ("text", "json"):
        done = subprocess.run(
            [*serve, "--log-format", log_format],
            env=environment(database),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
        )
        assert (done.returncode, done.stdout) == (1, "")
        lines = done.stderr.splitlines()
        if log_format == "json":
            assert [json.loads(line)["message"] for line in lines] == told
        else:
            assert only_line(lines[-1]) == told[-1]


def test_without_room_for_the_thread_of_a_worker_a_service_ends_as_without_room_for_its_process(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(supervisor, "WorkerProcess", fail)
    instructions = Instructions(database.url, BASE_URL, 1, "warning", "text")
    with listen(LOOPBACK, 0) as listener:
        processes = Supervisor(ledger_storage(database), instructions, listener, 1, lambda: None, Reports())
        with processes._selector, contextlib.closing(processes._engine_thread):
            processes._engine_thread.start()
            processes._begin_worker()
            await_engine(processes)
    assert processes._failure == "a worker cannot be started: can't start new thread"


class BecomingReady:
    """A worker that has become ready, of which the main process does not know yet. No signal ends it."""

    number = 4711

    def __init__(self) -> None:
        self.is_ready = False
        self.signals: list[int] = []

    def hear(self) -> bool:
        self.is_ready = True
        return True

    def send_signal(self, number: int) -> None:
        self.signals.append(number)


def test_a_service_that_ends_does_not_become_ready(database: Database) -> None:
    instructions = Instructions(database.url, BASE_URL, 1, "warning", "text")
    said: list[str] = []
    with listen(LOOPBACK, 0) as listener:
        processes = Supervisor(
            ledger_storage(database), instructions, listener, 1, lambda: said.append("ready"), Reports()
        )
        worker = BecomingReady()
        processes._workers.add(worker)  # type: ignore[arg-type]
        with processes._selector, contextlib.closing(processes._engine_thread):
            processes._engine_thread.start()
            processes._end_workers(signal.SIGTERM)
            processes._hear_of(worker)  # type: ignore[arg-type]
            await_engine(processes)
    assert (said, worker.signals) == ([], [signal.SIGTERM])


def test_a_worker_that_cannot_be_killed_is_left_behind(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(supervisor, "KILLED_SECONDS", 0.0)
    instructions = Instructions(database.url, BASE_URL, 1, "warning", "text")
    with listen(LOOPBACK, 0) as listener:
        processes = Supervisor(ledger_storage(database), instructions, listener, 1, lambda: None, Reports())
        worker = BecomingReady()
        processes._workers.add(worker)  # type: ignore[arg-type]
        with processes._selector, contextlib.closing(processes._engine_thread):
            processes._engine_thread.start()
            processes._end_workers(signal.SIGKILL)
            assert processes._seconds_left() == 0
            processes._look_at_deadlines()
            processes._leave_the_rest()
            await_engine(processes)
    assert (processes._workers, worker.signals) == (set(), [signal.SIGKILL])
    assert "have not exited and are left behind: process 4711" in caplog.text


class Hanging:
    """Something that no caller waits for, and that does not end by itself."""

    longest_end = 600.0

    def __init__(self) -> None:
        self.shall_end = False

    @property
    def has_ended(self) -> bool:
        return False

    def begin_to_end(self) -> None:
        self.shall_end = True


@pytest.mark.parametrize("seconds", [0.01, 600.0])
def test_what_no_caller_waits_for_is_left_behind_in_time_or_by_a_signal(
    database: Database, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(supervisor, "LONGEST_REST_SECONDS", seconds)
    instructions = Instructions(database.url, BASE_URL, 1, "warning", "text")
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(listen(LOOPBACK, 0))
        signals, sender = map(stack.enter_context, socket.socketpair())
        processes = Supervisor(ledger_storage(database), instructions, listener, 1, lambda: None, Reports())
        stack.enter_context(contextlib.closing(processes._engine_thread))
        stack.enter_context(processes._selector)
        processes._engine_thread.start()
        processes._watch(signals, lambda: processes._hear(signals))
        hanging = Hanging()
        processes.accompany([hanging])
        processes._end_workers(signal.SIGTERM)
        assert hanging.shall_end
        if seconds > 1:
            sender.send(bytes([signal.SIGTERM]))
        processes._leave_the_rest()
        assert processes._is_killed == (seconds > 1)
        await_engine(processes)


@pytest.mark.long
def test_a_worker_that_hangs_is_killed_when_its_time_is_over(database: Database) -> None:
    with serving(database, "--limit", "grace_seconds=0.1") as served:
        (worker,) = served.workers()
        stop(worker)
        ended = served.end()
    assert ended.status == 0
    assert f"workers have not exited in time and are killed: process {worker}\n" in ended.errors
