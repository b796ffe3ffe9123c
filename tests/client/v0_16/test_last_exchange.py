"""The last request and answer, as callers print them."""

from __future__ import annotations

import pytest

from astakosclient import Answer, Request, Timeout
from astakosclient.v0_16.last_exchange import Traffic

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"
HEADERS = (("X-Auth-Token", TOKEN), ("Accept", "application/json"), ("X-Own", "credential"))
SHOWN_HEADERS = {"X-Auth-Token": "[secret]", "Accept": "application/json", "X-Own": "[secret]"}


class Script:
    """Answers what it is told to."""

    def __init__(self, answer: Answer | None) -> None:
        self.answer = answer

    def send(self, request: Request, timeout: Timeout) -> Answer:
        if self.answer is None:
            raise TimeoutError
        return self.answer


def request(target: str, method: str = "GET", body: bytes = b"") -> Request:
    return Request(method, "https://h", target, HEADERS, body)


def after(sent: Request, answer: Answer) -> Traffic:
    traffic = Traffic(Script(answer))
    assert traffic.send(sent, Timeout()) is answer
    return traffic


def test_at_first_there_is_nothing() -> None:
    traffic = Traffic(Script(None))
    assert (traffic.request, traffic.response) == (None, None)


def test_a_request_without_a_body_has_none() -> None:
    traffic = after(request("/quotas?user=u"), Answer(200, "OK", {}, b"{}"))
    assert traffic.request == {"method": "GET", "path": "/quotas?user=u", "headers": SHOWN_HEADERS}
    assert traffic.response == {"status": 200, "message": "OK", "data": "{}"}


def test_what_the_client_sent_in_confidence_is_blanked_wherever_it_turns_up() -> None:
    sent = request("/commissions", "POST", f'{{"name":"{TOKEN}"}}'.encode())
    traffic = after(sent, Answer(400, f"Bad {TOKEN}", {}, f"{TOKEN} credential".encode()))
    assert traffic.request == {
        "method": "POST",
        "path": "/commissions",
        "headers": SHOWN_HEADERS,
        "body": '{"name":"[secret]"}',
    }
    assert traffic.response == {"status": 400, "message": "Bad [secret]", "data": "[secret] [secret]"}


@pytest.mark.parametrize(
    ("sent", "path"),
    [
        (request("/identity/v2.0/tokens", "POST", b'{"auth": 1}'), "/identity/v2.0/tokens"),
        (
            request("/identity/v2.0/tokens/an-id?belongsTo=u"),
            "/identity/v2.0/tokens/[secret]?belongsTo=[secret]",
        ),
        (request("/oauth2/token", "POST", b"code=c"), "/oauth2/token"),
    ],
)
def test_of_calls_about_tokens_neither_body_nor_answer_is_shown(sent: Request, path: str) -> None:
    traffic = after(sent, Answer(299, "granted: some-token", {}, b'{"access_token": "some-token"}'))
    assert traffic.request is not None
    assert traffic.request["path"] == path
    assert traffic.request.get("body", "[secret]") == "[secret]"
    assert traffic.response == {"status": 299, "message": "", "data": "[secret]"}


def test_the_bare_catalogue_holds_no_secrets() -> None:
    traffic = after(request("/identity/v2.0/tokens", "POST"), Answer(200, "OK", {}, b'{"access": {}}'))
    assert traffic.response == {"status": 200, "message": "OK", "data": '{"access": {}}'}


def test_while_there_is_no_answer_none_is_shown() -> None:
    script = Script(Answer(200))
    traffic = Traffic(script)
    traffic.send(request("/first"), Timeout())
    script.answer = None
    with pytest.raises(TimeoutError):
        traffic.send(request("/second"), Timeout())
    assert traffic.request is not None
    assert traffic.request["path"] == "/second"
    assert traffic.response is None
