"""What a real service tells a real collector, and that no trouble with the collector reaches its callers."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from astakos.processes.listening import LOOPBACK
from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.caller import ACCOUNT, COMMISSIONS, Caller
from service.command import Ended, ended, ended_from_the_start, only_line, serving
from service.tracing.collector import Collector, Taken, collector
from service.world import ACCESS_TOKEN, ALICE, COMPUTE_TOKEN, PASSWORD, SECRETS, UNKNOWN_TOKEN, member_key

TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
UNSAMPLED = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-00"}
LOGIN = "/identity/v3/auth/tokens"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


class Told(NamedTuple):
    """What a service told of some calls, and what it said when it was ready."""

    collector: Collector
    output: str
    processes: set[int]
    user_agent: str = "an-agent-of-somebody"

    def one(self, name: str) -> Taken:
        (found,) = self.collector.named(name)
        return found


@pytest.fixture(scope="module")
def told(world_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Told]:
    path = tmp_path_factory.mktemp("traced") / "world.db"
    path.write_bytes(world_file.read_bytes())
    database = SQLiteDatabase(f"sqlite:///{path}")
    with collector() as taking, pytest.MonkeyPatch.context() as patch:
        patch.setenv(ENDPOINT, taking.url)
        patch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=tests")
        with serving(database, "--traces") as served:
            assert served.process.stdout is not None
            output = served.process.stdout.readline()
            _call(served.caller)
            processes = {served.process.pid, *served.workers()}
            assert served.end() == Ended(0, "", "")
        yield Told(taking, output, processes)


def _call(caller: Caller) -> None:
    agent = {"User-Agent": Told._field_defaults["user_agent"]}
    assert caller.get(f"{ACCOUNT}/quotas?X-Auth-Token={ALICE.token}", **agent).status == 200
    assert caller.get(f"{ACCOUNT}/authenticate", ALICE.token, **TRACEPARENT).status == 200
    assert caller.issued(COMPUTE_TOKEN, (member_key(ALICE), 1)) > 0
    assert caller.get(f"/identity/v2.0/tokens/{ACCESS_TOKEN}").status in {200, 404}
    assert caller.get(f"/{UNKNOWN_TOKEN}").status == 404
    assert caller.get(f"{ACCOUNT}/resources", **UNSAMPLED).status == 200
    user = {"name": ALICE.email, "domain": {"id": "default"}, "password": PASSWORD}
    body = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    assert caller.post(LOGIN, None, body).status in {201, 401}


def test_it_says_where_traces_go(told: Told) -> None:
    assert told.output == f"traces go to {told.collector.url}/v1/traces\n"


def test_the_span_of_a_request_is_within_that_of_its_caller(told: Told) -> None:
    found = told.one(f"GET /astakos{ACCOUNT}/authenticate")
    assert (found.span.trace_id.hex(), found.span.parent_span_id.hex()) == (TRACE, CALLER)
    assert found.span.kind == Span.SPAN_KIND_SERVER
    assert found.span.end_time_unix_nano > found.span.start_time_unix_nano
    identifier = found.attributes.pop("http.request.header.x-request-id")
    assert isinstance(identifier, list)
    assert found.attributes == {
        "http.request.method": "GET",
        "http.route": f"/astakos{ACCOUNT}/authenticate",
        "url.path": f"/astakos{ACCOUNT}/authenticate",
        "url.scheme": "https",
        "server.address": "accounts.example.org",
        "server.port": 443,
        "http.response.status_code": 200,
    }


def test_the_queue_and_the_transaction_of_a_commission_are_within_its_request(told: Told) -> None:
    request = told.one(f"POST /astakos{COMMISSIONS}")
    waiting, transaction = told.one("ledger queue"), told.one("ledger transaction")
    for one in (waiting, transaction):
        assert one.span.trace_id == request.span.trace_id
        assert one.span.parent_span_id == request.span.span_id
    assert transaction.attributes == {"astakos.ledger.operations": 1}
    assert transaction.links == [request.span.span_id]
    assert waiting.links == [transaction.span.span_id]
    assert request.span.start_time_unix_nano <= waiting.span.start_time_unix_nano
    assert waiting.span.end_time_unix_nano == transaction.span.start_time_unix_nano


def test_the_check_of_a_password_is_within_its_request(told: Told) -> None:
    request, check = told.one(f"POST /astakos{LOGIN}"), told.one("check password")
    assert check.span.parent_span_id == request.span.span_id
    assert check.attributes == {}


def test_each_process_exports_for_itself(told: Told) -> None:
    worker = told.one("check password").resource
    ledger = told.one("ledger transaction").resource
    assert (worker["astakos.process"], ledger["astakos.process"]) == ("worker", "ledger")
    assert {worker["process.pid"], ledger["process.pid"]} == told.processes
    assert worker["service.instance.id"] != ledger["service.instance.id"]
    for resource in (worker, ledger):
        assert resource["service.name"] == "astakos"
        assert resource["deployment.environment.name"] == "tests"


def test_what_the_caller_does_not_sample_is_not_told(told: Told) -> None:
    assert told.collector.named(f"GET /astakos{ACCOUNT}/resources") == []


def test_no_secret_and_nothing_about_people_is_told(told: Told) -> None:
    everything = b"".join(told.collector.bodies)
    assert b"/astakos/identity/v2.0/tokens/{id}" in everything
    unwanted = (
        *SECRETS,
        UNKNOWN_TOKEN,
        ALICE.uuid,
        ALICE.email,
        told.user_agent,
        "X-Auth-Token",
        "127.0.0.1",
    )
    assert [one for one in unwanted if one.encode() in everything] == []
    assert "http.route" not in told.one("GET").attributes


def test_trouble_with_the_collector_reaches_no_caller_and_not_the_end(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "10")
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "8")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "4")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "0.2")
    # It takes connections, and says nothing.
    with socket.create_server((LOOPBACK, 0)) as listener:
        monkeypatch.setenv(ENDPOINT, f"http://{LOOPBACK}:{listener.getsockname()[1]}")
        with serving(database, "--traces") as served:
            assert served.process.stderr is not None
            for _ in range(40):
                assert served.caller.get(f"{ACCOUNT}/quotas", ALICE.token).status == 200
            first = served.process.stderr.readline()
            assert served.caller.issued(COMPUTE_TOKEN, (member_key(ALICE), 1)) > 0
            end = served.end()
    assert "WARNING astakos.traces: traces are not taken, and dropped: " in first
    assert end.status == 0
    # The other process may say so as well; neither says it twice.
    assert len(end.errors.splitlines()) <= 1
    assert "Traceback" not in end.errors


def test_variables_that_cannot_be_followed_are_refused_before_there_is_a_database(tmp_path: Path) -> None:
    new = SQLiteDatabase(f"sqlite:///{tmp_path}/new.db")
    done = ended(new, "serve", "--port", "0", "--traces", OTEL_TRACES_EXPORTER="zipkin")
    assert only_line(done.errors) == "--traces: OTEL_TRACES_EXPORTER is 'zipkin'; it must be otlp or none"
    assert (done.status, list(tmp_path.iterdir())) == (1, [])


def test_the_environment_switches_them_off(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_SDK_DISABLED", "true")
    with serving(database, "--traces") as served:
        end = served.end()
    assert (end.status, end.output) == (0, "")
    assert end.errors.endswith(
        "--traces has no effect: OTEL_SDK_DISABLED or OTEL_TRACES_EXPORTER switches traces off\n"
    )


def test_without_the_library_it_says_what_to_install(database: Database, tmp_path: Path) -> None:
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").touch()
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = ended_from_the_start(database, "serve", "--port", "0", "--traces", PYTHONPATH=path)
    assert only_line(done.errors) == (
        "--traces needs what is not installed (opentelemetry.exporter); "
        'run: pip install "astakos[server,opentelemetry]"'
    )


def test_a_service_that_does_not_trace_imports_nothing_for_it() -> None:
    modules = ("processes.worker", "processes.supervisor", "deliveries.worker", "cli.serve_command")
    code = "".join(f"import astakos.{name}\n" for name in modules)
    code += "import json, sys; print(json.dumps([name for name in sys.modules if 'opentelemetry' in name]))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, timeout=60)
    assert json.loads(done.stdout) == []
