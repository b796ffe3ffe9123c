"""A service is restarted in order while clients call it: no call is lost, and none is in doubt."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from astakos.processes.listening import LOOPBACK, listen
from astakosclient import AstakosClient, AsyncAstakosClient, Retry
from service.command import TIMEOUT_SECONDS, serving
from service.installation import rows
from service.world import COMPUTE_TOKEN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from astakos.storage.protocol import Database
    from astakosclient import Answered

RETRY = Retry(100, base=0.05, cap=0.2, budget=10_000)
REQUEST: dict[str, Any] = {"provisions": []}
CALLERS = 4
ENOUGH = 40
"""So many calls are answered before the restart, and after it."""


class Noted:
    """What callers were told."""

    def __init__(self) -> None:
        self.serials: list[int] = []
        self.doubtful: list[str] = []
        """Attempts that may have reached a service although nobody answered."""

    def attempt(self, answered: Answered) -> None:
        if answered.error is not None and getattr(answered.error, "sent", True):
            self.doubtful.append(str(answered.error))

    def wait_for(self, count: int) -> None:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while len(self.serials) < count:
            assert time.monotonic() < deadline
            time.sleep(0.01)


@contextlib.contextmanager
def documented(url: str, noted: Noted) -> Iterator[Callable[[], int]]:
    with AstakosClient(url, retry=RETRY, use_pool=True, on_answer=noted.attempt) as client:
        yield lambda: client.issue_commission(COMPUTE_TOKEN, REQUEST)


@contextlib.contextmanager
def later(url: str, noted: Noted) -> Iterator[Callable[[], int]]:
    identity = f"{url}/identity/v2.0"
    with AstakosClient(
        COMPUTE_TOKEN, identity, retry=RETRY, use_pool=True, on_answer=noted.attempt
    ) as client:
        yield lambda: client.issue_commission(REQUEST)


@contextlib.contextmanager
def on_a_loop(url: str, noted: Noted) -> Iterator[Callable[[], int]]:
    client = AsyncAstakosClient(url, retry=RETRY, on_answer=noted.attempt)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()

    def issue() -> int:
        issuing = client.issue_commission(COMPUTE_TOKEN, REQUEST)
        return asyncio.run_coroutine_threadsafe(issuing, loop).result(TIMEOUT_SECONDS)

    try:
        yield issue
        asyncio.run_coroutine_threadsafe(client.aclose(), loop).result(TIMEOUT_SECONDS)
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@contextlib.contextmanager
def calling(issue: Callable[[], int], noted: Noted) -> Iterator[None]:
    """Callers that never pause, while the context lasts."""
    ending = threading.Event()
    problems: list[Exception] = []

    def call() -> None:
        while not ending.is_set():
            try:
                noted.serials.append(issue())
            except Exception as error:  # noqa: BLE001 - the test's own thread raises it
                problems.append(error)
                return

    threads = [threading.Thread(target=call) for _ in range(CALLERS)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ending.set()
        for thread in threads:
            thread.join(TIMEOUT_SECONDS)
    assert problems == []


@pytest.mark.parametrize("client", [documented, later, on_a_loop])
def test_each_call_takes_effect_once_and_no_attempt_is_in_doubt(database: Database, client: Any) -> None:
    with listen(LOOPBACK, 0) as free:
        port = free.getsockname()[1]
    url, noted = f"http://{LOOPBACK}:{port}", Noted()
    options = "--port", str(port), "--base-url", url
    with contextlib.ExitStack() as stack:
        with serving(database, *options) as service:
            stack.enter_context(calling(stack.enter_context(client(url, noted)), noted))
            noted.wait_for(ENOUGH)
            assert service.end().status == 0
        before = len(noted.serials)
        with serving(database, *options):
            noted.wait_for(before + ENOUGH)
            stack.close()
    assert noted.doubtful == []
    issued = [serial for (serial,) in rows(database, "SELECT serial FROM pending_commissions")]
    assert len(issued) == len(noted.serials)
    assert set(issued) == set(noted.serials)
