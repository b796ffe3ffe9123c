"""What hooks are told, and what they can do."""

from __future__ import annotations

import gc
import logging
import weakref
from typing import TYPE_CHECKING

import pytest

from astakosclient import Answer, Answered, AstakosClient, Attempted, Request, Retry, Timeout, errors
from client.peers import answer, closed_port

if TYPE_CHECKING:
    from client.conftest import PeerFactory

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"


class Watcher:
    def __init__(self) -> None:
        self.attempts: list[Attempted] = []
        self.answers: list[Answered] = []

    def client(self, url: str) -> AstakosClient:
        return AstakosClient(
            url, Retry(2, base=0), on_attempt=self.attempts.append, on_answer=self.answers.append
        )


def test_each_attempt_and_its_answer_is_told(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status="503 Busy"), answer({}))
    watcher = Watcher()
    with watcher.client(peer.url + "/base") as client:
        client.get_quotas(TOKEN)
    first, second = watcher.attempts
    assert (first.call, first.method, first.path) == ("get_quotas", "GET", "/account/v1.0/quotas")
    assert (first.number, second.number) == (1, 2)
    assert first.server == f"localhost:{peer.port}"
    assert [answered.attempt for answered in watcher.answers] == [first, second]
    assert [answered.status for answered in watcher.answers] == [503, 200]
    assert isinstance(watcher.answers[0].error, errors.AstakosClientException)
    assert watcher.answers[1].error is None
    assert all(answered.seconds > 0 for answered in watcher.answers)


def test_all_attempts_of_a_call_have_one_request_id_which_the_server_gets(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status="503 Busy"), answer({}))
    watcher = Watcher()
    with watcher.client(peer.url) as client:
        client.get_quotas(TOKEN)
        client.get_quotas(TOKEN)
    ids = [attempt.request_id for attempt in watcher.attempts]
    assert ids == [request.headers["x-request-id"] for request in peer.requests]
    assert ids[0] == ids[1] != ids[2]


def test_no_answer_is_told_as_its_error() -> None:
    watcher = Watcher()
    client = watcher.client(f"http://127.0.0.1:{closed_port()}")
    with pytest.raises(errors.ConnectionError) as failed:
        client.with_options(retry=0).get_quotas(TOKEN)
    [answered] = watcher.answers
    assert (answered.status, answered.error) == (None, failed.value)
    assert failed.value.request_id == answered.attempt.request_id


def test_a_hook_adds_headers(peer_of: PeerFactory) -> None:
    peer = peer_of(answer({}))

    def trace(attempt: Attempted) -> None:
        attempt.headers["traceparent"] = "00-1-2-01"

    with AstakosClient(peer.url, on_attempt=trace) as client:
        client.get_quotas(TOKEN)
    assert peer.requests[0].headers["traceparent"] == "00-1-2-01"


@pytest.mark.parametrize("headers", [{"a": "b\r\nX-Auth-Token: c"}, {"a b": "c"}, {"a": 5}, {"": "c"}])
def test_a_header_that_cannot_be_sent_is_not_sent(
    headers: dict[str, str], peer_of: PeerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    peer = peer_of(answer({}))
    with AstakosClient(peer.url, on_attempt=lambda attempt: attempt.headers.update(headers)) as client:
        client.get_quotas(TOKEN)
    assert not peer.requests[0].headers.keys() & {"a", "a b", ""}
    assert peer.requests[0].headers["x-auth-token"] == TOKEN
    assert "header of a hook" in caplog.text


def test_a_hook_that_fails_is_logged_and_the_call_goes_on(
    peer_of: PeerFactory, caplog: pytest.LogCaptureFixture
) -> None:
    peer = peer_of(answer({"serial": 7}, "201 Created"))

    def fail(event: object) -> None:
        raise ZeroDivisionError

    with AstakosClient(peer.url, on_attempt=fail, on_answer=fail) as client:
        assert client.issue_commission(TOKEN, {}) == 7
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 2
    assert TOKEN not in caplog.text


def test_no_event_shows_a_secret(peer_of: PeerFactory) -> None:
    peer = peer_of(answer(status="401 Unauthorized"))
    watcher = Watcher()
    with watcher.client(peer.url) as client:
        with pytest.raises(errors.Unauthorized):
            client.get_endpoints(TOKEN)
        with pytest.raises(errors.Unauthorized):
            client.issue_commission(TOKEN, {})
    assert TOKEN not in repr((watcher.attempts, watcher.answers))


# The values themselves


def attempted() -> Attempted:
    return Attempted("get_quotas", "GET", "/account/v1.0/quotas", "accounts.example.com:443", 1, "r-1")


def test_an_attempt_is_only_equal_to_itself_and_can_be_remembered_weakly() -> None:
    attempt = attempted()
    assert attempt != attempted()
    remembered: weakref.WeakKeyDictionary[Attempted, str] = weakref.WeakKeyDictionary({attempt: "span"})
    assert remembered[attempt] == "span"
    assert Answered(attempt, 200, None, 0.01).attempt is attempt
    del attempt
    gc.collect()
    assert not remembered


def test_each_attempt_has_headers_of_its_own_which_no_repr_shows() -> None:
    first, second = attempted(), attempted()
    first.headers["traceparent"] = "00-trace"
    assert second.headers == {}
    assert "00-trace" not in repr(first)
    assert "00-trace" not in repr(Answered(first, 200, None, 0.01))


def test_all_else_stays_as_the_client_made_it() -> None:
    with pytest.raises(AttributeError):
        attempted().path = "/elsewhere"


def test_a_call_that_is_given_up_is_told_without_a_status_and_an_error() -> None:
    class Interrupted:
        def send(self, request: Request, timeout: Timeout) -> Answer:
            raise KeyboardInterrupt

    answers: list[Answered] = []
    client = AstakosClient("http://h", transport=Interrupted(), on_answer=answers.append)
    with pytest.raises(KeyboardInterrupt):
        client.get_quotas(TOKEN)
    gc.collect()
    [answered] = answers
    assert (answered.status, answered.error) == (None, None)
