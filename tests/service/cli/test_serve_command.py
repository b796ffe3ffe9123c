import contextlib
import errno
import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

import pytest

from astakos.processes.listening import LOOPBACK, bind, listen
from astakos.service.readiness import NO_WRITES
from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables import settings
from service.caller import ACCOUNT, COMMISSIONS, TOKENS, Caller
from service.command import (
    EXECUTABLE,
    READY,
    TIMEOUT_SECONDS,
    Ended,
    beginning,
    created,
    ended,
    ended_from_the_start,
    environment,
    only_line,
    serving,
    serving_from_the_start,
)
from service.installation import rows
from service.metrics.scraping import scrape
from service.world import ALICE, BASE_URL, COMPUTE_TOKEN, member_key, project_key

U, P = member_key(ALICE), project_key()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_when_it_is_ready_answers_and_ends_well_when_told_to(
    database: Database, number: signal.Signals
) -> None:
    with serving_from_the_start(database) as served:
        assert (served.base_url, served.address.rpartition(":")[0]) == (BASE_URL, f"http://{LOOPBACK}")
        assert served.caller.get(f"{ACCOUNT}/quotas", ALICE.token).status == 200
        serial = served.caller.issued(COMPUTE_TOKEN, (U, 1))
        assert served.end(number) == Ended(0, "", "")
    assert rows(database, "SELECT serial FROM pending_commissions") == [(serial,)]


@pytest.mark.every_engine
def test_it_makes_an_installation_where_there_is_none(new: Database) -> None:
    with serving(new) as served:
        assert served.base_url == served.address
        catalog = Caller(served.address)("POST", TOKENS).document["access"]["serviceCatalog"]
        assert [service["endpoints"][0]["publicURL"] for service in catalog] == [
            f"{served.address}/account/v1.0",
            f"{served.address}/identity/v2.0",
            f"{served.address}/weblogin",
            f"{served.address}/oauth2",
        ]
        assert served.end().status == 0
    new.open(create=False)


def test_it_names_the_database_that_it_opened_and_whether_it_made_it(new: Database) -> None:
    with serving(new) as served:
        assert served.database_name == new.name
        assert served.end().errors == created(new)
    with serving(new) as served:
        assert served.database_name == new.name
        assert served.end().errors == ""


def test_the_database_is_named_by_its_whole_path(tmp_path: Path) -> None:
    database = SQLiteDatabase("sqlite:///here.db")
    with contextlib.chdir(tmp_path), serving(database) as served:
        assert served.database_name == str(tmp_path / "here.db")
        assert served.end().status == 0


def test_it_serves_although_nobody_can_read_that_it_is_ready(database: Database) -> None:
    with listen(LOOPBACK, 0) as probe:
        port = probe.getsockname()[1]
    served = subprocess.Popen(
        ["/bin/bash", "-c", f'exec "$0" serve --port {port} >/dev/full', EXECUTABLE],
        env=environment(database),
        stderr=subprocess.PIPE,
        text=True,
    )
    with served:
        assert served.stderr is not None
        assert (
            f"cannot write this to standard output: {os.strerror(errno.ENOSPC)}" in served.stderr.readline()
        )
        assert Caller(f"http://{LOOPBACK}:{port}/astakos").get(f"{ACCOUNT}/quotas", ALICE.token).status == 200
        served.send_signal(signal.SIGTERM)
        assert served.wait(timeout=30) == 0


@pytest.mark.parametrize(
    "options",
    [
        ["--host", "192.0.2.1"],
        ["--host", "a" * 64],
        ["--host", b"\xff".decode(errors="surrogateescape")],
        ["--metrics-port", "0", "--metrics-host", "192.0.2.1"],
        ["--base-url", "nonsense"],
        ["--limit", "x=1"],
        ["--mail-server", "http://mail.example.org"],
        ["--database", b"sqlite:///\xff.db".decode(errors="surrogateescape")],
    ],
)
def test_a_service_that_cannot_start_makes_no_database(tmp_path: Path, options: list[str]) -> None:
    done = ended(SQLiteDatabase(f"sqlite:///{tmp_path}/new.db"), "serve", "--port", "0", *options)
    assert done.status != 0
    assert "Traceback" not in done.errors
    assert list(tmp_path.iterdir()) == []


