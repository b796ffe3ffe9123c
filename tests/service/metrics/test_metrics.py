"""What Prometheus is told, by a real service with all its processes."""

import contextlib
import http.client
import os
import select
import signal
import socket
import threading
import time
import urllib.error
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from astakos import clock
from astakos.events.event import OPERATOR, Event
from astakos.metrics.front import LIMITS
from astakos.processes.listening import LOOPBACK, listen
from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables.deliveries import DeliveryState, claim, plan, settle
from astakos.storage.tables.delivery_counts import count_deliveries
from astakos.storage.tables.destinations import Destination, add, count_attempt, disable
from astakos.storage.tables.events import record
from service.caller import ACCOUNT, COMMISSIONS, Reply
from service.command import Ended, Serving, ended, only_line, serving
from service.installation import locked, rows
from service.metrics.scraping import Scraped, scrape
from service.world import ALICE, COMPUTE_TOKEN, member_key, project_key

METRICS = ("--metrics-port", "0")
DAY = 24 * 3600
U, P = member_key(ALICE), project_key()


def state_of(process: int) -> str:
    """How the system calls the state that a process is in; T if it is stopped."""
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


@pytest.mark.ledger
def test_what_all_processes_did_is_counted_together(database: Database) -> None:
    with serving(database, *METRICS, "--workers", "2") as served:
        caller = served.caller
        serials = [caller.issued(COMPUTE_TOKEN, (U, 1), (P, 1)) for _ in range(4)]
        caller.act(COMPUTE_TOKEN, serials[0], "accept")
        caller.act(COMPUTE_TOKEN, serials[1], "reject")
        caller.issued(COMPUTE_TOKEN, (U, 1), auto_accept=True)
        assert caller.issue(COMPUTE_TOKEN, (U, 10**6)).status == 413
        assert caller.issue(COMPUTE_TOKEN, (U, -(10**6))).status == 413
        strange = {"holder": U.holder, "source": "project:none", "resource": U.resource, "quantity": 1}
        bulk = {"commissions": [{"provisions": [strange]}, {"provisions": []}]}
        assert caller.post(f"{COMMISSIONS}/bulk", COMPUTE_TOKEN, bulk).status == 200
        for path in ("/nothing", f"/{ALICE.token}", f"{ACCOUNT}/quotas?X-Auth-Token=hidden"):
            caller.get(path)
        told = scrape(served)
        assert served.end() == Ended(0, "", "")

    assert told("astakos_commissions_total", outcome="issued") == 6
    assert told("astakos_commissions_total", outcome="accepted") == 2
    assert told("astakos_commissions_total", outcome="rejected") == 1
    assert told("astakos_commissions_total", outcome="expired") == 0
    refusals = {dict(labels)["reason"]: count for labels, count in told.all("astakos_refusals_total").items()}
    assert {reason: count for reason, count in refusals.items() if count} == {
        "NoCapacity": 1,
        "NoQuantity": 1,
        "NoHolding": 1,
    }
    requests = "astakos_http_requests_total"
    issue = {"route": "/account/v1.0/commissions", "method": "POST"}
    assert told(requests, **issue, status="201") == 5
    assert told(requests, **issue, status="413") == 2
    act = {"route": "/account/v1.0/commissions/{serial}/action", "method": "POST"}
    assert told(requests, **act, status="200") == 2
    assert told(requests, route="none", method="GET", status="404") == 2
    assert told("astakos_http_request_duration_seconds_count", **issue) == 7
    assert told("astakos_http_request_duration_seconds_bucket", **issue, le="+Inf") == 7
    assert told("astakos_http_request_duration_seconds_sum", **issue) > 0
    assert told("astakos_http_processes") == 2
    assert told("astakos_http_processes_resident_memory_bytes") > 10**6
    assert told("astakos_ledger_batch_operations_sum") == 10
    batches = told("astakos_ledger_batch_operations_count")
    assert told("astakos_ledger_batch_duration_seconds_count") == batches
    assert told("astakos_ledger_operations_unanswered") == 0
    assert told("astakos_ledger_transactions_failed_total") == 0
    assert told("astakos_pending_commissions", age="below_1m") == 3
    assert told("astakos_database_readable") == 1
    assert told("process_cpu_seconds_total") > 0
    labels = {value for _, found in told.samples for _, value in found}
    assert not [label for label in labels if ALICE.token in label or "hidden" in label]


