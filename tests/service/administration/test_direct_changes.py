"""Changes of a project without an application."""

import pytest

from astakos.administration.project_changes import change_project
from astakos.events.event import OPERATOR, Actor
from astakos.projects.project import Capacity, ProjectState
from astakos.projects.refusals import ProjectRefusedError, RefusalKind
from astakos.projects.specification import Specification
from astakos.storage.protocol import Database
from astakos.storage.tables import projects
from service.installation import all_rows, last_event
from service.world import ALICE, CLOSED, HALTED, LAB, LOADED, VM

pytestmark = pytest.mark.every_engine


def change(database: Database, project: str, asked: Specification, actor: Actor = OPERATOR) -> bool:
    return database.change(
        lambda connection: change_project(connection, actor, project, asked, "why", LOADED)
    )


def test_it_counts_at_once_and_is_recorded(database: Database) -> None:
    asked = Specification(max_members=9, resources={VM: Capacity(20, 5)})
    assert change(database, LAB, asked)
    known = projects.find(database.reader(), LAB)
    assert known is not None
    assert (known.max_members, known.state) == (9, ProjectState.ACTIVE)
    kind, _, _, _, _, reason, before, after, *_ = last_event(database)[2:]
    assert (kind, reason) == ("project.modified", "why")
    assert '"project_capacity": 12' in str(before)
    assert '"max_members": 9' in str(after)


def test_what_is_like_that_already_is_not_recorded(database: Database) -> None:
    before = all_rows(database)
    assert not change(database, LAB, Specification(max_members=5, resources={VM: Capacity(12, 10)}))
    assert all_rows(database) == before


def test_a_name_that_is_held_is_free_for_those_that_have_ended(database: Database) -> None:
    with pytest.raises(ProjectRefusedError, match=f"the project {LAB} has the name") as refused:
        change(database, HALTED, Specification(name="lab.example.org"))
    assert refused.value.kind is RefusalKind.CONFLICT
    assert change(database, CLOSED, Specification(name="lab.example.org"))


def test_an_owner_has_to_apply(database: Database) -> None:
    with pytest.raises(ProjectRefusedError) as refused:
        change(database, LAB, Specification(max_members=9), Actor(ALICE.uuid, "command"))
    assert refused.value.kind is RefusalKind.FORBIDDEN