def test_a_base_url_that_is_given_counts_more_than_the_one_that_was_loaded(database: Database) -> None:
    with serving(database, "--base-url", "http://elsewhere.example.org/astakos/") as served:
        assert served.base_url == "http://elsewhere.example.org/astakos"
        catalog = served.caller("POST", TOKENS).document["access"]["serviceCatalog"]
        urls = [service["endpoints"][0]["publicURL"] for service in catalog]
        assert "http://elsewhere.example.org/astakos/account/v1.0" in urls


def test_the_generation_that_the_deployment_has_chosen_is_answered(database: Database) -> None:
    with serving(database) as served:
        assert served.caller("PUT", COMMISSIONS).status == 405
        assert served.end().status == 0
    with database.transaction() as connection:
        settings.save(connection, settings.COMPATIBILITY, "0.14")
    with serving(database) as served:
        assert served.caller("PUT", COMMISSIONS).status == 400
        assert set(served.caller.get(f"{ACCOUNT}/quotas", ALICE.token).document) == {"system"}


@pytest.mark.parametrize(
    ("setting", "option", "is_believed"),
    [
        (None, None, True),
        (["10.0.0.0/8"], None, False),
        (["10.0.0.0/8"], "127.0.0.0/8", True),
        (None, "10.0.0.0/8", False),
    ],
)
def test_forwarding_headers_are_believed_from_the_networks_that_are_named(
    database: Database, setting: list[str] | None, option: str | None, is_believed: bool
) -> None:
    with database.transaction() as connection:
        if setting is not None:
            settings.save(connection, settings.TRUSTED_PROXIES, setting)
    with serving(database, *(() if option is None else ("--trusted-proxy", option))) as served:
        reply = served.caller("POST", "/oauth2/token", headers={"X-Forwarded-Protocol": "https"})
        assert ("requires TLS" not in reply.document["exception"]) == is_believed
        errors = served.end().errors
    assert (f"ignored X-Forwarded-* headers from {LOOPBACK}" in errors) != is_believed


def test_a_port_that_is_taken_is_named_in_one_line(database: Database) -> None:
    with listen(LOOPBACK, 0) as listener:
        port = str(listener.getsockname()[1])
        done = ended(database, "serve", "--port", port)
    assert (done.status, done.output) == (1, "")
    reason = f"cannot listen on {LOOPBACK} port {port}: Address already in use"
    assert only_line(done.errors).startswith(reason)


HELD_UP = """
import pathlib, sys, time
if "astakos.processes.worker" in sys.orig_argv:
    while not pathlib.Path({file!r}).exists():
        time.sleep(0.01)
"""


