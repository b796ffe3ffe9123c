"""When a call is repeated, and when it must not be."""

from __future__ import annotations

import asyncio
import logging
import math
import pickle
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import pytest

from astakosclient import Answer, AstakosClient, AsyncAstakosClient, Request, Retry, Timeout, errors
from client.peers import Step, answer, closed_port, drip, fault, hang_up, then_close

if TYPE_CHECKING:
    import socket

    from client.conftest import PeerFactory

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"
UUID = "6d8f1c4e-0000-4000-8000-000000000001"
AT_ONCE = Retry(2, base=0)

Invoke = Callable[[AstakosClient], Any]

READS: dict[str, Invoke] = {
    "get_quotas": lambda c: c.get_quotas(TOKEN),
    "get_usernames": lambda c: c.get_usernames(TOKEN, []),
    "get_endpoints": lambda c: c.get_endpoints(TOKEN),
    "get_commission_info": lambda c: c.get_commission_info(TOKEN, 7),
}
WRITES: dict[str, Invoke] = {
    "issue_commission": lambda c: c.issue_commission(TOKEN, {}),
    "accept_commission": lambda c: c.accept_commission(TOKEN, 7),
    "reject_commission": lambda c: c.reject_commission(TOKEN, 7),
    "resolve_commissions": lambda c: c.resolve_commissions(TOKEN, [7], []),
    "send_feedback": lambda c: c.send_feedback(TOKEN, "m", "d"),
}
DONE = answer({"serial": 7, "uuid_catalog": {}})

LOST_ANSWERS: dict[str, Step] = {
    "closes without an answer": hang_up,
    "closes within the answer": then_close(DONE[:-3]),
    "answers garbage": then_close(b"\x16\x03garbage\r\n\r\n"),
    "502": answer(status="502 Bad Gateway"),
    "503": answer(status="503 Service Unavailable", headers="Retry-After: 0\r\n"),
    "503 with an unknown outcome": fault(
        "outcomeUnknown", 503, "", "503 Unknown", "Astakos-Outcome: unknown\r\n"
    ),
    "504": answer(status="504 Gateway Timeout"),
}
NOT_CARRIED_OUT = fault("serviceUnavailable", 503, "", "503 Busy", "Astakos-Outcome: not-carried-out\r\n")
SUPPORTS = "Astakos-Supports: Idempotency-Key, history\r\n"


@pytest.mark.parametrize("trouble", LOST_ANSWERS)
@pytest.mark.parametrize("name", READS)
def test_a_read_is_repeated_after_trouble(name: str, trouble: str, peer_of: PeerFactory) -> None:
    peer = peer_of(LOST_ANSWERS[trouble], LOST_ANSWERS[trouble], DONE)
    with AstakosClient(peer.url, AT_ONCE) as client:
        READS[name](client)
    assert len(peer.requests) == 3


@pytest.mark.parametrize("trouble", LOST_ANSWERS)
@pytest.mark.parametrize("name", WRITES)
def test_a_write_is_never_sent_twice_when_the_server_may_have_done_it(
    name: str, trouble: str, peer_of: PeerFactory
) -> None:
    peer = peer_of(LOST_ANSWERS[trouble], DONE)
    with AstakosClient(peer.url, AT_ONCE) as client, pytest.raises(errors.AstakosClientException):
        WRITES[name](client)
    # Asked whether it would recognize a repetition, this server says nothing of it.
    assert [request.method for request in peer.requests].count("POST") == 1


@pytest.mark.parametrize("name", WRITES)
def test_a_write_on_a_kept_connection_is_not_sent_twice_either(name: str, peer_of: PeerFactory) -> None:
    peer = peer_of(answer([]), hang_up, DONE)
    with AstakosClient(peer.url, AT_ONCE) as client:
        client.get_services()
        with pytest.raises(errors.ConnectionError) as lost:
            WRITES[name](client)
    assert lost.value.sent
    assert [request.method for request in peer.requests].count("POST") == 1


