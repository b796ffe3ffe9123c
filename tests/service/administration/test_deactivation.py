import pytest

from astakos.administration.deactivation import restore_all, suspend_all
from astakos.administration.membership_changes import act
from astakos.administration.project_changes import act_on_project
from astakos.directory.entities import User
from astakos.events.event import OPERATOR
from astakos.projects.membership_actions import MembershipAction
from astakos.projects.project import MembershipState, ProjectState
from astakos.projects.project_actions import ProjectAction
from astakos.storage.protocol import Database
from astakos.storage.tables import memberships, projects, users
from service.installation import holdings, rows
from service.world import ALICE, BOB, HALTED, LAB, LOADED, Person, member_key, project_key

pytestmark = pytest.mark.every_engine

LATER = LOADED + 5


def user(database: Database, person: Person) -> User:
    found = database.read(lambda connection: users.find_by_uuid(connection, person.uuid))
    assert found is not None
    return found


def suspend(database: Database, person: Person) -> None:
    account = user(database, person)
    database.change(lambda connection: suspend_all(connection, OPERATOR, account, "gone", LATER))


def restore(database: Database, person: Person) -> None:
    account = user(database, person)
    database.change(lambda connection: restore_all(connection, OPERATOR, account, "", LATER + 1))


def states(database: Database, person: Person) -> dict[str, tuple[str, dict[MembershipState, int]]]:
    found = database.read(lambda connection: memberships.list_of_user(connection, person.uuid))
    return {one.project: (one.state.value, dict(one.entered)) for one in found}


def state_of(database: Database, project: str) -> ProjectState:
    found = database.read(lambda connection: projects.find(connection, project))
    assert found is not None
    return found.state


def kinds(database: Database) -> list[tuple[object, ...]]:
    return rows(database, "SELECT kind, project, reason FROM events WHERE time > ? ORDER BY id", LOADED)


def test_what_a_user_has_is_suspended_and_restored(database: Database) -> None:
    before = holdings(database)
    suspend(database, ALICE)
    assert {project: state for project, (state, _) in states(database, ALICE).items()}[LAB] == "suspended"
    assert state_of(database, LAB) is ProjectState.SUSPENDED
    assert state_of(database, ALICE.uuid) is ProjectState.SUSPENDED
    limits = holdings(database)
    assert (
        limits[member_key(ALICE)].limit == limits[member_key(BOB)].limit == limits[project_key()].limit == 0
    )
    restore(database, ALICE)
    assert holdings(database) == before
    assert states(database, ALICE)[LAB] == (
        "accepted",
        {
            MembershipState.REQUESTED: LOADED,
            MembershipState.ACCEPTED: LOADED,
            MembershipState.SUSPENDED: LATER,
        },
    )
    assert state_of(database, LAB) is ProjectState.ACTIVE


def test_each_of_them_is_an_event(database: Database) -> None:
    suspend(database, BOB)
    assert kinds(database) == [
        ("project.suspended", BOB.uuid, "gone"),
        ("membership.suspended", BOB.uuid, "gone"),
        ("membership.suspended", LAB, "gone"),
        ("membership.suspended", HALTED, "gone"),
    ]
    restore(database, BOB)
    assert {kind for kind, *_ in kinds(database)[4:]} == {"project.activated", "membership.unsuspended"}
    assert len(kinds(database)) == 8


def test_a_wish_to_leave_is_forgotten(database: Database) -> None:
    assert states(database, BOB)[HALTED][0] == "leave_requested"
    suspend(database, BOB)
    restore(database, BOB)
    assert states(database, BOB)[HALTED][0] == "accepted"


def test_what_was_decided_since_stays(database: Database) -> None:
    suspend(database, ALICE)
    (number,) = (
        one.id
        for one in database.read(lambda connection: memberships.list_of_user(connection, ALICE.uuid))
        if one.project == HALTED
    )
    database.change(lambda connection: act(connection, OPERATOR, number, MembershipAction.REMOVE, LATER))
    database.change(
        lambda connection: act_on_project(connection, OPERATOR, ProjectAction.TERMINATE, LAB, "", LATER)
    )
    restore(database, ALICE)
    assert states(database, ALICE)[HALTED][0] == "removed"
    assert state_of(database, LAB) is ProjectState.TERMINATED


def test_what_was_suspended_before_stays_suspended(database: Database) -> None:
    suspend(database, BOB)
    restore(database, BOB)
    assert state_of(database, HALTED) is ProjectState.SUSPENDED
