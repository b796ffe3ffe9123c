"""The table of a connection's life."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astakos.server.states import TRANSITIONS, Event, State, after


def test_from_every_state_but_the_last_there_is_a_way_to_the_next_request_or_the_end() -> None:
    ways = {
        state: {target for (origin, _), target in TRANSITIONS.items() if origin is state} for state in State
    }
    reached = {State.IDLE}
    while True:
        more = {target for state in reached for target in ways[state]} - reached
        if not more:
            break
        reached |= more
    assert reached == set(State)
    assert all(State.CLOSED in targets for targets in ways.values())


def test_after_the_last_answer_nothing_but_the_end_follows() -> None:
    for state in (State.LINGERING, State.CLOSED):
        assert {event for origin, event in TRANSITIONS if origin is state} == {Event.CLOSED}


@given(st.lists(st.sampled_from(Event)))
def test_no_course_has_two_answers_for_one_request(events: list[Event]) -> None:
    state, begun, answered = State.IDLE, 0, 0
    for event in events:
        if (state, event) not in TRANSITIONS:
            continue
        state = after(state, event)
        begun += event is Event.BEGUN
        answered += event in {Event.ANSWERED, Event.ANSWERED_EARLY, Event.ANSWERED_LAST}
        assert answered <= begun <= answered + 1


def test_what_cannot_happen_is_a_defect() -> None:
    with pytest.raises(LookupError):
        after(State.IDLE, Event.ANSWERED)
