"""What happens when more comes in than can be written (docs/ledger.md, under load)."""

import functools
import itertools
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, as_completed
from typing import ParamSpec, TypeVar

import pytest

from astakos.ledger.embedded_engine import EmbeddedLedger
from astakos.processes.listening import LOOPBACK, listen
from astakos.server.running import serving
from astakos.service.admission import Bounds
from astakos.service.service import Service
from astakos.storage.protocol import Connection, Database
from service.browser import Browser, page_of
from service.caller import COMMISSIONS, Caller, Reply
from service.command import astakos
from service.installation import holdings, locked, running
from service.world import ALICE, BASE_URL, BOB, COMPUTE_TOKEN, PASSWORD, STORAGE_TOKEN, member_key

pytestmark = pytest.mark.ledger

P = ParamSpec("P")
T = TypeVar("T")
U = member_key(ALICE)
ACCOUNT_PAGE = f"{BASE_URL}/ui/account"


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
    impatient = functools.partial(EmbeddedLedger, longest_wait=0.3)
    monkeypatch.setattr("astakos.service.service.EmbeddedLedger", impatient)
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


class Gate:
    """Changes of a database wait at it until it is opened."""

    def __init__(self, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
        self._opened = threading.Event()
        change = database.change

        def wait_and_change(work: Callable[[Connection], T]) -> T:
            assert self._opened.wait(20)
            return change(work)

        monkeypatch.setattr(database, "change", wait_and_change)

    def open(self) -> None:
        self._opened.set()


class TestStrangersBehindOneProxy:
    """What people send before they have proven who they are waits apart for each of them."""

    @pytest.fixture(autouse=True)
    def few_changes_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        bounds = Bounds(at_once=2, of_one=1, waiting=8, waiting_of_one=1)
        monkeypatch.setattr("astakos.service.service.WRITES", bounds)

    def test_one_who_floods_the_login_keeps_nobody_else_out(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with running(database) as caller:
            gate = Gate(database, monkeypatch)
            flood = [started(try_password, caller, "198.51.100.1") for _ in range(5)]
            await_refusals(flood, 3)
            other = started(try_password, caller, "203.0.113.9")
            gate.open()
            statuses = sorted(one.result(20).status for one in flood)
            assert other.result(20).status == 401
        assert statuses == [401, 401, 503, 503, 503]

    def test_one_who_has_logged_in_does_not_wait_for_another(
        self, database: Database, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        given = astakos(database, "user", "password", BOB.email, stdin=f"{PASSWORD}\n")
        assert given.status == 0
        with running(database) as caller:
            alice, bob = Browser(caller), Browser(caller)
            assert alice.log_in(ALICE.email, PASSWORD).status == 200
            assert bob.log_in(BOB.email, PASSWORD).status == 200
            of_alice, of_bob = (page_of(one.visit(ACCOUNT_PAGE)).fields for one in (alice, bob))
            gate = Gate(database, monkeypatch)
            flood = [started(rename, alice, of_alice) for _ in range(5)]
            await_refusals(flood, 3)
            other = started(rename, bob, of_bob)
            gate.open()
            statuses = sorted(one.result(20).status for one in flood)
            assert other.result(20).status == 302
        assert statuses == [302, 302, 503, 503, 503]


def started(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Future[T]:
    """A call on a thread of its own."""
    answer: Future[T] = Future()
    threading.Thread(target=lambda: answer.set_result(call(*args, **kwargs))).start()
    return answer


def await_refusals(answers: Sequence[Future[Reply]], number: int) -> None:
    """Waits until so many are answered, while none of the others can be."""
    for answer in itertools.islice(as_completed(answers, 20), number):
        assert answer.result().status == 503


def try_password(caller: Caller, address: str) -> Reply:
    user = {"name": ALICE.email, "password": "a wrong password"}
    document = {"auth": {"identity": {"methods": ["password"], "password": {"user": user}}}}
    headers = {"X-Forwarded-For": address}
    return caller("POST", "/identity/v3/auth/tokens", document=document, headers=headers)


def rename(browser: Browser, form: Mapping[str, str]) -> Reply:
    named = {"first_name": "A", "last_name": "B", "csrf_token": form["csrf_token"]}
    return browser.send("POST", f"{ACCOUNT_PAGE}/name", named)
