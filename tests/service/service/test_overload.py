"""What happens when more comes in than can be written (docs/ledger.md, under load)."""

import functools
import threading
import time

import pytest

from astakos.ledger.embedded_engine import GroupCommit
from astakos.processes.listening import LOOPBACK, listen
from astakos.server.running import serving
from astakos.service.service import Service
from astakos.storage.protocol import Database
from service.caller import COMMISSIONS, Caller, Reply
from service.installation import holdings, locked, running
from service.world import ALICE, BASE_URL, COMPUTE_TOKEN, STORAGE_TOKEN, member_key

pytestmark = pytest.mark.ledger

U = member_key(ALICE)


def ask_at_once(caller: Caller, count: int) -> tuple[list[threading.Thread], list[Reply]]:
    replies: list[Reply] = []
    threads = [
        threading.Thread(target=lambda: replies.append(caller.issue(COMPUTE_TOKEN, (U, 1))))
        for _ in range(count)
    ]
    for thread in threads:
        thread.start()
    return threads, replies


def test_past_the_limit_of_the_queue_the_answer_is_429_at_once_and_what_waits_is_done(
    database: Database,
) -> None:
    listener = listen(LOOPBACK, 0)
    with serving(Service(database, BASE_URL, queue_limit=3), listener):
        caller = Caller(f"http://{LOOPBACK}:{listener.getsockname()[1]}/astakos")
        with locked(database):
            threads, replies = ask_at_once(caller, 8)
            deadline = time.monotonic() + 3
            while len(replies) < 5 and time.monotonic() < deadline:
                time.sleep(0.01)
            assert [reply.status for reply in replies] == [429] * 5
            assert {reply.fault for reply in replies} == {"overLimit"}
            assert {reply.headers["retry-after"] for reply in replies} == {"1"}
            assert caller.get("/account/v1.0/quotas", ALICE.token).status == 200
            assert caller.pending(COMPUTE_TOKEN) == []
        for thread in threads:
            thread.join()
    assert sorted(reply.status for reply in replies) == [201] * 3 + [429] * 5
    assert holdings(database)[U].usage_max == 3


def test_who_has_waited_too_long_is_told_and_not_charged_afterwards(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    impatient = functools.partial(GroupCommit, longest_wait=0.3)
    monkeypatch.setattr("astakos.service.service.GroupCommit", impatient)
    with running(database) as caller:
        with locked(database):
            first = caller.issue(COMPUTE_TOKEN, (U, 1))
            second = caller.issue(COMPUTE_TOKEN, (U, 1))
        for reply in (first, second):
            assert (reply.status, reply.fault) == (503, "outcomeUnknown")
            assert (reply.headers["astakos-outcome"], reply.headers["retry-after"]) == ("unknown", "1")
        assert "timed out" in second.message
        issued = caller.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": []})
        assert issued.status == 201
    # The first was in the writer's hands and may have come true; the second was still waiting.
    assert holdings(database)[U].usage_max <= 1


def test_one_component_that_fills_its_queue_takes_nothing_from_another(database: Database) -> None:
    listener = listen(LOOPBACK, 0)
    with serving(Service(database, BASE_URL, queue_limit=3), listener):
        caller = Caller(f"http://{LOOPBACK}:{listener.getsockname()[1]}/astakos")
        with locked(database):
            flood, replies = ask_at_once(caller, 8)
            deadline = time.monotonic() + 3
            while len(replies) < 5 and time.monotonic() < deadline:
                time.sleep(0.01)
            others: list[Reply] = []
            other = threading.Thread(target=lambda: others.append(caller.issue(STORAGE_TOKEN, (U, 1))))
            other.start()
            assert [reply.status for reply in replies] == [429] * 5
        for thread in (*flood, other):
            thread.join()
    assert [reply.status for reply in others] == [201]
