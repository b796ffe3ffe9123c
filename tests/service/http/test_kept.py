import pytest

from astakos.http import kept
from astakos.http.kept import KEPT_SECONDS, MOST, Kept


class Clock:
    """A time that passes when the test says so, in place of the module `time`."""

    def __init__(self) -> None:
        self.moment = 1000.0

    def monotonic(self) -> float:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(kept, "time", clock)
    return clock


def test_an_answer_is_kept_for_a_moment(clock: Clock) -> None:
    asked: list[str] = []

    def read(key: str) -> str:
        asked.append(key)
        return f"{key}{len(asked)}"

    values = Kept(read)
    assert [values.get("a"), values.get("b"), values.get("a")] == ["a1", "b2", "a1"]
    clock.moment += KEPT_SECONDS / 2
    assert values.get("a") == "a1"
    clock.moment += KEPT_SECONDS / 2
    assert values.get("a") == "a3"
    assert asked == ["a", "b", "a"]


def test_what_is_not_there_is_asked_for_each_time(clock: Clock) -> None:
    answers: dict[str, str] = {}
    values = Kept(answers.get)
    assert values.get("a") is None
    answers["a"] = "now it is"
    assert values.get("a") == "now it is"
    del answers["a"]
    clock.moment += KEPT_SECONDS
    assert values.get("a") is None


@pytest.mark.usefixtures("clock")
def test_only_so_many_are_kept() -> None:
    asked: list[int] = []

    def read(key: int) -> int:
        asked.append(key)
        return key

    values = Kept(read)
    for key in range(MOST + 1):
        values.get(key)
    values.get(MOST)
    assert len(asked) == MOST + 1
    values.get(0)
    assert len(asked) == MOST + 2
