"""The system project of a user whom a document describes again."""

import pytest

from astakos.administration.load import load
from astakos.administration.project_changes import act_on_application, act_on_project, modify_project
from astakos.administration.state_document import StateDocument
from astakos.events.event import OPERATOR
from astakos.projects.project import Policy, Project, ProjectState
from astakos.projects.project_actions import ApplicationAction, ProjectAction
from astakos.projects.specification import Specification
from astakos.storage.protocol import Database
from astakos.storage.tables import projects
from service.world import ALICE, LOADED, VM, users

pytestmark = pytest.mark.every_engine
NOW = LOADED + 7


def load_alice(database: Database, *, is_active: bool = True, machines: int = 4) -> None:
    entry = users()[0]
    entry.is_active, entry.quotas = is_active, {VM: machines}
    entry.password = entry.token = entry.token_created = entry.token_expires = None
    load(database, StateDocument(users=[entry]), NOW)


def own(database: Database) -> Project:
    found = projects.find(database.reader(), ALICE.uuid)
    assert found is not None
    return found


def act(database: Database, action: ProjectAction) -> None:
    database.change(lambda connection: act_on_project(connection, OPERATOR, action, ALICE.uuid, "why", NOW))


def test_what_an_administrator_changed_stays(database: Database) -> None:
    asked = Specification(max_members=3, join_policy=Policy.AUTO, private=False, comments="c")
    submitted = database.change(
        lambda connection: modify_project(connection, OPERATOR, ALICE.uuid, asked, NOW)
    )
    database.change(
        lambda connection: act_on_application(
            connection, OPERATOR, ApplicationAction.APPROVE, *submitted, "why", NOW
        )
    )
    act(database, ProjectAction.SUSPEND)
    changed = own(database)
    assert (changed.max_members, changed.state, changed.deactivated) == (3, ProjectState.SUSPENDED, NOW)
    load_alice(database, machines=6)
    assert own(database) == changed
    assert projects.capacities_of(database.reader(), ALICE.uuid)[VM].project == 6


def test_it_follows_the_user_unless_an_administrator_decided_meanwhile(database: Database) -> None:
    for _ in range(2):
        load_alice(database, is_active=False)
        assert own(database).state is ProjectState.SUSPENDED
    load_alice(database)
    assert own(database).state is ProjectState.ACTIVE
    load_alice(database, is_active=False)
    act(database, ProjectAction.UNSUSPEND)
    act(database, ProjectAction.SUSPEND)
    load_alice(database)
    assert own(database).state is ProjectState.SUSPENDED
