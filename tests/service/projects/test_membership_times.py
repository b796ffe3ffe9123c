import pytest
from hypothesis import given
from hypothesis import strategies as st

from astakos.projects.membership_times import Times, enter, placed
from astakos.projects.project import Membership, MembershipRecord
from astakos.projects.project import MembershipState as S


@given(st.lists(st.tuples(st.sampled_from(S), st.integers(0, 3)), max_size=12))
def test_times_are_those_of_the_first_entries_and_of_the_last_request_to_leave(
    steps: list[tuple[S, int]],
) -> None:
    entered: Times = {}
    before: S | None = None
    now, history = 0, list[tuple[S, int]]()
    for state, pause in steps:
        now += pause
        entered = enter(entered, before, state, now)
        before = state
        history.append((state, now))
    assert set(entered) == {state for state, _ in history}
    for state, time in entered.items():
        entries = [position for position, (to, _) in enumerate(history) if to is state]
        first = entries[0]
        repeats = [at for at in entries if at > 0 and history[at - 1][0] is state]
        assert time == history[repeats[-1] if repeats else first][1]


@pytest.mark.parametrize(
    ("to", "way"),
    [
        (S.REQUESTED, [S.REQUESTED]),
        (S.REJECTED, [S.REQUESTED, S.REJECTED]),
        (S.ACCEPTED, [S.REQUESTED, S.ACCEPTED]),
        (S.REMOVED, [S.REQUESTED, S.ACCEPTED, S.REMOVED]),
    ],
)
def test_declared_memberships_have_come_the_usual_way(to: S, way: list[S]) -> None:
    assert placed("ann", None, to, 5) == Membership("ann", to, S.ACCEPTED in way, dict.fromkeys(way, 5))


def test_nobody_asks_to_be_a_member_of_their_own_project() -> None:
    membership = placed("ann", None, S.SUSPENDED, 5, asked=False)
    assert membership.entered == {S.ACCEPTED: 5, S.SUSPENDED: 5}


def test_declaring_what_is_so_already_keeps_its_times() -> None:
    known = MembershipRecord(1, "ann", "lab", S.ACCEPTED, {S.REQUESTED: 1, S.ACCEPTED: 2})
    assert placed("ann", known, S.ACCEPTED, 5).entered is None
    assert placed("ann", known, S.REMOVED, 5).entered == {**known.entered, S.REMOVED: 5}
