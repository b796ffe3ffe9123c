"""The process that delivers is there again, whatever has ended it."""

import errno
import subprocess
import time
from collections.abc import Callable
from typing import Any

import pytest

from astakos.deliveries import keeping
from astakos.deliveries.deliverer import Receivers
from astakos.deliveries.keeping import Deliveries
from astakos.deliveries.worker import Assignment
from astakos.storage.protocol import Database
from service.world import BASE_URL

SECONDS = 60


def wait_until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def test_a_process_that_the_system_did_not_let_start_is_started_later(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    refusals = [BlockingIOError(errno.EAGAIN, "no more processes")] * 2
    start = subprocess.Popen

    def begin(*arguments: Any, **more: Any) -> "subprocess.Popen[bytes]":
        if refusals:
            raise refusals.pop()
        started.append(start(*arguments, **more))
        return started[-1]

    monkeypatch.setattr(subprocess, "Popen", begin)
    monkeypatch.setattr(keeping, "RETRY_SECONDS", 0.001)
    deliveries = Deliveries(Assignment(database.url, "warning", "text", Receivers(BASE_URL, None, {}, None)))
    deliveries.start()
    wait_until(lambda: started)
    deliveries.begin_to_end()
    wait_until(lambda: deliveries.has_ended)
    assert started[0].returncode == 0
    told = "deliveries process cannot be started, will retry: no more processes"
    assert [record.getMessage() for record in caplog.records] == [told] * 2
