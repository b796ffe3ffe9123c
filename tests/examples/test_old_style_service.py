"""A service in the style of 0.16 to 0.21 does its work, unchanged, against the real service."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

import pytest

from service.caller import Caller
from service.world import (
    ALICE,
    BOB,
    COMPUTE_TOKEN,
    EDGAR,
    LAB,
    UNKNOWN_TOKEN,
    UNKNOWN_UUID,
    VM,
    member_key,
    project_key,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

EXAMPLE = Path(__file__).parents[2] / "examples" / "old_style_service.py"


class QuietHandler(WSGIRequestHandler):
    def log_message(self, *message: object) -> None:
        """Requests are not told on the terminal."""


@pytest.fixture
def example() -> Any:
    """The example as a module."""
    specification = importlib.util.spec_from_file_location("old_style_service", EXAMPLE)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


@pytest.fixture
def machines(example: Any, service: Caller) -> Any:
    """The example's service, which charges at the real one."""
    return example.Machines(f"{service.base_url}/identity/v2.0", COMPUTE_TOKEN)


@pytest.fixture
def call(machines: Any) -> Iterator[Caller]:
    """Calls it over HTTP."""
    with make_server("127.0.0.1", 0, machines, handler_class=QuietHandler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield Caller(f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def program(service: Caller) -> Iterator[Caller]:
    """Calls the example as it runs by itself, in a process of its own."""
    environment = os.environ | {
        "ASTAKOS_AUTH_URL": f"{service.base_url}/identity/v2.0",
        "SERVICE_TOKEN": COMPUTE_TOKEN,
        "PYTHONPATH": str(EXAMPLE.parents[1] / "src"),
    }
    command = [sys.executable, str(EXAMPLE), "0"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            ready = (re.search(r"(http://\S+)/machines$", line) for line in process.stderr)
            yield Caller(next(found[1] for found in ready if found))
        finally:
            process.terminate()


def start(call: Caller, token: str = ALICE.token, **wanted: str) -> Any:
    reply = call.post("/machines", token, wanted)
    assert reply.status == 200, reply.content
    return reply.document


def usage(service: Caller, person: Any = ALICE, project: str = LAB) -> tuple[int, int]:
    """What is used by a person, and by the project."""
    holdings = service.holdings(COMPUTE_TOKEN)
    return holdings[member_key(person, project)].usage_max, holdings[project_key(project)].usage_max


@pytest.mark.parametrize("token", [None, UNKNOWN_TOKEN, EDGAR.token, COMPUTE_TOKEN])
def test_only_users_with_a_good_token_get_in(call: Caller, token: str | None) -> None:
    assert call.get("/machines", token).status == 401


def test_the_cookie_of_the_login_page_will_do(call: Caller) -> None:
    assert call.get("/machines", Cookie=f"_astakos={ALICE.uuid}%7C{ALICE.token}").document == []


def test_a_machine_is_charged_while_it_runs(call: Caller, service: Caller) -> None:
    machine = start(call, name="web", project=LAB)
    assert machine["images"] == "https://storage.example.org/v1/images"
    assert usage(service) == (1, 1)
    [listed] = call.get("/machines", ALICE.token).document
    assert (listed["name"], listed["owner"]) == ("web", ALICE.email)
    assert call("DELETE", f"/machines/{machine['id']}", ALICE.token).status == 200
    assert usage(service) == (0, 0)
    assert service.pending(COMPUTE_TOKEN) == []


def test_without_a_project_the_users_own_is_charged(call: Caller, service: Caller) -> None:
    start(call)
    assert usage(service, project=ALICE.uuid) == (1, 1)


def test_a_machine_too_many_is_refused_with_the_figures(call: Caller, service: Caller) -> None:
    for _ in range(4):
        start(call)
    refused = call.post("/machines", ALICE.token, {})
    assert refused.status == 413
    assert refused.document == {
        "error": "The account's resource limit is exceeded",
        "details": f"{VM}: available 0, requested 1.",
    }
    assert usage(service, project=ALICE.uuid) == (4, 4)


def test_a_project_that_the_user_is_not_in_lends_nothing(call: Caller) -> None:
    assert call.post("/machines", ALICE.token, {"project": UNKNOWN_UUID}).status == 404


def test_a_machine_that_did_not_start_is_not_charged(call: Caller, machines: Any, service: Caller) -> None:
    machines.hypervisor.broken = True
    assert call.post("/machines", ALICE.token, {"project": LAB}).status == 502
    assert usage(service) == (0, 0)
    assert service.pending(COMPUTE_TOKEN) == []


def test_a_machine_can_be_given_to_somebody_by_name(call: Caller, service: Caller) -> None:
    number = start(call, name="web", project=LAB)["id"]
    assert call.post(f"/machines/{number}/give", ALICE.token, {"to": "nobody@example.org"}).status == 404
    assert call.post(f"/machines/{number}/give", ALICE.token, {"to": BOB.email}).status == 200
    assert (usage(service), usage(service, BOB)) == ((0, 1), (1, 1))
    assert call("DELETE", f"/machines/{number}", ALICE.token).status == 404
    assert call("DELETE", f"/machines/{number}", BOB.token).status == 200


def test_what_a_crash_left_open_is_settled_by_what_is_running(
    call: Caller, machines: Any, service: Caller
) -> None:
    running = service.issued(COMPUTE_TOKEN, (member_key(ALICE), 1), (project_key(), 1))
    lost = service.issued(COMPUTE_TOKEN, (member_key(ALICE), 1), (project_key(), 1))
    machines.hypervisor.start(running, ALICE.uuid, LAB, "web")
    settled = machines.reconcile()
    assert (settled["accepted"], settled["rejected"]) == ([running], [lost])
    assert usage(service) == (1, 1)


def test_while_nobody_can_say_who_is_calling_nobody_gets_in(
    example: Any, call: Caller, machines: Any
) -> None:
    machines.auth_url = "http://127.0.0.1:1/identity/v2.0"
    assert call.get("/machines", ALICE.token).status == 503


def test_it_runs_as_a_program(program: Caller, service: Caller) -> None:
    start(program, name="web", project=LAB)
    assert usage(service) == (1, 1)
