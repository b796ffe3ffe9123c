"""What has been looked up, for a while."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astakosclient import errors
from astakosclient.lookups.ttl_cache import TtlCache


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_entry_is_good_for_its_age() -> None:
    clock = Clock()
    cache = TtlCache(age=10, clock=clock)
    cache.add({"a": "1"})
    clock.now = 9.9
    assert cache.get("a") == "1"
    clock.now = 10
    assert cache.get("a") is None


def test_what_is_used_longest_ago_is_forgotten_first() -> None:
    cache = TtlCache(size=2)
    cache.add({"a": "1", "b": "2"})
    cache.get("a")
    cache.add({"c": "3"})
    assert cache.divide(["a", "b", "c", "a"]) == ({"a": "1", "c": "3"}, ["b"])


@given(st.lists(st.dictionaries(st.text(max_size=2), st.text()), max_size=20), st.integers(1, 5))
def test_there_are_never_more_than_its_size(added: list[dict[str, str]], size: int) -> None:
    cache = TtlCache(size=size)
    last: dict[str, str] = {}
    for answers in added:
        cache.add(answers)
        last = answers
    everything = {key for answers in added for key in answers}
    known, _ = cache.divide(everything)
    assert len(known) <= size
    if len(last) <= size:
        assert known.items() >= last.items()


@pytest.mark.parametrize("arguments", [{"size": 0}, {"size": 1.5}, {"age": 0}, {"age": float("inf")}])
def test_what_cannot_be_right_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(errors.BadValue):
        TtlCache(**arguments)
