"""The course of a call, driven by hand: no sockets, no waiting."""

from __future__ import annotations

import logging

import pytest

from astakosclient import Answer, Retry, Timeout, errors
from astakosclient.calls import account
from astakosclient.core.address import parse_base_url
from astakosclient.core.conversation import Attempt, Conversations, Pause

GOOD = Answer(200, "OK", {}, b'{"system": {}}')
BUSY = Answer(503, "Busy", {"retry-after": "7"})


def conversations(retry: Retry, timeout: Timeout | None = None) -> Conversations:
    return Conversations(
        address=parse_base_url("https://h/x"),
        retry=retry,
        timeout=timeout or Timeout(),
        logger=logging.getLogger("astakosclient"),
    )


def test_a_call_is_an_attempt_and_a_result() -> None:
    conversation = conversations(Retry()).hold(account.get_quotas("t"))
    step = next(conversation)
    assert isinstance(step, Attempt)
    assert (step.request.url, step.timeout) == ("https://h/x/account/v1.0/quotas", Timeout())
    with pytest.raises(StopIteration) as end:
        conversation.send(GOOD)
    assert end.value.value == {"system": {}}


def test_trouble_is_a_pause_and_another_attempt_with_the_time_that_is_left() -> None:
    conversation = conversations(Retry(2)).hold(account.get_quotas("t"))
    first = next(conversation)
    pause = conversation.send(BUSY)
    assert isinstance(pause, Pause)
    assert 7 <= pause.seconds <= 7.1
    second = next(conversation)
    assert isinstance(first, Attempt)
    assert isinstance(second, Attempt)
    assert second.request is first.request
    assert second.timeout.total < first.timeout.total
    assert isinstance(conversation.throw(OSError("broken")), Pause)


def test_the_last_trouble_is_raised_with_its_cause() -> None:
    conversation = conversations(Retry()).hold(account.get_quotas("t0ken-t0ken"))
    next(conversation)
    trouble = OSError("broken while sending t0ken-t0ken")
    with pytest.raises(errors.ConnectionError) as failed:
        conversation.throw(trouble)
    assert failed.value.__cause__ is failed.value.errobject is trouble
    assert str(failed.value).startswith("GET /x/account/v1.0/quotas: no usable response")
    assert "t0ken-t0ken" not in str(failed.value)


def test_a_bug_of_a_transport_is_not_taken_for_trouble() -> None:
    conversation = conversations(Retry(5)).hold(account.get_quotas("t"))
    next(conversation)
    with pytest.raises(ZeroDivisionError):
        conversation.throw(ZeroDivisionError())


def test_no_call_shows_its_token_or_body() -> None:
    call = account.get_endpoints("s3cret", None)
    assert "s3cret" not in repr(call)
    assert "s3cret" not in repr(call.request_to(parse_base_url("https://h"), call.path, ()))
