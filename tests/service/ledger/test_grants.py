"""How an import is split between the limits of meters and grants, against one unit after another."""

from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from astakos.ledger.grants import (
    Part,
    Split,
    Supply,
    base_of_grant,
    grant_resource,
    split,
)
from astakos.ledger.rules import Key

MONTH, DAY, MINUTE = (Key("user:a", "project:p", f"tokens/{name}") for name in ("month", "day", "minute"))
METERS = (MONTH, DAY, MINUTE)
Shape = tuple[frozenset[Key], int]
ROOM = st.fixed_dictionaries(dict.fromkeys(METERS, st.integers(0, 12)))
LIFTS = st.frozensets(st.sampled_from(METERS), min_size=1)
SHAPES = st.lists(st.tuples(LIFTS, st.integers(0, 8)), max_size=6)
PERIODS = st.lists(st.tuples(st.just(frozenset([MONTH, DAY])), st.integers(0, 8)), max_size=6)


def grant_key(number: int) -> Key:
    return MONTH._replace(resource=grant_resource("tokens", number))


def supplies(shapes: list[Shape]) -> list[Supply]:
    return [Supply(grant_key(number), lifts, left) for number, (lifts, left) in enumerate(shapes)]


def counted(split_: Split, units: int) -> dict[Key, int]:
    """How many of the first units count on each holding."""
    totals: dict[Key, int] = {}
    for key, first, quantity in split_.parts:
        totals[key] = totals.get(key, 0) + max(0, min(units - first, quantity))
    return {key: total for key, total in totals.items() if total}


def test_the_own_limit_comes_first_and_grants_follow_in_order() -> None:
    room = {MONTH: 3, DAY: 100, MINUTE: 100}
    periods = frozenset([MONTH, DAY])
    found = split(10, room, supplies([(periods, 4), (periods, 50)]))
    assert found == Split(
        (
            Part(MONTH, 0, 3),
            Part(DAY, 0, 3),
            Part(MINUTE, 0, 10),
            Part(grant_key(0), 3, 4),
            Part(grant_key(1), 7, 3),
        ),
        10,
        frozenset(),
    )


def test_what_settles_for_less_gives_back_the_last_grant_first() -> None:
    periods = frozenset([MONTH])
    found = split(10, {MONTH: 3}, supplies([(periods, 4), (periods, 50)]))
    assert counted(found, 8) == {MONTH: 3, grant_key(0): 4, grant_key(1): 1}
    assert counted(found, 5) == {MONTH: 3, grant_key(0): 2}
    assert counted(found, 2) == {MONTH: 2}
    assert counted(found, 0) == {}


def test_a_meter_that_nothing_lifts_refuses_and_is_named() -> None:
    found = split(10, {MONTH: 0, MINUTE: 6}, supplies([(frozenset([MONTH]), 50)]))
    assert (found.reached, found.lacking) == (6, frozenset([MINUTE]))


def test_no_grant_is_used_up_for_a_meter_that_another_one_lifts_anyway() -> None:
    room = {MONTH: 0, DAY: 0}
    both = frozenset([MONTH, DAY])
    found = split(10, room, supplies([(frozenset([DAY]), 6), (both, 7), (frozenset([MONTH]), 3)]))
    assert found.reached == 10
    assert counted(found, 10) == {grant_key(0): 3, grant_key(1): 7, grant_key(2): 3}


def test_no_more_grants_are_read_than_needed() -> None:
    read = []

    def endless() -> Iterator[Supply]:
        for number in range(1000):
            read.append(number)
            yield Supply(grant_key(number), frozenset([MONTH]), 10)

    assert split(25, {MONTH: 5}, endless()).reached == 25
    assert read == [0, 1]
    read.clear()
    assert split(5, {MONTH: 5}, endless()).reached == 5
    assert read == []


def test_what_may_go_beyond_a_limit_counts_on_the_meter_itself() -> None:
    debt = Supply(MONTH, frozenset([MONTH]), 100)
    found = split(10, {MONTH: 3, MINUTE: 10}, [*supplies([(frozenset([MONTH]), 4)]), debt])
    assert found.parts == (
        Part(MONTH, 0, 3),
        Part(MONTH, 7, 3),
        Part(MINUTE, 0, 10),
        Part(grant_key(0), 3, 4),
    )


@given(ROOM, SHAPES, st.integers(0, 40))
def test_every_unit_counts_once_on_each_meter_or_on_a_grant_that_lifts_it(
    room: dict[Key, int], shapes: list[Shape], quantity: int
) -> None:
    found = split(quantity, room, supplies(shapes))
    lifts = {grant_key(number): lifted for number, (lifted, _) in enumerate(shapes)}
    for unit in range(found.reached):
        on = [key for key, first, length in found.parts if first <= unit < first + length]
        assert len(on) == len(set(on))
        for meter in METERS:
            lifted = any(meter in lifts.get(key, ()) for key in on)
            assert (meter in on) != lifted


@given(ROOM, SHAPES, st.integers(0, 40))
def test_nothing_gives_more_than_it_has(room: dict[Key, int], shapes: list[Shape], quantity: int) -> None:
    found = split(quantity, room, supplies(shapes))
    totals = counted(found, quantity)
    assert all(totals.get(meter, 0) <= room[meter] for meter in METERS)
    assert all(totals.get(grant_key(number), 0) <= left for number, (_, left) in enumerate(shapes))
    assert (found.reached == quantity) == (not found.lacking)


@given(ROOM, PERIODS, st.integers(0, 40))
def test_of_grants_that_lift_the_same_there_is_as_much_as_they_are_in_all(
    room: dict[Key, int], shapes: list[Shape], quantity: int
) -> None:
    total = sum(left for _, left in shapes)
    most = min(room[MINUTE], room[MONTH] + total, room[DAY] + total)
    found = split(quantity, room, supplies(shapes))
    assert found.reached == min(quantity, most)
    drawn = counted(found, quantity)
    parts = [part for part in found.parts if part.key not in METERS]
    # Own limits first, then the grants one after the other.
    own = min(room[MONTH], room[DAY])
    assert sum(part.quantity for part in parts) == max(0, found.reached - own)
    for number, (_, left) in enumerate(shapes):
        if drawn.get(grant_key(number), 0) < left:
            assert all(drawn.get(grant_key(later), 0) == 0 for later in range(number + 1, len(shapes)))
            break


@given(ROOM, SHAPES, st.integers(0, 20), st.integers(0, 20))
def test_two_imports_are_split_as_one_of_both_is(
    room: dict[Key, int], shapes: list[Shape], first: int, second: int
) -> None:
    whole = split(first + second, room, supplies(shapes))
    one = split(first, room, supplies(shapes))
    if one.lacking:
        assert (whole.reached, whole.lacking) == (one.reached, one.lacking)
        return
    before = counted(one, first)
    left = {key: free - before.get(key, 0) for key, free in room.items()}
    shrunk = [(lifts, amount - before.get(grant_key(n), 0)) for n, (lifts, amount) in enumerate(shapes)]
    two = split(second, left, supplies(shrunk))
    assert first + two.reached == whole.reached
    after = counted(two, second)
    both = {key: before.get(key, 0) + after.get(key, 0) for key in before.keys() | after.keys()}
    assert both == counted(whole, whole.reached)


def test_the_names_of_grants_are_recognized() -> None:
    assert base_of_grant(grant_resource("llm.tokens", 12)) == "llm.tokens"
    assert base_of_grant("llm.tokens/grant-x") is None
    assert base_of_grant("llm.tokens/month") is None