def test_commissions_that_expire_are_counted(database: Database) -> None:
    with serving(database, *METRICS) as served:
        served.caller.issued(COMPUTE_TOKEN, (U, 1), ttl=1)
        deadline = time.monotonic() + 20
        while (told := scrape(served))("astakos_commissions_total", outcome="expired") == 0:
            assert time.monotonic() < deadline
            time.sleep(0.05)
    assert told("astakos_commissions_total", outcome="rejected") == 0
    assert told("astakos_ledger_batch_operations_count") == 1, "ending what is over counts for no batch"


@pytest.mark.ledger
def test_pending_commissions_are_counted_by_age(database: Database) -> None:
    ages = {"below_1m": [0], "1m_to_1h": [90, 1800], "1h_to_1d": [7200], "above_1d": [2 * DAY, 3 * DAY]}
    with serving(database, *METRICS) as served:
        for seconds in (age for found in ages.values() for age in found):
            serial = served.caller.issued(COMPUTE_TOKEN, (U, 0))
            rows(
                database,
                "UPDATE pending_commissions SET issue_time = issue_time - ? WHERE serial = ?",
                seconds * 1_000_000,
                serial,
            )
        told = scrape(served)
    counts = told.all("astakos_pending_commissions")
    assert {dict(labels)["age"]: count for labels, count in counts.items()} == {
        age: len(found) for age, found in ages.items()
    }
    assert told("astakos_pending_commissions_oldest_seconds") == pytest.approx(3 * DAY, abs=60)


def test_a_process_that_has_ended_stays_counted(database: Database) -> None:
    with serving(database, *METRICS) as served:
        served.caller.get("/healthz")
        before = scrape(served)
        (worker,) = served.workers()
        os.kill(worker, signal.SIGKILL)
        deadline = time.monotonic() + 20
        while (told := scrape(served))("astakos_http_processes") == 0 or served.workers() == [worker]:
            assert time.monotonic() < deadline
        served.caller.get("/healthz")
        told = scrape(served)
    health = {"route": "/healthz", "method": "GET", "status": "200"}
    assert before("astakos_http_requests_total", **health) == 1
    assert told("astakos_http_requests_total", **health) == 2
    assert told("astakos_http_processes") == 1
    assert (before("astakos_http_processes_exited_total"), told("astakos_http_processes_exited_total")) == (
        0,
        1,
    )
    cpu = "astakos_http_processes_cpu_seconds_total"
    assert told(cpu) > before(cpu)


def test_a_process_that_hangs_is_not_waited_for_and_counts_as_it_stood(database: Database) -> None:
    health = {"route": "/healthz", "method": "GET", "status": "200"}
    with serving(database, *METRICS) as served:
        served.caller.get("/healthz")
        scrape(served)
        served.caller.get("/healthz")
        (worker,) = served.workers()
        os.kill(worker, signal.SIGSTOP)
        try:
            while state_of(worker) != "T":
                time.sleep(0.001)
            for _ in range(2):
                assert scrape(served)("astakos_http_requests_total", **health) == 1
        finally:
            os.kill(worker, signal.SIGCONT)
        assert scrape(served)("astakos_http_requests_total", **health) == 2


@pytest.mark.ledger
def test_while_the_ledger_hangs_its_queue_is_told(database: Database) -> None:
    with serving(database, *METRICS, "--queue-limit", "3") as served:
        replies: list[Reply] = []
        threads = [
            threading.Thread(target=lambda: replies.append(served.caller.issue(COMPUTE_TOKEN, (U, 0))))
            for _ in range(5)
        ]
        with locked(database):
            for thread in threads:
                thread.start()
            deadline = time.monotonic() + 4
            while len(replies) < 2 and time.monotonic() < deadline:
                time.sleep(0.01)
            told = scrape(served)
        for thread in threads:
            thread.join()
    assert told("astakos_ledger_operations_unanswered") == 3
    assert told("astakos_ledger_operations_refused_total") == 2