@pytest.mark.parametrize("name", READS | WRITES)
def test_too_many_requests_means_not_carried_out(name: str, peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status="429 Too Many Requests"), DONE)
    with AstakosClient(peer.url, AT_ONCE) as client:
        (READS | WRITES)[name](client)
    assert len(peer.requests) == 2


@pytest.mark.parametrize("name", READS | WRITES)
def test_what_the_server_says_it_has_not_carried_out_is_sent_again(name: str, peer_of: PeerFactory) -> None:
    peer = peer_of(NOT_CARRIED_OUT, NOT_CARRIED_OUT, DONE)
    with AstakosClient(peer.url, AT_ONCE) as client:
        (READS | WRITES)[name](client)
    assert len(peer.requests) == 3


@pytest.mark.parametrize("name", WRITES)
@pytest.mark.parametrize("outcome", ["unknown", "not-carried-out"])
def test_an_error_tells_the_outcome(name: str, outcome: str, peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status="503 Busy", headers=f"Astakos-Outcome: {outcome}\r\n"))
    with AstakosClient(peer.url) as client, pytest.raises(errors.AstakosClientException) as failed:
        WRITES[name](client)
    assert failed.value.outcome == outcome
    assert pickle.loads(pickle.dumps(failed.value)).outcome == outcome


def test_what_was_not_carried_out_the_second_time_may_have_been_the_first_time(peer_of: PeerFactory) -> None:
    peer = peer_of(answer([], headers=SUPPORTS), LOST_ANSWERS["503 with an unknown outcome"], NOT_CARRIED_OUT)
    with AstakosClient(peer.url, Retry(1, base=0)) as client:
        client.get_pending_commissions(TOKEN)
        with pytest.raises(errors.AstakosClientException) as failed:
            client.issue_commission(TOKEN, {})
    assert failed.value.outcome == "unknown"


FINAL: dict[str, tuple[Step, str]] = {
    "refused": (answer(status="400 Bad Request"), "not-carried-out"),
    "no room": (answer(status="413 Too Large"), "not-carried-out"),
    "not Astakos": (answer(status="302 Found"), "not-carried-out"),
    "too many": (answer(status="429 Too Many Requests"), "not-carried-out"),
    "a gateway": (answer(status="502 Bad Gateway"), "unknown"),
    "a busy gateway": (answer(status="503 Busy"), "unknown"),
    "a broken server": (answer(status="500 Oops"), "unknown"),
    "no answer": (hang_up, "unknown"),
    "a page": (answer(body=b"<html>", headers="Content-Type: text/html\r\n"), "unknown"),
}


@pytest.mark.parametrize("final", FINAL)
def test_every_exception_of_a_call_says_whether_it_may_have_taken_effect(
    final: str, peer_of: PeerFactory
) -> None:
    step, outcome = FINAL[final]
    with AstakosClient(peer_of(step).url) as client, pytest.raises(errors.AstakosClientException) as failed:
        client.issue_commission(TOKEN, {})
    assert failed.value.outcome == outcome


def test_what_was_never_sent_has_had_no_effect() -> None:
    with AstakosClient(f"http://127.0.0.1:{closed_port()}") as client:
        for request in ({}, {"provisions": {1}}):
            with pytest.raises(errors.AstakosClientException) as failed:
                client.issue_commission(TOKEN, request)
            assert failed.value.outcome == "not-carried-out"


def test_who_is_unknown_is_not_a_failed_call(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({"uuid_catalog": {}}))
    with AstakosClient(peer.url) as client, pytest.raises(errors.NoUserName) as unknown:
        client.get_username(TOKEN, "nobody")
    assert unknown.value.outcome is None


def failed_issue(url: str) -> errors.AstakosClientException:
    """The error of an issue on a connection that has carried a call."""
    with AstakosClient(url) as client:
        client.get_pending_commissions(TOKEN)
        with pytest.raises(errors.AstakosClientException) as failed:
            client.issue_commission(TOKEN, {})
    return failed.value


