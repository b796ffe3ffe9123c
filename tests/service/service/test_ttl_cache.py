import asyncio

import pytest

from astakos.service import ttl_cache
from astakos.service.ttl_cache import KEPT_SECONDS, TtlCache


class Clock:
    """A time that passes when the test says so, in place of the module `time`."""

    def __init__(self) -> None:
        self.moment = 1000.0

    def monotonic(self) -> float:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(ttl_cache, "time", clock)
    return clock


def get(values: TtlCache[str, str], key: str) -> str | None:
    return asyncio.run(values.get(key))


def test_an_answer_is_kept_for_a_moment(clock: Clock) -> None:
    asked: list[str] = []

    async def read(key: str) -> str:
        asked.append(key)
        return f"{key}{len(asked)}"

    values = TtlCache(read)
    assert [get(values, key) for key in ("a", "b", "a")] == ["a1", "b2", "a1"]
    clock.moment += KEPT_SECONDS / 2
    assert get(values, "a") == "a1"
    clock.moment += KEPT_SECONDS / 2
    assert get(values, "a") == "a3"
    assert asked == ["a", "b", "a"]


def test_an_answer_is_as_old_as_the_question(clock: Clock) -> None:
    answers = ["slow", "new"]

    async def read(_key: str) -> str:
        clock.moment += KEPT_SECONDS / 2
        return answers.pop(0)

    values = TtlCache(read)
    assert get(values, "a") == "slow"
    clock.moment += KEPT_SECONDS / 2
    assert get(values, "a") == "new"


def test_for_what_is_kept_nothing_is_waited_for() -> None:
    async def read(_key: str) -> str:
        await asyncio.sleep(0)
        return "x"

    values = TtlCache(read)
    assert get(values, "a") == "x"
    with pytest.raises(StopIteration) as ended:
        values.get("a").send(None)
    assert ended.value.value == "x"


def test_what_is_not_there_is_asked_for_each_time(clock: Clock) -> None:
    answers: dict[str, str] = {}

    async def read(key: str) -> str | None:
        return answers.get(key)

    values = TtlCache(read)
    assert get(values, "a") is None
    answers["a"] = "now it is"
    assert get(values, "a") == "now it is"
    del answers["a"]
    clock.moment += KEPT_SECONDS
    assert get(values, "a") is None


@pytest.mark.usefixtures("clock")
def test_only_so_many_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ttl_cache, "MOST", 10)
    asked: list[str] = []

    async def read(key: str) -> str:
        asked.append(key)
        return key

    values = TtlCache(read)
    for number in range(11):
        get(values, str(number))
    get(values, "10")
    assert len(asked) == 11
    get(values, "0")
    assert len(asked) == 12


@pytest.mark.usefixtures("clock")
def test_what_was_kept_can_be_forgotten() -> None:
    answers = {"a": "old"}

    async def read(key: str) -> str:
        return answers[key]

    values = TtlCache(read)
    assert get(values, "a") == "old"
    answers["a"] = "new"
    assert get(values, "a") == "old"
    values.forget()
    assert get(values, "a") == "new"
