"""The last refusals in memory: bounded, and fair to those who are refused seldom."""

from hypothesis import given
from hypothesis import strategies as st

from astakos.ledger.alerts import Refused
from astakos.ledger.recent_refusals import RecentRefusals, RefusalsWanted
from astakos.ledger.rules import Key, NoCapacity, Provision

ALL = RefusalsWanted(10_000)


def refused(component: int, holder: str, quantity: int = 1, resource: str = "vm") -> Refused:
    key = Key(holder, "project", resource)
    return Refused(component, holder, NoCapacity(Provision(key, quantity), 7, 9))


def test_the_newest_come_first_and_say_what_there_was() -> None:
    recent = RecentRefusals()
    recent.add([refused(1, "ada", 3)], 10)
    recent.add([refused(2, "ada", 4, "ram"), refused(1, "ben", 5)], 20)
    assert [one.time for one in recent.find(ALL)] == [20, 20, 10]
    (first,) = recent.find(RefusalsWanted(10, ("ada",), ("vm",)))
    assert (first.component, first.key.source, first.available, first.limit) == (1, "project", 2, 9)
    assert recent.find(RefusalsWanted(1, ("ada",)))[0].requested == 4
    assert recent.find(RefusalsWanted(10, ("nobody",))) == recent.find(RefusalsWanted(10, None, ())) == []


def test_a_long_name_is_kept_in_part() -> None:
    recent = RecentRefusals()
    recent.add([refused(1, "ada")._replace(name="n" * 4096)], 10)
    assert recent.find(ALL)[0].name == f"{'n' * 100}…"


def test_a_component_that_is_refused_all_the_time_pushes_out_its_own_only() -> None:
    recent = RecentRefusals(most=50, most_of_holder=3)
    recent.add([refused(1, "ada", number) for number in range(5)], 1)
    recent.add([refused(2, f"holder {number}") for number in range(1000)], 2)
    found = recent.find(ALL)
    assert len(found) == 50
    assert [one.requested for one in found if one.component == 1] == [2, 3, 4]
    assert {one.holder for one in found if one.component == 2} == {f"holder {n}" for n in range(953, 1000)}


@given(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from("abcdefgh")), max_size=200),
    st.integers(1, 20),
    st.integers(1, 5),
)
def test_it_is_bounded_and_keeps_the_last_of_everybody_as_long_as_it_can(
    happened: list[tuple[int, str]], most: int, most_of_holder: int
) -> None:
    recent = RecentRefusals(most, most_of_holder)
    for time, (component, holder) in enumerate(happened):
        recent.add([refused(component, holder)], time)
    found = recent.find(ALL)
    assert len(found) <= most
    times: dict[tuple[int, str], list[int]] = {}
    for time, pair in enumerate(happened):
        times.setdefault(pair, []).append(time)
    for pair, all_of_pair in times.items():
        kept = sorted(one.time for one in found if (one.component, one.holder) == pair)
        assert kept == all_of_pair[len(all_of_pair) - len(kept) :]
        assert len(kept) <= most_of_holder
    if happened and most >= 3:
        assert found[0].time == len(happened) - 1