def failed_issue_awaited(url: str) -> errors.AstakosClientException:
    async def main() -> errors.AstakosClientException:
        async with AsyncAstakosClient(url) as client:
            await client.get_pending_commissions(TOKEN)
            with pytest.raises(errors.AstakosClientException) as failed:
                await client.issue_commission(TOKEN, {})
        return failed.value

    return asyncio.run(main())


either_client = pytest.mark.parametrize("fail", [failed_issue, failed_issue_awaited], ids=["sync", "async"])
Fail = Callable[[str], errors.AstakosClientException]


@either_client
@pytest.mark.parametrize("refusal", [NOT_CARRIED_OUT, answer(status="429 Too Many Requests")])
def test_the_copy_that_the_transport_sent_first_may_have_been_carried_out(
    fail: Fail, refusal: Step, peer_of: PeerFactory
) -> None:
    peer = peer_of(answer([], headers=SUPPORTS), hang_up, refusal)
    assert fail(peer.url).outcome == "unknown"
    assert [request.method for request in peer.requests] == ["GET", "POST", "POST"]


@either_client
def test_a_request_was_sent_if_only_its_second_copy_was_not(fail: Fail, peer_of: PeerFactory) -> None:
    def hang_up_for_good(connection: socket.socket) -> bool:
        peer.stop_listening()
        return hang_up(connection)

    peer = peer_of(answer([], headers=SUPPORTS), hang_up_for_good)
    error = fail(peer.url)
    assert isinstance(error, errors.ConnectionError)
    assert error.sent
    assert len(peer.requests) == 2


def test_a_request_was_sent_if_only_its_repetition_was_not(peer_of: PeerFactory) -> None:
    def answer_for_good(connection: socket.socket) -> bool:
        peer.stop_listening()
        return then_close(answer(status="502 Bad Gateway"))(connection)

    peer = peer_of(answer([], headers=SUPPORTS), answer_for_good)
    with AstakosClient(peer.url, Retry(1, base=0)) as client:
        client.get_pending_commissions(TOKEN)
        with pytest.raises(errors.ConnectionError) as failed:
            client.issue_commission(TOKEN, {})
    assert failed.value.sent
    assert len(peer.requests) == 2


@pytest.mark.parametrize(("outcome", "is_accepted"), [("ACCEPT", True), ("REJECT", False)])
def test_a_resolution_of_unknown_outcome_is_asked_again_and_confirmed_by_the_history(
    outcome: str, is_accepted: bool, peer_of: PeerFactory
) -> None:
    peer = peer_of(
        answer([], headers=SUPPORTS),
        LOST_ANSWERS["503 with an unknown outcome"],
        answer(status="404 Not Found"),
        answer({"history": [{"outcome": outcome}]}),
    )
    with AstakosClient(peer.url, AT_ONCE) as client:
        client.get_pending_commissions(TOKEN)
        if is_accepted:
            client.accept_commission(TOKEN, 7)
        else:
            with pytest.raises(errors.NotFound):
                client.accept_commission(TOKEN, 7)
    assert [request.method for request in peer.requests] == ["GET", "POST", "POST", "GET"]


def test_a_resolution_that_was_not_carried_out_is_not_looked_up_when_it_is_not_found(
    peer_of: PeerFactory,
) -> None:
    peer = peer_of(answer([], headers=SUPPORTS), NOT_CARRIED_OUT, answer(status="404 Not Found"))
    with AstakosClient(peer.url, AT_ONCE) as client:
        client.get_pending_commissions(TOKEN)
        with pytest.raises(errors.NotFound):
            client.accept_commission(TOKEN, 7)
    assert [request.method for request in peer.requests] == ["GET", "POST", "POST"]


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 405, 409, 413, 500])
@pytest.mark.parametrize("name", READS | WRITES)
def test_other_refusals_are_final(name: str, status: int, peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status=f"{status} No"))
    with AstakosClient(peer.url, AT_ONCE) as client, pytest.raises(errors.AstakosClientException) as failed:
        (READS | WRITES)[name](client)
    assert failed.value.status == status
    assert len(peer.requests) == 1


