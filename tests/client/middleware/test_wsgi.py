"""What is particular to threads and processes."""

from __future__ import annotations

import subprocess
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from astakosclient.middleware.wsgi import WSGIAuthentication
from client.middleware.serving import PATIENCE_SECONDS, asking
from service.world import ALICE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

    from service.caller import Caller


def _content(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    start_response("204 No Content", [])
    return []


def _status(application: Any, token: str = ALICE.token, **more: Any) -> int:
    told: list[str] = []
    environ = {"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_X_AUTH_TOKEN": token, **more}
    list(application(environ, lambda status, headers, *_: told.append(status)))
    return int(told[0].split()[0])


def test_the_path_is_that_which_clients_write(standing_service: Caller) -> None:
    with asking(standing_service.base_url) as asked:
        guarded = WSGIAuthentication(_content, client=asked.client, exempt=["/files/öffentlich/"])
        path = "/öffentlich/x".encode().decode("latin-1")
        assert _status(guarded, "", SCRIPT_NAME="/files", PATH_INFO=path) == 204
        assert _status(guarded, "", SCRIPT_NAME="", PATH_INFO=path) == 401
        assert asked.times == 0


def test_if_who_asks_is_stopped_somebody_else_asks(standing_service: Caller) -> None:
    class Stopped(BaseException):
        pass

    with asking(standing_service.base_url) as asked:
        held = asked.transport.open
        asked_by_first = threading.Event()
        statuses: list[int] = []

        class StoppedOnce:
            def get_user_info(self, token: str) -> Any:
                if not asked_by_first.is_set():
                    asked_by_first.set()
                    assert held.wait(PATIENCE_SECONDS)
                    raise Stopped
                return asked.client.get_user_info(token)

            get_endpoints = asked.client.get_endpoints

        guarded = WSGIAuthentication(_content, client=StoppedOnce())

        def first() -> None:
            with pytest.raises(Stopped):
                _status(guarded)
            statuses.append(0)

        held.clear()
        threads = [threading.Thread(target=first)]
        threads[0].start()
        assert asked_by_first.wait(PATIENCE_SECONDS)
        threads += [threading.Thread(target=lambda: statuses.append(_status(guarded))) for _ in range(4)]
        for thread in threads[1:]:
            thread.start()
        held.set()
        for thread in threads:
            thread.join(PATIENCE_SECONDS)
        assert sorted(statuses) == [0, 204, 204, 204, 204]
        assert asked.times == 1


def test_a_forked_process_waits_for_nobody_in_its_parent(standing_service: Caller) -> None:
    program = f"""
import os, sys, threading
from astakosclient import AstakosClient
from astakosclient.middleware.wsgi import WSGIAuthentication

asked, may_answer = threading.Event(), threading.Event()

class Slow:
    def __init__(self):
        self.client = AstakosClient({standing_service.base_url!r})
        self.parent = os.getpid()
    def get_user_info(self, token):
        if os.getpid() == self.parent:
            asked.set()
            may_answer.wait(20)
        return self.client.get_user_info(token)
    def get_endpoints(self, token):
        return self.client.get_endpoints(token)

def application(environ, start_response):
    start_response("204 No Content", [])
    return []

def status():
    told = []
    environ = {{"REQUEST_METHOD": "GET", "PATH_INFO": "/", "HTTP_X_AUTH_TOKEN": {ALICE.token!r}}}
    list(guarded(environ, lambda status, headers: told.append(status)))
    return told[0]

guarded = WSGIAuthentication(application, client=Slow())
thread = threading.Thread(target=status)
thread.start()
asked.wait(20)
child = os.fork()
if child == 0:
    os._exit(0 if status().startswith("204") else 1)
_, ended = os.waitpid(child, 0)
may_answer.set()
thread.join()
sys.exit(os.waitstatus_to_exitcode(ended))
"""
    done = subprocess.run([sys.executable, "-c", program], timeout=PATIENCE_SECONDS, check=False)
    assert done.returncode == 0


def test_it_imports_no_event_loop() -> None:
    program = """
import sys
import astakosclient.middleware.wsgi
print(*sorted({"asyncio", "ssl"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "asyncio" not in done.stdout
