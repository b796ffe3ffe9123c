"""What is worth what it holds."""

from __future__ import annotations

import copy
import pickle
from typing import TYPE_CHECKING

import pytest

from astakosclient import Answer, Request, Retry, Timeout
from astakosclient.core.address import Address
from astakosclient.http1.proxies import Proxy

if TYPE_CHECKING:
    from astakosclient.core.value import Value

VALUES = [
    Retry(3, base=0.2),
    Timeout(5),
    Address("https", "h", 443, "/x"),
    Proxy("h", 3128, "Basic c2VjcmV0"),
    Request("GET", "https://h", "/x", (("A", "b"),), b"body", True),
    Answer(200, "OK", {"a": "b"}, b"{}"),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_copies_are_equal(value: Value) -> None:
    for other in (copy.copy(value), copy.deepcopy(value), pickle.loads(pickle.dumps(value)), value.changed()):
        assert other is not value
        assert other == value
        assert type(other) is type(value)


def test_another_value_or_class_is_not_equal() -> None:
    assert Timeout(5) != Timeout(6)
    assert Timeout(5) != 5
    assert Timeout(5).changed(connect=2) == Timeout(5, 2)
    assert len({Timeout(5), Timeout(5), Timeout(6)}) == 2
    assert Address("http", "h", 80) in {Address("http", "h", 80)}


def test_what_is_hidden_is_not_shown() -> None:
    assert repr(Proxy("h", 3128, "Basic c2VjcmV0")) == "Proxy(host='h', port=3128, zone='')"
    assert repr(Timeout(5)) == "Timeout(connect=5.0, total=5)"


def test_policies_are_not_changed() -> None:
    policy = Retry(3)
    with pytest.raises(AttributeError, match="create a new instance"):
        policy.count = 4
    with pytest.raises(AttributeError, match="create a new instance"):
        del policy.count
    with pytest.raises(AttributeError):
        setattr(policy, "other", 4)  # noqa: B010
    assert policy == Retry(3)
