"""The process that has Prometheus' connections is there again, whatever has ended it."""

import errno
import subprocess

import pytest
from prometheus_client import CollectorRegistry

from astakos.metrics import serving
from astakos.processes.listening import LOOPBACK, listen


class StartedError(Exception):
    """Ends the test where the process would have started."""


def test_a_process_that_the_system_did_not_let_start_is_started_later(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    outcomes = [StartedError(), *[BlockingIOError(errno.EAGAIN, "no more processes")] * 2]

    def begin(*_: object, **__: object) -> None:
        raise outcomes.pop()

    monkeypatch.setattr(subprocess, "Popen", begin)
    monkeypatch.setattr(serving, "RETRY_SECONDS", 0.001)
    with listen(LOOPBACK, 0) as listener, pytest.raises(StartedError):
        serving._keep_serving(listener, CollectorRegistry())
    told = "metrics process cannot be started, will retry: no more processes"
    assert [record.getMessage() for record in caplog.records] == [told] * 2
