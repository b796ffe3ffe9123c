from typing import Any

import pytest

from astakos.ledger.rules import UNLIMITED
from astakos.projects.project import Application, ApplicationState, Capacity
from astakos.storage.protocol import Database
from astakos.storage.tables import project_applications
from service.caller import Caller
from service.command import astakos, refused
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    CLOSED,
    COMPUTE_TOKEN,
    HALTED,
    LAB,
    LOADED,
    PEOPLE,
    RAM,
    UNKNOWN_UUID,
    VM,
    member_key,
    project_key,
)

pytestmark = pytest.mark.every_engine


def apply(database: Database) -> int:
    """Lets Alice apply for a change of the lab."""
    asked = Application(
        0,
        LAB,
        ALICE.uuid,
        ApplicationState.PENDING,
        LOADED,
        max_members=UNLIMITED,
        resources={VM: Capacity(20, 5)},
    )
    return database.change(lambda connection: project_applications.add(connection, asked).id)


def listed(database: Database, *options: str) -> list[Any]:
    found = astakos(database, "project", "list", "--json", *options)
    assert (found.status, found.errors) == (0, "")
    return [project["uuid"] for project in found.document]


def test_projects_are_listed_without_those_that_have_ended(database: Database) -> None:
    lab, halted = astakos(database, "project", "list", "--json").document
    assert lab == {
        "name": "lab.example.org",
        "uuid": LAB,
        "state": "active",
        "owner": ALICE.email,
        "members": 2,
        "max_members": 5,
        "pending_application": None,
        "end_date": "2099-01-02T03:04:05+00:00",
        "parent": None,
    }
    assert (halted["uuid"], halted["owner"], halted["members"]) == (HALTED, BOB.email, 2)
    table = astakos(database, "project", "list").output
    assert len(table.splitlines()) == 3
    assert "unlimited" in table


def test_a_list_can_be_narrowed(database: Database) -> None:
    assert listed(database, "--state", "terminated", "--state", "active") == [LAB, CLOSED]
    assert listed(database, "--owner", BOB.email) == [HALTED]
    assert listed(database, "--owner", CHLOE.email) == []
    assert listed(database, "--member", ALICE.uuid) == [LAB, HALTED]
    assert listed(database, "--member", CHLOE.email, "--state", "terminated") == []
    assert listed(database, "--pending") == []


def test_what_waits_for_a_decision_is_found(database: Database) -> None:
    number = apply(database)
    assert listed(database, "--pending") == [LAB]
    assert astakos(database, "project", "list", "--json").document[0]["pending_application"] == number


@pytest.mark.parametrize("name", [LAB, "lab.example.org"])
@pytest.mark.ledger
def test_a_project_is_shown_with_its_limits_and_its_application(
    database: Database, service: Caller, name: str
) -> None:
    service.issued(COMPUTE_TOKEN, (member_key(ALICE), 6), (project_key(), 6))
    number = apply(database)
    found = astakos(database, "project", "show", name, "--json").document
    assert (found["uuid"], found["state"], found["owner"], found["members"]) == (
        LAB,
        "active",
        ALICE.email,
        2,
    )
    assert (found["join_policy"], found["private"], found["homepage"]) == ("moderated", False, None)
    assert {
        "resource": VM,
        "project_capacity": 12,
        "member_capacity": 10,
        "usage": 6,
        "pending": 6,
    } in found["resources"]
    application = found["last_application"]
    assert (application["id"], application["applicant"], application["state"]) == (
        number,
        ALICE.email,
        "pending",
    )
    assert application["resources"] == {VM: {"project": 20, "member": 5}}
    assert (application["max_members"], application["name"]) == (UNLIMITED, None)
    text = astakos(database, "project", "show", name).output
    assert f"{VM} 20 (5 for each member)" in text
    assert "policy" in text


def test_a_project_without_an_application_is_shown(database: Database) -> None:
    shown = astakos(database, "project", "show", ALICE.uuid)
    assert (shown.status, shown.errors) == (0, "")
    assert "application" not in shown.output
    assert astakos(database, "project", "show", ALICE.uuid, "--json").document["last_application"] is None


@pytest.mark.ledger
def test_usage_is_shown_by_member_and_by_size(database: Database, service: Caller) -> None:
    for person, quantity in ((ALICE, 2), (BOB, 5)):
        service.issued(
            COMPUTE_TOKEN, (member_key(person), quantity), (project_key(), quantity), auto_accept=True
        )
    everything = astakos(database, "project", "usage", LAB, "--json").document
    assert {row["email"] for row in everything} == {ALICE.email, BOB.email}
    assert {VM, RAM} <= {row["resource"] for row in everything}
    sorted_rows = astakos(
        database, "project", "usage", LAB, "--json", "--resource", VM, "--sort", "usage", "--limit", "1"
    )
    assert sorted_rows.document == [
        {
            "email": BOB.email,
            "user": BOB.uuid,
            "state": "accepted",
            "resource": VM,
            "usage": 5,
            "pending": 0,
            "limit": 10,
        }
    ]
    assert "more than this one entry" in sorted_rows.errors
    of_alice = astakos(database, "project", "usage", LAB, "--user", ALICE.email, "--resource", VM).output
    assert len(of_alice.splitlines()) == 2


def test_what_has_happened_to_a_project_is_shown(database: Database) -> None:
    for action in ("suspend", "unsuspend"):
        assert astakos(database, "project", action, LAB, "--reason", action).status == 0
    assert astakos(database, "project", "suspend", ALICE.uuid).status == 0
    newest, older = astakos(
        database, "project", "events", "lab.example.org", "--json", "--limit", "2"
    ).document
    assert (newest["kind"], newest["reason"]) == ("project.activated", "unsuspend")
    assert (older["kind"], older["reason"]) == ("project.suspended", "suspend")
    assert {newest["project"], older["project"]} == {LAB}
    assert "project.suspended" in astakos(database, "project", "events", LAB).output


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("show", UNKNOWN_UUID), "there is no project"),
        (("events", UNKNOWN_UUID), "there is no project"),
        (("usage", "nothing"), "there is no project 'nothing'; name it by its UUID or its whole name"),
        (("usage", LAB, "--resource", "nothing"), "there is no resource 'nothing'"),
        (("usage", LAB, "--user", "nobody"), "there is no user 'nobody'"),
        (("list", "--owner", "nobody"), "there is no user 'nobody'"),
        (("admins", "--add", "nobody"), "there is no user 'nobody'"),
    ],
)
def test_what_is_not_there_is_said_in_one_line(
    database: Database, arguments: tuple[str, ...], reason: str
) -> None:
    assert refused(database, "project", *arguments).startswith(reason)


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "arguments",
    [("usage", LAB, "--sort", "usage"), ("list", "--state", "new"), ("usage", LAB, "--limit", "0")],
)
def test_a_wrong_use_is_told(database: Database, arguments: tuple[str, ...]) -> None:
    assert astakos(database, "project", *arguments).status == 2


def test_administrators_are_listed_added_and_removed(database: Database) -> None:
    def uuids(*options: str) -> list[str]:
        return [one["uuid"] for one in astakos(database, "project", "admins", "--json", *options).document]

    assert uuids() == [CHLOE.uuid]
    assert uuids("--add", BOB.email, "--add", CHLOE.uuid) == [CHLOE.uuid, BOB.uuid]
    assert uuids("--remove", CHLOE.email) == [BOB.uuid]
    assert BOB.email in astakos(database, "project", "admins").output
    assert uuids("--remove", BOB.email) == []
    assert len(PEOPLE) == len(astakos(database, "user", "list", "--json").document)
