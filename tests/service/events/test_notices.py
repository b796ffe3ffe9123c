import pytest

from astakos.events.notices import NOTICES, is_chosen
from astakos.projects.endings import ENDING
from astakos.projects.handover import HANDED_OVER
from astakos.projects.membership_actions import TABLE, event_kind
from astakos.projects.project_events import OF_APPLICATIONS, REACHED


def test_every_notice_is_of_an_event_that_happens() -> None:
    memberships = {event_kind(row) for rows in TABLE.values() for row in rows}
    happening = {*REACHED.values(), *OF_APPLICATIONS.values(), *memberships, ENDING, HANDED_OVER}
    assert NOTICES.keys() - happening == {"feedback.sent"}


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
    assert is_chosen(kind, chosen) is is_one