@pytest.mark.parametrize("count", [0, 1, 4])
def test_there_are_at_most_so_many_repetitions(count: int, peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status="503 Busy"))
    client = AstakosClient(peer.url, Retry(count, base=0))
    with client, pytest.raises(errors.AstakosClientException) as failed:
        client.get_quotas(TOKEN)
    assert failed.value.status == 503
    assert len(peer.requests) == count + 1


class Unreachable:
    """Refuses so often, then answers."""

    def __init__(self, times: int, *, sent: bool) -> None:
        self.left = times
        self.sent = sent
        self.received = 0

    def send(self, request: Request, timeout: Timeout) -> Answer:
        if self.left:
            self.left -= 1
            raise errors.ConnectionError(OSError("refused"), sent=self.sent)
        self.received += 1
        return Answer(200, "OK", {}, b'{"serial": 7}')


@pytest.mark.parametrize("name", WRITES)
def test_a_write_is_repeated_when_it_provably_was_not_sent(name: str) -> None:
    transport = Unreachable(2, sent=False)
    WRITES[name](AstakosClient("http://h", AT_ONCE, transport=transport))
    assert (transport.left, transport.received) == (0, 1)


def test_a_refused_connection_was_provably_not_sent(caplog: pytest.LogCaptureFixture) -> None:
    client = AstakosClient(f"http://127.0.0.1:{closed_port()}", AT_ONCE)
    with pytest.raises(errors.ConnectionError, match=r"cannot reach 127\.0\.0\.1:") as refused:
        client.issue_commission(TOKEN, {})
    assert not refused.value.sent
    assert isinstance(refused.value.errobject, ConnectionRefusedError)
    assert [record.levelname for record in caplog.records] == ["WARNING"] * 2


def test_each_repetition_is_one_warning(peer_of: PeerFactory, caplog: pytest.LogCaptureFixture) -> None:
    peer = peer_of(answer(status="503 Busy"), answer(status="503 Busy"), DONE)
    logger = logging.getLogger("somebody.else")
    with AstakosClient(peer.url, AT_ONCE, logger=logger) as client:
        client.get_quotas(TOKEN)
    assert [(record.name, record.levelname) for record in caplog.records] == [
        ("somebody.else", "WARNING")
    ] * 2


def test_the_time_the_server_asks_for_is_waited(peer_of: PeerFactory) -> None:
    moment = (datetime.now(UTC) + timedelta(seconds=1.2)).replace(microsecond=0)
    retry_after = format_datetime(moment, usegmt=True)
    peer = peer_of(answer(status="503 Busy", headers=f"Retry-After: {retry_after}\r\n"), DONE)
    with AstakosClient(peer.url, AT_ONCE, timeout=5) as client:
        client.get_quotas(TOKEN)
    assert datetime.now(UTC) >= moment
    assert len(peer.requests) == 2


def test_a_repetition_beyond_the_time_of_the_call_is_not_begun(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status="503 Busy", headers="Retry-After: 30\r\n"), DONE)
    with (
        AstakosClient(peer.url, AT_ONCE, timeout=5) as client,
        pytest.raises(errors.AstakosClientException) as failed,
    ):
        client.get_quotas(TOKEN)
    assert failed.value.retry_after == 30
    assert len(peer.requests) == 1


def test_the_time_of_a_call_includes_its_repetitions(peer_of: PeerFactory) -> None:
    peer = peer_of(then_close(b""), drip(DONE, 0.05))
    with (
        AstakosClient(peer.url, Retry(1000, base=0), timeout=0.3) as client,
        pytest.raises(errors.AstakosClientException),
    ):
        client.get_quotas(TOKEN)
    assert len(peer.requests) < 10