@pytest.mark.every_engine
def test_a_database_that_can_not_be_read_is_told(database: Database) -> None:
    with serving(database, *METRICS) as served:
        rows(database, "ALTER TABLE pending_commissions RENAME TO mislaid")
        told = scrape(served)
        rows(database, "ALTER TABLE mislaid RENAME TO pending_commissions")
        assert scrape(served)("astakos_database_readable") == 1
    assert told("astakos_database_readable") == 0
    assert not told.all("astakos_pending_commissions")


@pytest.mark.postgresql
def test_transactions_that_are_done_again_are_counted(database: Database) -> None:
    with serving(database, *METRICS) as served:
        served.caller.issued(COMPUTE_TOKEN, (U, 1))
        rows(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        served.caller.issued(COMPUTE_TOKEN, (U, 1))
        told = scrape(served)
    assert told("astakos_ledger_transactions_repeated_total") >= 1
    assert told("astakos_ledger_transactions_failed_total") == 0


def test_a_ledger_that_has_stopped_is_told(database: Database) -> None:
    with serving(database, *METRICS) as served:
        serial = served.caller.issued(COMPUTE_TOKEN, (U, 3))
        rows(database, "UPDATE holdings SET usage_max = 1 WHERE usage_max = 3")
        assert served.caller.act(COMPUTE_TOKEN, serial, "reject") == 503
        told = scrape(served)
    assert told("astakos_ledger_stopped") == 1
    assert told("astakos_ledger_transactions_failed_total") == 1


def test_they_are_on_no_port_but_their_own_and_there_only_if_asked_for(database: Database) -> None:
    with serving(database, *METRICS) as served:
        assert served.metrics_url.startswith(f"http://{LOOPBACK}:")
        assert served.metrics_url.endswith("/metrics")
        assert served.caller.get("/metrics").status == 404
    with serving(database) as served:
        assert served.end() == Ended(0, "", "")


def test_a_port_that_is_taken_is_named_in_one_line(database: Database) -> None:
    with listen(LOOPBACK, 0) as listener:
        port = str(listener.getsockname()[1])
        done = ended(database, "serve", "--port", "0", "--metrics-port", port)
    assert (done.status, done.output) == (1, "")
    assert only_line(done.errors) == f"cannot listen on {LOOPBACK} port {port}: Address already in use"


@pytest.mark.ledger
def test_idempotency_keys_are_counted(database: Database) -> None:
    keep = (
        "INSERT INTO idempotency_keys (component_id, key, fingerprint, serial, time) VALUES (1, ?, ?, 1, ?)"
    )
    for number in range(3):
        rows(database, keep, f"key {number}", b"", clock.now())
    with serving(database, *METRICS) as served:
        assert scrape(served)("astakos_idempotency_keys") == 3


def threads_of(process: int) -> int:
    return len(list(Path(f"/proc/{process}/task").iterdir()))


def metrics_port(served: Serving) -> int:
    port = urlsplit(served.metrics_url).port
    assert port is not None
    return port


def scrape_when_there_is_room(served: Serving) -> Scraped:
    deadline = time.monotonic() + 20
    while True:
        try:
            return scrape(served)
        except (urllib.error.HTTPError, ConnectionResetError):
            if time.monotonic() > deadline:
                raise


def test_idle_connections_cost_the_process_of_the_ledger_nothing(database: Database) -> None:
    with serving(database, *METRICS) as served, contextlib.ExitStack() as idle:
        scrape(served)
        before = threads_of(served.process.pid)
        for _ in range(20):
            idle.enter_context(socket.create_connection((LOOPBACK, metrics_port(served))))
        scrape(served)
        # One more may be counting in the database.
        assert threads_of(served.process.pid) <= before + 2


def test_one_connection_too_many_is_refused_at_once(database: Database) -> None:
    with serving(database, *METRICS) as served, contextlib.ExitStack() as idle:
        scrape(served)
        crowd = [
            idle.enter_context(socket.create_connection((LOOPBACK, metrics_port(served)), timeout=20))
            for _ in range(LIMITS.connections + 1)
        ]
        # Which of them is the one too many depends on whether the scrape's connection has ended yet.
        answered, _, _ = select.select(crowd, [], [], 20)
        assert answered[0].recv(12) == b"HTTP/1.1 503"
        for connection in crowd:
            connection.close()
        assert scrape_when_there_is_room(served)("astakos_http_processes") == 1


def test_deliveries_are_counted_by_destination(database: Database) -> None:
    # A service forgets what has been dead for long.
    now = clock.now()
    with database.transaction() as connection:
        number = record(connection, Event("project.suspended", OPERATOR), now)
        add(connection, Destination("wh_1", "https://example.org/", (), 1, None, now, number))
        plan(connection, "wh_1", [(number, ""), (number, "")], now)
        claimed = claim(connection, "wh_1", now, now + 1)
        assert claimed is not None
        settle(connection, claimed, DeliveryState.DEAD, now, now, "answered 410")
        count_attempt(connection, "wh_1", failed=True)
        count_attempt(connection, "wh_1", failed=False)
    told = count_deliveries(database.reader(), now + 3_000_000)
    assert {key: number for key, number in told.waiting.items() if number} == {
        ("wh_1", "pending"): 1,
        ("wh_1", "dead"): 1,
    }
    assert told.waiting["mail", "dead"] == 0
    assert told.attempts == {("wh_1", "delivered"): 1, ("wh_1", "failed"): 1}
    assert (told.overdue["wh_1"], told.overdue["mail"]) == (3_000_000, 0)
    assert told.is_disabled == {"wh_1": False}
    with serving(database, *METRICS, "--webhook-key", str(Path(__file__))) as served:
        found = scrape(served)
    assert found("astakos_deliveries", destination="wh_1", state="dead") == 1
    assert found("astakos_delivery_attempts_total", destination="wh_1", outcome="failed") >= 1
    assert found("astakos_webhook_disabled", destination="wh_1") == 0


def test_what_waits_for_a_disabled_webhook_is_not_overdue(database: Database) -> None:
    with database.transaction() as connection:
        number = record(connection, Event("project.suspended", OPERATOR), 0)
        add(connection, Destination("wh_1", "https://example.org/", (), 1, None, 0, number))
        plan(connection, "wh_1", [(number, "")], 0)
        disable(connection, "wh_1", 1)
    told = count_deliveries(database.reader(), 3_000_000)
    assert told.is_disabled == {"wh_1": True}
    assert told.overdue["wh_1"] == 0


def test_room_on_the_disk_of_a_file_is_told(empty: SQLiteDatabase) -> None:
    with serving(empty, *METRICS) as served:
        told = scrape(served)
    assert told("astakos_sqlite_database_bytes") == empty.path.stat().st_size
    assert 0 < told("astakos_sqlite_disk_free_bytes") <= told("astakos_sqlite_disk_bytes")


def test_connections_are_counted_and_those_that_are_refused(database: Database) -> None:
    with serving(database, *METRICS, "--limit", "connections=2") as served, contextlib.ExitStack() as kept:
        where = urlsplit(served.address)
        for _ in range(2):
            connection = kept.enter_context(
                socket.create_connection((where.hostname, where.port), timeout=20)
            )
            connection.sendall(b"GET /astakos/healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        with socket.create_connection((where.hostname, where.port), timeout=20) as refused:
            assert refused.recv(12) == b"HTTP/1.1 503"
        told = scrape(served)
    assert told("astakos_http_connections") == 2
    assert told("astakos_http_connections_refused_total") == 1


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/other", 404), ("POST", "/metrics", 405)])
def test_what_is_no_question_for_metrics_is_refused(
    database: Database, method: str, path: str, status: int
) -> None:
    with serving(database, *METRICS) as served:
        connection = http.client.HTTPConnection(LOOPBACK, metrics_port(served), timeout=20)
        with contextlib.closing(connection):
            connection.request(method, path)
            assert connection.getresponse().status == status
