import pytest

from astakos.projects.project import Application, ApplicationState, Capacity, Policy
from astakos.storage.protocol import Database
from astakos.storage.tables import project_applications
from service.world import ALICE, CLOSED, LAB, LOADED

pytestmark = pytest.mark.every_engine

WHOLE = Application(
    0,
    LAB,
    ALICE.uuid,
    ApplicationState.PENDING,
    LOADED,
    "größe.example.org",
    ALICE.uuid,
    "https://größe.example",
    "a description",
    "a comment",
    LOADED + 1,
    LOADED + 2,
    Policy.AUTO,
    Policy.CLOSED,
    5,
    private=True,
    resources={"compute.vm": Capacity(4, 2)},
)
EMPTY = Application(0, LAB, ALICE.uuid, ApplicationState.PENDING, LOADED)


def test_applications_are_found_as_they_were_added(database: Database) -> None:
    for application in (WHOLE, EMPTY):
        with database.transaction() as connection:
            added = project_applications.add(connection, application)
        with database.transaction() as connection:
            assert project_applications.find(connection, added.id) == added
            assert project_applications.find_last(connection, LAB) == added
    assert added.private is None


def test_only_the_last_application_of_a_project_is_found_as_such(database: Database) -> None:
    with database.transaction() as connection:
        first = project_applications.add(connection, WHOLE)
        second = project_applications.add(connection, EMPTY)
        assert project_applications.pending_of(connection, LAB) == [first, second]
        project_applications.set_state(connection, first.id, ApplicationState.REPLACED)
        assert project_applications.pending_of(connection, LAB) == [second]
        assert project_applications.find_last(connection, LAB) == second
        assert project_applications.find_last(connection, CLOSED) is None
        assert project_applications.find(connection, second.id + 1) is None
