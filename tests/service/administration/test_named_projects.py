import re
from dataclasses import replace

import pytest

from astakos.administration.named_projects import MOST_LISTED, find_applied_project, find_project
from astakos.administration.state_document import StateError
from astakos.projects.project import Application, ApplicationState, Project, ProjectState
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import project_applications, projects
from service.world import BOB, CLOSED, LAB, LOADED

pytestmark = pytest.mark.every_engine


def more(database: Database, name: str, *states: ProjectState) -> list[str]:
    """Adds projects with a name; returns their uuids."""

    def add(connection: Connection) -> list[str]:
        pattern = projects.find(connection, LAB)
        assert pattern is not None
        uuids = []
        for number, state in enumerate(states):
            uuids.append(f"000000b{number}-0000-4000-8000-0000000000b{number}")
            projects.save(connection, replace(pattern, uuid=uuids[-1], name=name, state=state))
        return uuids

    return database.change(add)


def found(database: Database, name: str) -> Project:
    return find_project(database.reader(), name)


@pytest.mark.parametrize("name", [LAB, LAB.upper(), "lab.example.org"])
def test_a_project_is_found_by_its_uuid_and_by_its_name(database: Database, name: str) -> None:
    assert found(database, name).uuid == LAB


def test_one_that_has_ended_counts_only_while_no_other_has_its_name(database: Database) -> None:
    assert found(database, "closed.example.org").uuid == CLOSED
    (uuid,) = more(database, "closed.example.org", ProjectState.UNINITIALIZED)
    assert found(database, "closed.example.org").uuid == uuid


def test_a_deleted_one_counts_only_while_there_is_no_other(database: Database) -> None:
    more(database, "closed.example.org", ProjectState.DELETED)
    assert found(database, "closed.example.org").uuid == CLOSED
    (uuid,) = more(database, "never.example.org", ProjectState.DELETED)
    assert found(database, "never.example.org").uuid == uuid


def test_a_name_means_the_project_that_holds_it(database: Database) -> None:
    more(database, "lab.example.org", ProjectState.UNINITIALIZED, ProjectState.TERMINATED)
    assert found(database, "lab.example.org").uuid == LAB


def test_where_one_is_to_be_decided_a_name_means_what_was_applied_for(database: Database) -> None:
    def applied() -> str:
        return find_applied_project(database.reader(), "lab.example.org", ApplicationState.PENDING).uuid

    def apply(project: str) -> None:
        asked = Application(0, project, BOB.uuid, ApplicationState.PENDING, LOADED)
        database.change(lambda connection: project_applications.add(connection, asked))

    (uuid,) = more(database, "lab.example.org", ProjectState.UNINITIALIZED)
    assert applied() == LAB
    apply(uuid)
    assert applied() == uuid
    apply(LAB)
    with pytest.raises(StateError, match="2 projects are named"):
        applied()


def test_several_of_a_name_are_told_apart(database: Database) -> None:
    first, second = more(database, "new.example.org", *[ProjectState.UNINITIALIZED] * 2)
    with pytest.raises(StateError) as refused:
        found(database, "new.example.org")
    told = f"name one by its UUID: {first} (uninitialized), {second} (uninitialized)"
    assert str(refused.value) == f"2 projects are named 'new.example.org'; {told}"


def test_not_all_of_many_are_listed(database: Database) -> None:
    more(database, "old.example.org", *[ProjectState.TERMINATED] * (MOST_LISTED + 1))
    with pytest.raises(StateError, match="11 projects are named") as refused:
        found(database, "old.example.org")
    assert len(re.findall("terminated", str(refused.value))) == MOST_LISTED


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("name", ["", "lab", "LAB.example.org", "nul\0"])
def test_what_no_project_is_named_is_refused(database: Database, name: str) -> None:
    with pytest.raises(StateError, match="there is no project"):
        found(database, name)