def test_nobody_can_connect_before_it_answers(database: Database, tmp_path: Path) -> None:
    may_go_on = tmp_path / "go on"
    (tmp_path / "sitecustomize.py").write_text(HELD_UP.format(file=str(may_go_on)))
    with bind(LOOPBACK, 0) as free:
        port = free.getsockname()[1]
    # The last `--port` counts.
    with beginning(database, "--port", str(port), PYTHONPATH=str(tmp_path)) as process:
        try:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            deadline = time.monotonic() + TIMEOUT_SECONDS
            while not children.read_text():
                assert time.monotonic() < deadline
                time.sleep(0.01)
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((LOOPBACK, port), timeout=TIMEOUT_SECONDS)
            # Others are told all the same that the port is taken.
            done = ended(database, "serve", "--port", str(port), "--allow-another-service")
            assert f"cannot listen on {LOOPBACK} port {port}: Address already in use" in done.errors
            may_go_on.touch()
            assert process.stdout is not None
            assert READY.fullmatch(process.stdout.readline())
            assert Caller(f"http://{LOOPBACK}:{port}/astakos").get("/healthz").status == 200
        finally:
            process.terminate()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--trusted-proxy", "10.1.2.3/8"], "--trusted-proxy: a network starts with its own address"),
        (["--trusted-proxy", "nonsense"], "--trusted-proxy: it must be an address or a network"),
        (["--base-url", "accounts.example.org"], "the base URL is invalid"),
        (["--base-url", "ftp://accounts.example.org"], "the base URL is invalid"),
        (["--base-url", "http://accounts.example.org/?x=1"], "the base URL is invalid"),
        (["--host", "192.0.2.1"], "cannot listen on 192.0.2.1 port 0"),
        (
            ["--mail-server", "http://user:secret@mail.example.org"],
            "--mail-server: the URL of the mail server must have one of these forms",
        ),
        *(
            (
                ["--mail-server", f"smtp://user:{password}@mail.example.org"],
                "--mail-server: the URL of the mail server must have one of these forms",
            )
            for password in ("secret/x", "1/secret", "[secret]", "1?secret", "1#secret", "secret[")
        ),
        (["--database", "mysql://u:secret@h/n"], "the database URL must look like"),
        (["--database", "postgresql://u:secret@[/n"], "the database URL is malformed"),
    ],
)
def test_what_can_not_be_served_is_refused_in_one_line(
    database: Database, arguments: list[str], reason: str
) -> None:
    done = ended(database, "serve", "--port", "0", *arguments)
    assert (done.status, done.output) == (1, "")
    assert only_line(done.errors).startswith(reason)
    assert "secret" not in done.errors


@pytest.mark.parametrize(
    "arguments",
    [
        ["--trusted-proxy", "nonsense"],
        ["--mail-server", "smtp://127.0.0.1", "--mail-sender", "nonsense"],
        ["--mail-templates", "/nowhere"],
        ["--webhook-key", "/nowhere"],
    ],
    ids=" ".join,
)
def test_what_can_not_be_served_leaves_no_database(tmp_path: Path, arguments: list[str]) -> None:
    new = SQLiteDatabase(f"sqlite:///{tmp_path}/new.db")
    done = ended(new, "serve", "--port", "0", *arguments)
    assert (done.status, done.output) == (1, "")
    assert only_line(done.errors)
    assert not new.path.exists()


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("ASTAKOS_DATABSE", "sqlite:///x.db", "; did you mean ASTAKOS_DATABASE?"),
        ("ASTAKOS_DATABASE_URL", "sqlite:///x.db", "; did you mean ASTAKOS_DATABASE?"),
        ("ASTAKOS_TRUSTED_PROXY", "10.0.0.1", "; did you mean ASTAKOS_TRUSTED_PROXIES?"),
        ("ASTAKOS_WORKERS", "4", ": give --workers"),
        ("ASTAKOS_PORT", "9000", ": give --port"),
    ],
)
def test_a_variable_that_nothing_reads_is_told(
    database: Database, variable: str, value: str, told: str
) -> None:
    done = ended(database, "serve", "--port", "0", "--trusted-proxy", "nonsense", **{variable: value})
    warned, _ = done.errors.splitlines()
    assert f"{variable} is set, but not read{told}" in warned


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ASTAKOS_TOKEN", "…"),
        ("ASTAKOS_NETWORK", "172.30.250.0/24"),
        ("ASTAKOS_DATABASE_PASSWORD", "…"),
        # Kubernetes sets these for a service that is called astakos.
        ("ASTAKOS_PORT", "tcp://10.0.0.1:8000"),
        ("ASTAKOS_PORT_8000_TCP_ADDR", "10.0.0.1"),
        ("ASTAKOS_SERVICE_HOST", "10.0.0.1"),
        ("ASTAKOS_SERVICE_PORT", "8000"),
    ],
)
def test_a_variable_that_is_meant_for_others_is_left_alone(
    database: Database, variable: str, value: str
) -> None:
    with serving(database, **{variable: value}) as served:
        assert served.end() == Ended(0, "", "")


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("ASTAKOS_LIMITS", "idle_seconds=long", "ASTAKOS_LIMITS: idle_seconds must be a number, not 'long'"),
        (
            "ASTAKOS_TRUSTED_PROXIES",
            "nonsense",
            "ASTAKOS_TRUSTED_PROXIES: it must be an address or a network",
        ),
        (
            "ASTAKOS_MAIL_SERVER",
            "http://x",
            "ASTAKOS_MAIL_SERVER: the URL of the mail server must have one of",
        ),
    ],
)
def test_a_variable_that_is_wrong_is_named(database: Database, variable: str, value: str, told: str) -> None:
    done = ended(database, "serve", "--port", "0", **{variable: value})
    assert done.status in {1, 2}
    assert told in done.errors


