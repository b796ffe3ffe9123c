"""One client shared by threads and by processes, against the real service."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from astakosclient import AstakosClient
from client.http1.sync.test_transport import in_child
from service.world import ALICE, BOB, COMPUTE_TOKEN, VM, Person

if TYPE_CHECKING:
    from collections.abc import Iterator

    from service.caller import Caller

PEOPLE = (ALICE, BOB)
THREADS = 32


@pytest.mark.parametrize("use_pool", [False, True])
def test_one_client_serves_32_threads(use_pool: bool, service: Caller) -> None:
    start = threading.Barrier(THREADS)

    def charge(number: int) -> int:
        person = PEOPLE[number % 2]
        start.wait()
        for _ in range(5):
            assert client.get_user_info(person.token)["uuid"] == person.uuid
        return client.issue_one_commission(
            COMPUTE_TOKEN, person.uuid, "system", {VM: 1}, force=True, auto_accept=True
        )

    with AstakosClient(service.base_url, use_pool=use_pool) as client, ThreadPoolExecutor(THREADS) as threads:
        serials = list(threads.map(charge, range(THREADS)))
        usages = [client.get_quotas(person.token)[person.uuid][VM]["usage"] for person in PEOPLE]
    assert len(set(serials)) == THREADS
    assert usages == [THREADS // 2, THREADS // 2]


@pytest.mark.filterwarnings("ignore:.*use of fork.*:DeprecationWarning")
@pytest.mark.parametrize("use_pool", [False, True])
def test_a_fork_while_threads_are_calling_hurts_neither_side(
    use_pool: bool, standing_service: Caller
) -> None:
    stopped = threading.Event()

    def ask(person: Person) -> bool:
        return bool(client.get_user_info(person.token)["uuid"] == person.uuid)

    def keep_asking(person: Person) -> bool:
        good = True
        while not stopped.is_set():
            good = good and ask(person)
        return good

    with AstakosClient(standing_service.base_url, use_pool=use_pool, pool_size=8) as client:
        with ThreadPoolExecutor(4) as threads:
            asking = [threads.submit(keep_asking, person) for person in PEOPLE * 2]
            try:
                # Between its own call and the fork, some connection of the parent's is idle.
                children = [ask(ALICE) and in_child(lambda: all(map(ask, PEOPLE * 5))) for _ in range(10)]
            finally:
                stopped.set()
            assert all(asked.result() for asked in asking)
        assert all(map(ask, PEOPLE))
    assert children == [True] * 10


@contextlib.contextmanager
def gunicorn(base_url: str) -> Iterator[int]:
    """The application under two preforked workers; gives the port."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        command = [sys.executable, "-m", "gunicorn", "--preload", "--no-control-socket", "--workers", "2"]
        command += ["--threads", "4", "--bind", f"fd://{listener.fileno()}"]
        environment = {
            **os.environ,
            "ASTAKOS_URL": base_url,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
        }
        process = subprocess.Popen(
            [*command, "client.http1.prefork_application:application"],
            env=environment,
            pass_fds=[listener.fileno()],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield listener.getsockname()[1]
        finally:
            process.terminate()
            process.wait(20)


def asked(port: int, person: Person) -> Any:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", "/", headers={"X-Auth-Token": person.token})
        answer = connection.getresponse()
        assert answer.status == 200
        return json.loads(answer.read())


def test_a_client_made_before_gunicorn_forks_serves_all_workers(standing_service: Caller) -> None:
    processes: set[int] = set()
    with gunicorn(standing_service.base_url) as port, ThreadPoolExecutor(16) as threads:
        until = time.monotonic() + 30
        while len(processes) < 2 and time.monotonic() < until:
            people = PEOPLE * 100
            answers = list(threads.map(lambda person: asked(port, person), people))
            assert [answer["uuid"] for answer in answers] == [person.uuid for person in people]
            processes |= {answer["process"] for answer in answers}
    assert len(processes) == 2
