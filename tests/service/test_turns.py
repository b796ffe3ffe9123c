"""A queue in which callers take turns."""

import pytest

from astakos.turns import Turns


def queue(*items: tuple[str, int]) -> Turns[int]:
    turns: Turns[int] = Turns()
    for caller, item in items:
        turns.add(caller, item)
    return turns


def taken(turns: Turns[int]) -> list[int]:
    return [turns.take() for _ in range(len(turns))]


def test_one_caller_is_served_in_order() -> None:
    assert taken(queue(("a", 1), ("a", 2), ("a", 3))) == [1, 2, 3]


def test_who_comes_last_waits_for_one_turn_of_each_other_however_much_they_have_queued() -> None:
    crowd = [(caller, number) for caller in "abc" for number in range(1000)]
    assert taken(queue(*crowd, ("innocent", -1))).index(-1) == 3


def test_callers_who_come_back_again_and_again_do_not_overtake() -> None:
    turns = queue(("a", 0), ("a", 1), ("b", 2))
    assert turns.take() == 0
    turns.add("c", 3)
    assert taken(turns) == [2, 1, 3]


def test_who_may_not_have_a_turn_keeps_their_place() -> None:
    turns = queue(("a", 1), ("b", 2), ("a", 3))
    assert turns.take(lambda caller: caller != "a") == 2
    with pytest.raises(LookupError):
        turns.take(lambda caller: caller != "a")
    assert taken(turns) == [1, 3]


def test_what_need_not_wait_any_longer_is_removed() -> None:
    turns = queue(("a", 1), ("b", 2), ("b", 3))
    assert turns.remove("a", 1)
    assert not turns.remove("a", 1)
    assert not turns.remove("b", 4)
    assert turns.remove("b", 2)
    assert (len(turns), turns.waiting_of("a"), turns.waiting_of("b")) == (1, 0, 1)
    assert turns.first() == 3
    assert taken(turns) == [3]
    with pytest.raises(LookupError):
        turns.first()
