"""What has been looked up, for a while."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astakosclient import errors
from astakosclient.lookups.ttl_cache import Remembered


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_answer_is_good_for_its_age() -> None:
    clock = Clock()
    remembered = Remembered(age=10, clock=clock)
    remembered.add({"a": "1"})
    clock.now = 9.9
    assert remembered.get("a") == "1"
    clock.now = 10
    assert remembered.get("a") is None


def test_what_is_used_longest_ago_is_forgotten_first() -> None:
    remembered = Remembered(size=2)
    remembered.add({"a": "1", "b": "2"})
    remembered.get("a")
    remembered.add({"c": "3"})
    assert remembered.divide(["a", "b", "c", "a"]) == ({"a": "1", "c": "3"}, ["b"])


@given(st.lists(st.dictionaries(st.text(max_size=2), st.text()), max_size=20), st.integers(1, 5))
def test_there_are_never_more_than_its_size(added: list[dict[str, str]], size: int) -> None:
    remembered = Remembered(size=size)
    last: dict[str, str] = {}
    for answers in added:
        remembered.add(answers)
        last = answers
    everything = {key for answers in added for key in answers}
    known, _ = remembered.divide(everything)
    assert len(known) <= size
    if len(last) <= size:
        assert known.items() >= last.items()


@pytest.mark.parametrize("arguments", [{"size": 0}, {"size": 1.5}, {"age": 0}, {"age": float("inf")}])
def test_what_cannot_be_right_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(errors.BadValue):
        Remembered(**arguments)