def test_a_second_service_on_the_same_file_is_refused_unless_it_is_asked_for(
    database: Database, tmp_path: Path
) -> None:
    (tmp_path / "link.db").symlink_to(tmp_path / "astakos.db")
    with serving(database) as served:
        for url in (database.url, f"sqlite:///{tmp_path / 'link.db'}"):
            done = ended(database, "serve", "--port", "0", "--database", url)
            assert (done.status, done.output) == (1, "")
            assert only_line(done.errors).startswith("another service works on ")
            assert "--allow-another-service" in done.errors
        with serving(database, "--allow-another-service") as second:
            serials = [one.caller.issued(COMPUTE_TOKEN, (U, 1)) for one in (served, second, served)]
            assert sorted(set(serials)) == serials
            assert second.end() == Ended(0, "", "")
        os.kill(served.process.pid, signal.SIGKILL)
        served.process.wait()
        with serving(database) as after:
            assert set(after.caller.get(COMMISSIONS, COMPUTE_TOKEN).document) == set(serials)


def test_mail_that_nobody_would_get_is_refused(empty: Database) -> None:
    done = ended(empty, "serve", "--port", "0", ASTAKOS_MAIL_SERVER="smtp://mail.example.org")
    assert done.status == 1
    assert "--mail-sender, or set helpdesk" in only_line(done.errors)


@pytest.mark.parametrize("sender", ["x", "a@b.example\nBcc: d@e.example", "ä@example.org"])
def test_a_sender_of_mail_that_is_none_is_refused(database: Database, sender: str) -> None:
    environment = {"ASTAKOS_MAIL_SERVER": "smtp://mail.example.org", "ASTAKOS_MAIL_SENDER": sender}
    done = ended(database, "serve", "--port", "0", **environment)
    assert done.status == 1
    assert only_line(done.errors).startswith("ASTAKOS_MAIL_SENDER must be an email address")


def test_why_it_can_not_serve_is_an_object_where_the_log_is_of_objects(database: Database) -> None:
    arguments = ["--log-format", "json", "--base-url", "accounts.example.org"]
    done = ended(database, "serve", "--port", "0", *arguments)
    assert (done.status, done.output) == (1, "")
    told = json.loads(only_line(f"Error: {done.errors}"))
    assert (told["level"], told["logger"]) == ("critical", "astakos.http")
    assert told["message"].startswith("the base URL is invalid: 'accounts.example.org'")


@pytest.mark.parametrize("arguments", [["--port", "65536"], ["--port", "x"], ["--nonsense"], ["more"]])
def test_a_wrong_use_ends_with_2(database: Database, arguments: list[str]) -> None:
    done = ended(database, "serve", *arguments)
    assert (done.status, done.output) == (2, "")
    assert done.errors.startswith("Usage: ")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_whatever_was_answered_is_there_after_the_end(database: Database, number: signal.Signals) -> None:
    answered: list[int] = []

    def work() -> None:
        try:
            while True:
                reply = served.caller.issue(COMPUTE_TOKEN, (U, 0), (P, 0))
                if reply.status == 503:  # its engine was killed first
                    return
                assert reply.status == 201
                answered.append(reply.document["serial"])
        except (OSError, http.client.HTTPException):
            return

    with serving(database) as served:
        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        while len(answered) < 40:
            assert any(thread.is_alive() for thread in threads)
        status = served.end(number).status
        for thread in threads:
            thread.join()
    assert status == (0 if number is signal.SIGTERM else -signal.SIGKILL)
    stored = {serial for (serial,) in rows(database, "SELECT serial FROM pending_commissions")}
    assert set(answered) <= stored
    if number is signal.SIGTERM:
        assert set(answered) == stored
    with serving(database) as again:
        assert set(again.caller.get(COMMISSIONS, COMPUTE_TOKEN).document) == stored


