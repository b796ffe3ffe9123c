import os

import pytest

from astakos.directory.api_keys import new_key
from astakos.http.faults import (
    BadRequest,
    BodyTooLarge,
    Fault,
    InternalServerError,
    ItemNotFound,
    NotAllowed,
    OutcomeUnknown,
    ServiceUnavailable,
    TooManyAttempts,
    TooManyRequests,
    Unauthorized,
)


@pytest.mark.parametrize(
    ("fault", "status", "name"),
    [
        (BadRequest("x"), 400, "badRequest"),
        (Unauthorized("x"), 401, "unauthorized"),
        (ItemNotFound("x"), 404, "itemNotFound"),
        (NotAllowed("PUT", ("GET", "POST")), 405, "notAllowed"),
        (BodyTooLarge(7), 413, "overLimit"),
        (InternalServerError(), 500, "internalServerError"),
        (ServiceUnavailable("x"), 503, "serviceUnavailable"),
        (OutcomeUnknown("x"), 503, "outcomeUnknown"),
        (TooManyRequests("x"), 429, "overLimit"),
    ],
)
def test_the_envelope_holds_one_key_and_no_details(fault: Fault, status: int, name: str) -> None:
    assert fault.status == status
    assert fault.envelope() == {name: {"code": status, "message": str(fault), "details": ""}}
    assert str(fault)


def test_faults_carry_their_headers() -> None:
    assert NotAllowed("PUT", ("GET", "POST")).headers == {"Allow": "GET,POST"}
    assert ServiceUnavailable("x").headers == {
        "Retry-After": "1",
        "Astakos-Outcome": "not-carried-out",
    }
    assert OutcomeUnknown("x").headers == {"Retry-After": "1", "Astakos-Outcome": "unknown"}
    assert TooManyRequests("x").headers == {"Retry-After": "1"}
    assert BadRequest("x").headers == {}


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (1, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (61, "2 minutes"),
        (90, "2 minutes"),
        (3600, "1 hour"),
        (3601, "2 hours"),
    ],
)
def test_a_time_to_wait_is_told_in_words(seconds: int, words: str) -> None:
    fault = TooManyAttempts(seconds)
    assert fault.message.endswith(f"Try again in {words}.")
    assert fault.headers == {"Retry-After": str(seconds)}


def test_a_key_in_a_message_is_cut_after_its_prefix() -> None:
    key = new_key("astk_k3j9x2mq", os.urandom)
    fault = BadRequest(f"key must be a prefix, not '{key}'.")
    assert fault.message == str(fault) == "key must be a prefix, not 'astk_k3j9x2mq_…'."
    assert BadRequest("such as astk_k3j9x2mq").message == "such as astk_k3j9x2mq"
