import pytest

from astakos.administration import event_kinds
from astakos.events.event import OPERATOR, Event
from astakos.events.notices import NOTICES, is_chosen, is_notice


def test_every_notice_is_of_an_event_that_happens() -> None:
    assert NOTICES.keys() <= event_kinds.KINDS


@pytest.mark.parametrize(
    ("kind", "chosen", "is_one"),
    [
        ("project.suspended", (), True),
        ("project.modified", (), False),
        ("project.modified", ("project",), True),
        ("project.modified", ("user", "project.modified"), True),
        ("project.modified", ("project.mod", "pro"), False),
    ],
)
def test_kinds_are_chosen_one_by_one_or_together(kind: str, chosen: tuple[str, ...], is_one: bool) -> None:
    assert is_chosen(Event(kind, OPERATOR), chosen) is is_one


@pytest.mark.parametrize(
    ("state", "is_told"), [("uninitialized", False), ("suspended", True), ("terminated", True), (None, False)]
)
def test_that_a_project_is_active_is_told_if_it_comes_back(state: str | None, is_told: bool) -> None:
    event = Event("project.activated", OPERATOR, before={"state": state} if state else None)
    assert is_notice(event) is is_told
    assert is_chosen(event, ()) is is_told
    assert is_chosen(event, ("project",))
