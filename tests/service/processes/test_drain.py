"""The time between the signal to end and the end, in which a load balancer sends clients elsewhere."""

import os
import signal
import time

import pytest

from astakos.service.readiness import ENDING
from astakos.storage.protocol import Database
from service.caller import Caller, Reply
from service.command import Ended, ended, serving
from service.world import ALICE, COMPUTE_TOKEN, member_key

U = member_key(ALICE)


def unready(caller: Caller) -> Reply:
    """The first answer that says so."""
    deadline = time.monotonic() + 10
    while (reply := caller.get("/readyz")).status == 200:
        assert time.monotonic() < deadline
    return reply


def test_while_it_drains_it_is_not_ready_but_answers_everything(database: Database) -> None:
    with serving(database, "--drain", "600") as served:
        served.process.send_signal(signal.SIGTERM)
        reply = unready(served.caller)
        assert (reply.status, reply.document["missing"]) == (503, [ENDING])
        assert served.caller.get("/healthz").status == 200
        serial = served.caller.issued(COMPUTE_TOKEN, (U, 1))
        assert served.caller.act(COMPUTE_TOKEN, serial, "accept") == 200
        # Who asks again does not want to wait; what was accepted is finished all the same.
        assert served.end(signal.SIGTERM) == Ended(0, "", "")


def test_it_ends_by_itself_when_the_time_is_over(database: Database) -> None:
    with serving(database, "--drain", "0.5") as served:
        assert served.end(signal.SIGINT) == Ended(0, "", "")


def test_a_process_that_dies_while_it_drains_is_replaced_by_one_that_drains(database: Database) -> None:
    with serving(database, "--drain", "600") as served:
        served.process.send_signal(signal.SIGTERM)
        unready(served.caller)
        (worker,) = served.workers()
        os.kill(worker, signal.SIGKILL)
        deadline = time.monotonic() + 20
        status = 0
        while status != 503:
            assert time.monotonic() < deadline
            try:
                status = served.caller.get("/readyz").status
            except OSError:
                status = 0
        assert served.workers() != [worker]
        assert served.caller.issued(COMPUTE_TOKEN, (U, 1)) > 0
        assert served.end(signal.SIGTERM).status == 0


@pytest.mark.parametrize("seconds", ["-1", "soon", "1e9"])
def test_a_time_that_makes_no_sense_is_refused(database: Database, seconds: str) -> None:
    done = ended(database, "serve", "--drain", seconds)
    assert done.status == 2
    assert "--drain" in done.errors