def test_a_client_that_never_succeeds_soon_stops_repeating(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status="503 Busy"))
    with AstakosClient(peer.url, Retry(4, base=0, budget=10)) as client:
        for _ in range(20):
            with pytest.raises(errors.AstakosClientException):
                client.get_quotas(TOKEN)
    assert len(peer.requests) == 20 + 10


def test_success_gives_repetitions_back(peer_of: PeerFactory) -> None:
    busy = answer(status="503 Busy")
    peer = peer_of(busy, *[answer({})] * 5, busy, answer({}), busy)
    with AstakosClient(peer.url, Retry(4, base=0, budget=1)) as client:
        for _ in range(6):
            client.get_quotas(TOKEN)
        with pytest.raises(errors.AstakosClientException):
            client.get_quotas(TOKEN)
    assert peer.steps == [busy]


def test_no_limit_of_the_budget_is_a_choice(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status="503 Busy"))
    client = AstakosClient(peer.url, Retry(200, base=0, budget=math.inf))
    with client, pytest.raises(errors.AstakosClientException):
        client.get_quotas(TOKEN)
    assert len(peer.requests) == 201


def test_which_statuses_and_methods_are_repeated_is_a_choice(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status="500 No"), answer({}), answer(status="500 No"))
    policy = Retry(1, base=0, statuses=frozenset({500}), methods=frozenset({"GET"}))
    with AstakosClient(peer.url, policy) as client:
        client.get_quotas(TOKEN)
        with pytest.raises(errors.AstakosClientException):
            client.get_usernames(TOKEN, [])
    assert len(peer.requests) == 3


def test_a_server_that_has_said_so_gets_the_same_issue_again(peer_of: PeerFactory) -> None:
    peer = peer_of(answer([], headers=SUPPORTS), LOST_ANSWERS["504"], answer({"serial": 7}))
    with AstakosClient(peer.url, AT_ONCE) as client:
        client.get_pending_commissions(TOKEN)
        assert client.issue_commission(TOKEN, {}) == 7
    _, first, second = peer.requests
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


MAKING: dict[str, Invoke] = {
    "create_key": lambda client: client.create_key(TOKEN, "ci"),
    "rotate_key": lambda client: client.rotate_key(TOKEN, "astk_k2m4p6q8"),
    "create_project": lambda client: client.create_project(TOKEN, {}),
    "modify_project": lambda client: client.modify_project(TOKEN, UUID, {}),
    "join_project": lambda client: client.join_project(TOKEN, UUID),
    "join_with_invitation": lambda client: client.join_with_invitation(TOKEN, "7-code"),
    "enroll_member": lambda client: client.enroll_member(TOKEN, UUID, "ada@example.org"),
    "create_invitation": lambda client: client.create_invitation(TOKEN, UUID),
    "send_feedback": lambda client: client.send_feedback(TOKEN, "Hi", ""),
}


@pytest.mark.parametrize("name", MAKING)
def test_what_makes_something_is_sent_again_to_a_server_that_makes_it_once(
    name: str, peer_of: PeerFactory
) -> None:
    supports = answer(status="401 Unauthorized", headers="Astakos-Supports: idempotency-key, make-once\r\n")
    peer = peer_of(LOST_ANSWERS["504"], supports, answer({"id": 7, "key": "text", "invitation": "code"}))
    with AstakosClient(peer.url, AT_ONCE) as client:
        MAKING[name](client)
    first, asking, second = peer.requests
    assert asking.target.endswith("/commissions/0")
    assert (first.method, first.target, first.body) == (second.method, second.target, second.body)
    assert first.headers["idempotency-key"] == second.headers["idempotency-key"]


@pytest.mark.parametrize("name", MAKING)
def test_but_not_to_one_that_honors_keys_of_commissions_only(name: str, peer_of: PeerFactory) -> None:
    peer = peer_of(LOST_ANSWERS["504"], answer(status="401 Unauthorized", headers=SUPPORTS))
    with AstakosClient(peer.url, AT_ONCE) as client, pytest.raises(errors.AstakosClientException) as failed:
        MAKING[name](client)
    assert failed.value.outcome == "unknown"
    assert len(peer.requests) == 2