def test_a_process_that_dies_is_replaced_and_nothing_is_lost(database: Database) -> None:
    with serving_from_the_start(database, "--workers", "2") as served:
        serials = [served.caller.issued(COMPUTE_TOKEN, (U, 0))]
        for number, expected in ((signal.SIGKILL, 3), (signal.SIGTERM, 5)):
            killed = set(served.workers())
            for worker in killed:
                os.kill(worker, number)
            deadline = time.monotonic() + 20
            while len(serials) < expected or len(set(served.workers()) - killed) < 2:
                assert time.monotonic() < deadline
                # A worker that ends may have accepted a connection whose request it has not read.
                with contextlib.suppress(OSError, http.client.HTTPException):
                    serials.append(served.caller.issued(COMPUTE_TOKEN, (U, 0)))
        assert set(serials) <= set(served.caller.get(COMMISSIONS, COMPUTE_TOKEN).document)
        assert served.end(signal.SIGTERM).status == 0


def test_a_replacement_that_dies_before_it_is_ready_is_replaced_as_well(database: Database) -> None:
    with serving(database, "--workers", "2") as served:
        first = set(served.workers())
        os.kill(min(first), signal.SIGKILL)
        deadline = time.monotonic() + 10
        while not (unready := set(served.workers()) - first):
            assert time.monotonic() < deadline
        os.kill(unready.pop(), signal.SIGKILL)
        while len(served.workers()) < 2:
            assert time.monotonic() < deadline
        assert served.caller.get("/healthz").status == 200
        assert served.end(signal.SIGTERM).status == 0


def test_where_http_can_not_be_answered_it_ends_and_says_so(database: Database, tmp_path: Path) -> None:
    (tmp_path / "uvloop.py").write_text("raise SystemExit(3)")
    done = ended_from_the_start(database, "serve", "--port", "0", PYTHONPATH=str(tmp_path))
    assert (done.status, done.output) == (1, "")
    assert "exited before it was ready" in done.errors.splitlines()[-1]
    assert "Traceback" not in done.errors


@pytest.mark.parametrize(
    "moment", [0.3, *(pytest.param(moment, marks=pytest.mark.long) for moment in (0.2, 0.4, 0.5))]
)
def test_told_to_end_before_it_is_ready_it_ends_without_a_word(database: Database, moment: float) -> None:
    process = beginning(database, "--workers", "2")
    time.sleep(moment)
    process.terminate()
    _, errors = process.communicate(timeout=10)
    assert process.returncode in {0, -signal.SIGTERM}
    assert errors == ""


def test_a_disk_that_refuses_writes_makes_it_not_ready_and_reads_go_on(database: Database) -> None:
    with serving(database, "--metrics-port", "0") as served:
        served.caller.issued(COMPUTE_TOKEN, (U, 1))
        assert scrape(served)("astakos_sqlite_log_bytes") > 0
        # Its files may not grow, as on a full disk.
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
        assert served.caller.issue(COMPUTE_TOKEN, (U, 1)).status == 503
        ready = served.caller.get("/readyz")
        assert (ready.status, ready.document["missing"]) == (503, [NO_WRITES])
        assert served.caller.get(f"{ACCOUNT}/quotas", ALICE.token).status == 200
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        assert served.caller.get("/readyz").status == 200
        served.caller.issued(COMPUTE_TOKEN, (U, 1))


def test_an_idle_service_notices_a_full_disk_when_it_is_asked(
    database: Database,
) -> None:
    with serving(database) as served:
        assert served.caller.get("/readyz").status == 200
        resource.prlimit(served.process.pid, resource.RLIMIT_FSIZE, (1024, resource.RLIM_INFINITY))
        deadline = time.monotonic() + 20
        while (ready := served.caller.get("/readyz")).status == 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert ready.document["missing"] == [NO_WRITES]
