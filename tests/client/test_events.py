"""The values that hooks are given."""

from __future__ import annotations

import gc
import weakref
from dataclasses import FrozenInstanceError

import pytest

from astakosclient.events import Answered, Attempted


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
    with pytest.raises(FrozenInstanceError):
        attempted().path = "/elsewhere"  # type: ignore[misc]  # what is tested
