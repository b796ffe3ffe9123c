"""What operators, who are no users, do to projects; callers of the API are tested in `http/projects`."""

from typing import Any

import pytest

from astakos.administration.project_changes import (
    act_on_application,
    act_on_project,
    create_project,
    modify_project,
)
from astakos.clock import from_iso
from astakos.events.event import OPERATOR, Actor
from astakos.projects.project import Application, ApplicationState, ProjectState
from astakos.projects.project_actions import ApplicationAction, ProjectAction
from astakos.projects.refusals import ProjectRefusedError, RefusalKind
from astakos.projects.specification import Specification
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import project_applications, projects
from service.installation import all_rows
from service.world import ALICE, BOB, CLOSED, DORA, GREG, LAB, LOADED, UNKNOWN_UUID

pytestmark = pytest.mark.every_engine
END = "2098-01-01T00:00:00Z"
OWNER = Actor(ALICE.uuid, "192.0.2.7")


def application(database: Database, number: int) -> Application:
    found = project_applications.find(database.reader(), number)
    assert found is not None
    return found


def test_an_operator_applies_for_the_owner(database: Database) -> None:
    asked = Specification(name="new.example.org", end_date=END, owner=BOB.uuid)
    uuid, number = database.change(lambda connection: create_project(connection, OPERATOR, asked, LOADED))
    assert application(database, number).applicant == BOB.uuid
    project = projects.find(database.reader(), uuid)
    assert project is not None
    assert (project.owner, project.state) == (BOB.uuid, ProjectState.UNINITIALIZED)
    assert (project.creation_date, project.end_date) == (LOADED, from_iso(END))


def test_an_operator_must_name_the_owner(database: Database) -> None:
    asked = Specification(name="new.example.org", end_date=END)
    with pytest.raises(ProjectRefusedError, match="the owner is missing; name the user") as refused:
        database.change(lambda connection: create_project(connection, OPERATOR, asked, LOADED))
    assert refused.value.kind is RefusalKind.INVALID


@pytest.mark.parametrize("owner", [DORA.uuid, GREG.uuid, UNKNOWN_UUID])
def test_only_accepted_users_can_own_a_project(database: Database, owner: str) -> None:
    asked = Specification(name="new.example.org", end_date=END, owner=owner)
    before = all_rows(database)
    with pytest.raises(ProjectRefusedError, match="the owner must be the UUID of an accepted user"):
        database.change(lambda connection: create_project(connection, OPERATOR, asked, LOADED))
    assert all_rows(database) == before


@pytest.mark.parametrize(("project", "applicant"), [(LAB, ALICE), (BOB.uuid, BOB)])
def test_an_operator_asks_for_changes_in_the_name_of_the_owner(
    database: Database, project: str, applicant: object
) -> None:
    asked = Specification(max_members=7)
    _, number = database.change(
        lambda connection: modify_project(connection, OPERATOR, project, asked, LOADED)
    )
    assert application(database, number).applicant == getattr(applicant, "uuid", None)


def test_a_project_without_an_owner_must_get_one(database: Database) -> None:
    def ask(**given: Any) -> int:
        asked = Specification(**given)
        return database.change(
            lambda connection: modify_project(connection, OPERATOR, CLOSED, asked, LOADED).application
        )

    before = all_rows(database)
    with pytest.raises(ProjectRefusedError, match="the project has no owner; name the user") as refused:
        ask(max_members=7)
    assert refused.value.kind is RefusalKind.INVALID
    assert all_rows(database) == before
    assert application(database, ask(owner=BOB.uuid)).applicant == BOB.uuid


def test_approval_takes_what_was_asked_for_last(database: Database) -> None:
    def live(connection: Connection) -> tuple[int, int]:
        _, first = modify_project(connection, OWNER, LAB, Specification(max_members=7), LOADED)
        _, second = modify_project(connection, OWNER, LAB, Specification(comments="c"), LOADED)
        act_on_application(connection, OPERATOR, ApplicationAction.APPROVE, LAB, second, "", LOADED)
        return first, second

    first, second = database.change(live)
    assert application(database, first).state is ApplicationState.REPLACED
    assert application(database, second).state is ApplicationState.APPROVED
    project = projects.find(database.reader(), LAB)
    assert project is not None
    assert (project.max_members, project.comments) == (5, "c")


def test_a_refusal_says_what_stands_in_the_way(database: Database) -> None:
    def act(action: ProjectAction) -> None:
        database.change(lambda connection: act_on_project(connection, OPERATOR, action, CLOSED, "", LOADED))

    with pytest.raises(
        ProjectRefusedError, match="the project is terminated; it must be active or suspended"
    ):
        act(ProjectAction.TERMINATE)
    with pytest.raises(ProjectRefusedError, match="the project is terminated, not suspended"):
        act(ProjectAction.UNSUSPEND)