def test_each_issue_has_a_key_of_its_own(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({"serial": 7}))
    with AstakosClient(peer.url) as client:
        client.issue_commission(TOKEN, {})
        client.issue_commission(TOKEN, {})
        client.issue_commissions(TOKEN, [])
    assert len({request.headers["idempotency-key"] for request in peer.requests}) == 3


def test_a_server_that_has_said_nothing_is_asked(peer_of: PeerFactory) -> None:
    not_found = answer(status="404 Not Found", headers=SUPPORTS)
    peer = peer_of(LOST_ANSWERS["502"], not_found, answer({"serial": 7}))
    with AstakosClient(peer.url, AT_ONCE) as client:
        assert client.issue_commission(TOKEN, {}) == 7
    asked = [(request.method, request.target.rpartition("/")[2]) for request in peer.requests]
    assert asked == [("POST", "commissions"), ("GET", "0"), ("POST", "commissions")]


def test_it_is_asked_again_if_that_fails_as_well(peer_of: PeerFactory) -> None:
    not_found = answer(status="404 Not Found", headers=SUPPORTS)
    peer = peer_of(LOST_ANSWERS["502"], LOST_ANSWERS["502"], not_found, answer({"serial": 7}))
    with AstakosClient(peer.url, AT_ONCE) as client:
        assert client.issue_commission(TOKEN, {}) == 7


def test_nothing_is_asked_where_nothing_is_repeated(peer_of: PeerFactory) -> None:
    peer = peer_of(LOST_ANSWERS["502"])
    with AstakosClient(peer.url) as client, pytest.raises(errors.AstakosClientException):
        client.issue_commission(TOKEN, {})
    assert len(peer.requests) == 1


def test_accepting_again_finds_that_it_was_done(peer_of: PeerFactory) -> None:
    not_found = answer(status="404 Not Found", headers=SUPPORTS)
    done = answer({"history": [{"outcome": "ACCEPT"}], "next": None}, headers=SUPPORTS)
    peer = peer_of(LOST_ANSWERS["502"], not_found, not_found, done)
    with AstakosClient(peer.url, AT_ONCE) as client:
        client.accept_commission(TOKEN, 7)
    targets = [request.target.removeprefix("/account/v1.0/commissions") for request in peer.requests]
    assert targets == ["/7/action", "/0", "/7/action", "/history?serial=7&limit=1"]


@pytest.mark.parametrize("entries", [[], [{"outcome": "REJECT"}], [{"outcome": "EXPIRED"}]])
def test_accepting_again_finds_that_it_was_not_done(entries: list[Any], peer_of: PeerFactory) -> None:
    not_found = answer(status="404 Not Found", headers=SUPPORTS)
    peer = peer_of(LOST_ANSWERS["502"], not_found, not_found, answer({"history": entries}, headers=SUPPORTS))
    with AstakosClient(peer.url, AT_ONCE) as client, pytest.raises(errors.NotFound):
        client.accept_commission(TOKEN, 7)


def test_what_was_not_found_the_first_time_is_not_looked_up(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status="404 Not Found", headers=SUPPORTS))
    with AstakosClient(peer.url, AT_ONCE) as client, pytest.raises(errors.NotFound):
        client.accept_commission(TOKEN, 7)
    assert len(peer.requests) == 1


def test_options_are_for_the_calls_of_the_client_that_they_make(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status="503 Busy"))
    with AstakosClient(peer.url, AT_ONCE) as client:
        with pytest.raises(errors.AstakosClientException):
            client.with_options(retry=0, timeout=3).get_quotas(TOKEN)
        assert len(peer.requests) == 1
        with pytest.raises(errors.AstakosClientException):
            client.get_quotas(TOKEN)
    assert len(peer.requests) == 1 + 3
    with pytest.raises(errors.BadValue):
        client.with_options(timeout=-1)
