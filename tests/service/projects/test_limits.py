import pytest

from astakos.directory.entities import Resource
from astakos.ledger.rules import Key
from astakos.projects.limits import default_capacity, limits
from astakos.projects.project import Capacity, Membership, MembershipState, ProjectState

CAPACITIES = {"vm": Capacity(12, 10), "ram": Capacity(5, 0)}
PROJECT_VM, PROJECT_RAM = Key("project:p", None, "vm"), Key("project:p", None, "ram")
MEMBER_VM, MEMBER_RAM = Key("user:u", "project:p", "vm"), Key("user:u", "project:p", "ram")


def found(
    state: ProjectState, membership: MembershipState | None, *, ever_accepted: bool = True
) -> dict[Key, int]:
    memberships = [] if membership is None else [Membership("u", membership, ever_accepted)]
    return dict(limits("p", state, CAPACITIES, memberships))


@pytest.mark.parametrize("membership", [MembershipState.ACCEPTED, MembershipState.LEAVE_REQUESTED])
def test_members_of_an_active_project_may_draw_from_it(membership: MembershipState) -> None:
    assert found(ProjectState.ACTIVE, membership) == {
        PROJECT_VM: 12,
        PROJECT_RAM: 5,
        MEMBER_VM: 10,
        MEMBER_RAM: 0,
    }


@pytest.mark.parametrize(
    "membership",
    sorted(set(MembershipState) - {MembershipState.ACCEPTED, MembershipState.LEAVE_REQUESTED}),
)
def test_who_was_a_member_once_keeps_holdings_without_limit(membership: MembershipState) -> None:
    assert found(ProjectState.ACTIVE, membership) == {
        PROJECT_VM: 12,
        PROJECT_RAM: 5,
        MEMBER_VM: 0,
        MEMBER_RAM: 0,
    }


def test_who_never_was_a_member_has_no_holdings() -> None:
    without = found(ProjectState.ACTIVE, None)
    assert found(ProjectState.ACTIVE, MembershipState.REQUESTED, ever_accepted=False) == without
    assert set(without) == {PROJECT_VM, PROJECT_RAM}


@pytest.mark.parametrize("state", [ProjectState.SUSPENDED, ProjectState.TERMINATED])
@pytest.mark.parametrize("membership", [MembershipState.ACCEPTED, MembershipState.SUSPENDED])
def test_from_a_stopped_project_nobody_may_draw(state: ProjectState, membership: MembershipState) -> None:
    assert found(state, membership) == dict.fromkeys([PROJECT_VM, PROJECT_RAM, MEMBER_VM, MEMBER_RAM], 0)


@pytest.mark.parametrize("state", [ProjectState.UNINITIALIZED, ProjectState.DELETED])
def test_a_project_that_never_began_has_no_holdings(state: ProjectState) -> None:
    assert found(state, MembershipState.ACCEPTED) == {}


def test_the_default_of_a_system_project_is_another_than_that_of_a_project() -> None:
    resource = Resource(1, "vm", "s", "t", None, "", 4, 7, ui_visible=True, api_visible=True)
    assert default_capacity(resource, system_project=True) == Capacity(4, 4)
    assert default_capacity(resource, system_project=False) == Capacity(7, 7)
