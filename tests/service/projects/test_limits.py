import pytest

from astakos.directory.entities import Resource
from astakos.ledger.rules import UNLIMITED
from astakos.projects.limits import default_capacity, granted, own_limit
from astakos.projects.project import Capacity, MembershipState, ProjectState

CAPACITIES = {"vm": Capacity(12, 10), "ram": Capacity(5, 0)}
DRAWING = {MembershipState.ACCEPTED, MembershipState.LEAVE_REQUESTED}


def test_an_active_project_allows_its_capacities() -> None:
    assert granted(ProjectState.ACTIVE, CAPACITIES) == CAPACITIES


@pytest.mark.parametrize("state", sorted(set(ProjectState) - {ProjectState.ACTIVE}))
def test_any_other_project_allows_nothing(state: ProjectState) -> None:
    assert granted(state, CAPACITIES) == {"vm": Capacity(0, 0), "ram": Capacity(0, 0)}


@pytest.mark.parametrize("state", sorted(MembershipState))
def test_members_draw_while_they_are_accepted_or_about_to_leave(state: MembershipState) -> None:
    assert own_limit(state) == (UNLIMITED if state in DRAWING else 0)
    assert own_limit(state, 5) == (5 if state in DRAWING else 0)


def test_the_default_of_a_system_project_is_another_than_that_of_a_project() -> None:
    resource = Resource(1, "vm", "s", "t", None, "", 4, 7, ui_visible=True, api_visible=True)
    assert default_capacity(resource, system_project=True) == Capacity(4, 4)
    assert default_capacity(resource, system_project=False) == Capacity(7, 7)
