from typing import Any

import pytest

from astakos.administration import project_changes
from astakos.storage.protocol import Database
from service.caller import Caller
from service.http.projects.lives import (
    END,
    NEW,
    PROJECTS,
    act,
    activated,
    create,
    done,
    modified,
    modify,
    show,
)
from service.installation import rows
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    CLOSED,
    EDGAR,
    HALTED,
    HUGO,
    LAB,
    RAM,
    SPACE,
    TOTAL_RAM,
    UNKNOWN_UUID,
    VM,
    Person,
)

pytestmark = pytest.mark.every_engine


def test_a_project_is_shown_with_its_visible_resources_and_last_application(service: Caller) -> None:
    project, application = create(
        service, BOB, homepage="http://x.example", comments="please", start_date="2030-01-01T00:00:00Z"
    )
    document = show(service, project, BOB)
    created = document.pop("creation_date")
    assert created.endswith("+00:00")
    capacities = {VM: {"project_capacity": 6, "member_capacity": 2}}
    common = {
        "name": "new.example.org",
        "owner": BOB.uuid,
        "homepage": "http://x.example",
        "description": "",
        "end_date": END,
        "join_policy": "moderated",
        "leave_policy": "auto",
        "max_members": 2**63 - 1,
        "private": False,
        "resources": capacities,
    }
    assert document == {
        **common,
        "id": project,
        "state": "uninitialized",
        "system_project": False,
        "last_application": {
            **common,
            "id": application,
            "state": "pending",
            "applicant": BOB.uuid,
            "start_date": "2030-01-01T00:00:00+00:00",
            "comments": "please",
        },
    }


def test_resources_that_nobody_asked_for_get_defaults_on_first_activation(service: Caller) -> None:
    resources = show(service, activated(service))["resources"]
    assert resources == {
        VM: {"project_capacity": 6, "member_capacity": 2},
        RAM: {"project_capacity": 2**30, "member_capacity": 2**30},
        SPACE: {"project_capacity": 0, "member_capacity": 0},
    }
    assert TOTAL_RAM not in resources


def test_a_modification_sets_only_what_it_names(service: Caller) -> None:
    project = activated(service)
    before = show(service, project)
    application = modified(
        service, project, max_members="2k", resources={SPACE: {"project_capacity": 9, "member_capacity": 3}}
    )
    pending = show(service, project)
    asked = pending.pop("last_application")
    assert asked["state"] == "pending"
    assert {name: value for name, value in asked.items() if value not in (None, {})} == {
        "id": application,
        "state": "pending",
        "applicant": ALICE.uuid,
        "max_members": 2048,
        "resources": {SPACE: {"project_capacity": 9, "member_capacity": 3}},
    }
    assert {**pending, "last_application": before["last_application"]} == before
    done(service, project, "approve", app_id=application)
    after = show(service, project)
    assert after["last_application"]["state"] == "approved"
    del before["last_application"], after["last_application"]
    assert after == {
        **before,
        "max_members": 2048,
        "resources": {
            **before["resources"],
            SPACE: {"project_capacity": 9, "member_capacity": 3},
        },
    }


def test_a_newer_modification_replaces_a_pending_one(service: Caller) -> None:
    project = activated(service)
    older = modified(service, project, max_members=1)
    newer = modified(service, project, CHLOE, max_members=2)
    for action in ("approve", "cancel"):
        assert act(service, project, action, app_id=older).status == 409
    done(service, project, "approve", app_id=newer)
    assert show(service, project)["max_members"] == 2


def test_some_see_the_last_application_and_others_do_not(service: Caller) -> None:
    done(service, LAB, "suspend")
    done(service, LAB, "unsuspend")
    private = {"last_application", "deactivation_date"}
    for person in (ALICE, CHLOE):
        assert show(service, LAB, person).keys() >= private
    assert not show(service, LAB, BOB).keys() & private


@pytest.mark.parametrize(
    ("person", "project", "status"),
    [
        (BOB, LAB, 200),
        (ALICE, HALTED, 200),
        (BOB, HALTED, 200),
        (CHLOE, HALTED, 200),
        (ALICE, CLOSED, 200),
        (BOB, CLOSED, 403),
        (CHLOE, CLOSED, 200),
        (ALICE, ALICE.uuid, 200),
        (BOB, ALICE.uuid, 403),
        (ALICE, UNKNOWN_UUID, 404),
        (ALICE, "1", 404),
        (ALICE, "%00", 404),
        (EDGAR, LAB, 401),
    ],
)
def test_who_sees_which_project(standing_service: Caller, person: Person, project: str, status: int) -> None:
    assert standing_service.get(f"{PROJECTS}/{project}", person.token).status == status


def test_private_projects_are_seen_by_those_who_belong_to_them(service: Caller) -> None:
    project = activated(service, private=True)
    assert service.get(f"{PROJECTS}/{project}", BOB.token).status == 403
    assert show(service, project, ALICE)["private"] is True
    public = activated(service, name="public.example.org")
    assert show(service, public, BOB)["name"] == "public.example.org"


@pytest.mark.parametrize("method", ["POST", "DELETE", "PATCH"])
def test_other_methods_are_not_allowed(standing_service: Caller, method: str) -> None:
    reply = standing_service(method, f"{PROJECTS}/{LAB}", ALICE.token, document={})
    assert (reply.status, reply.headers["allow"]) == (405, "GET,PUT")


WRONG_TYPES: list[Any] = [
    [],
    "x",
    None,
    {"name": None},
    {"name": 5},
    {"owner": 5},
    {"homepage": 5},
    {"comments": []},
    {"description": {}},
    {"start_date": 5},
    {"end_date": None},
    {"join_policy": "x"},
    {"join_policy": None},
    {"leave_policy": "Auto"},
    {"leave_policy": None},
    {"max_members": None},
    {"max_members": 1.5},
    {"max_members": True},
    {"private": 1},
    {"private": "true"},
    {"resources": None},
    {"resources": []},
    {"resources": {VM: 5}},
    {"resources": {VM: {"project_capacity": 5}}},
    {"resources": {VM: {"project_capacity": "5", "member_capacity": 1}}},
    {"resources": {VM: {"project_capacity": 5, "member_capacity": None}}},
    {"resources": {VM: {"project_capacity": True, "member_capacity": 1}}},
]


@pytest.mark.parametrize("given", WRONG_TYPES, ids=repr)
def test_types_and_policies_are_checked_before_anything_else(standing_service: Caller, given: Any) -> None:
    changed = standing_service("PUT", f"{PROJECTS}/{UNKNOWN_UUID}", BOB.token, document=given)
    new = {**NEW, **given} if isinstance(given, dict) else given
    made = standing_service.post(PROJECTS, BOB.token, new)
    for reply in (changed, made):
        assert (reply.status, reply.fault) == (400, "badRequest")
        assert "The body is not valid" in reply.message


def test_the_message_lists_the_policies(service: Caller) -> None:
    reply = modify(service, LAB, join_policy="free")
    assert "Invalid enum value 'free'; allowed: auto, moderated, closed - at `$.join_policy`" in reply.message


WRONG_VALUES = [
    {"name": "lab"},
    {"name": "\0.example.org"},
    {"owner": UNKNOWN_UUID},
    {"owner": HUGO.uuid},
    {"owner": ""},
    {"owner": "\0"},
    {"homepage": "h" * 256},
    {"homepage": "javascript:alert(1)"},
    {"comments": "\0"},
    {"start_date": "x"},
    {"end_date": "2001-01-01T00:00:00Z"},
    {"end_date": "2098-01-01T00:00:00"},
    {"max_members": "abc"},
    {"max_members": 2**63},
    {"resources": {"gpu": {"project_capacity": 5, "member_capacity": 1}}},
    {"resources": {TOTAL_RAM: {"project_capacity": 5, "member_capacity": 1}}},
    {"resources": {VM: {"project_capacity": 5, "member_capacity": 6}}},
    {"resources": {VM: {"project_capacity": 2**70, "member_capacity": 6}}},
]


@pytest.mark.parametrize("given", WRONG_VALUES, ids=lambda given: repr(given)[:60])
def test_values_are_checked_after_the_project_and_its_owner(
    standing_service: Caller, given: dict[str, Any]
) -> None:
    assert modify(standing_service, UNKNOWN_UUID, **given).status == 404
    assert modify(standing_service, LAB, BOB, **given).status == 403
    changed = modify(standing_service, LAB, **given)
    made = standing_service.post(PROJECTS, ALICE.token, {**NEW, **given})
    for reply in (changed, made):
        assert (reply.status, reply.fault) == (400, "badRequest")


def test_values_are_checked_after_the_state(service: Caller) -> None:
    uninitialized, _ = create(service)
    assert modify(service, uninitialized, name="lab").status == 409


def test_nulls_say_nothing(service: Caller) -> None:
    names = ("owner", "homepage", "description", "comments", "start_date", "private")
    nothing: dict[str, Any] = dict.fromkeys(names)
    project = activated(service, **nothing)
    document = show(service, project)
    assert (document["owner"], document["homepage"], document["private"]) == (ALICE.uuid, "", False)
    done(service, project, "approve", app_id=modified(service, project, **nothing))
    assert show(service, project)["owner"] == ALICE.uuid


def test_pending_applications_are_limited_but_for_administrators(service: Caller) -> None:
    project = activated(service)
    create(service)
    application = modified(service, project, comments="1")
    for reply in (service.post(PROJECTS, ALICE.token, NEW), modify(service, LAB, comments="2")):
        assert (reply.status, reply.fault) == (409, "conflict")
        assert "applications are pending" in reply.message
    assert modified(service, project, comments="replaced") > application
    for _ in range(3):
        create(service, CHLOE)


def test_pending_applications_are_limited_even_where_nothing_sets_a_limit(
    service: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(project_changes, "MOST_PENDING", 1)
    create(service)
    reply = service.post(PROJECTS, ALICE.token, NEW)
    assert (reply.status, reply.message) == (
        409,
        "1 of your applications are pending, and more cannot be; cancel some.",
    )
    create(service, BOB)


def test_a_project_can_be_named_by_its_number_in_changes(service: Caller, database: Database) -> None:
    ((number,),) = rows(database, f"SELECT id FROM projects WHERE uuid = '{LAB}'")
    reply = modify(service, str(number), comments="c")
    assert (reply.status, reply.document["id"]) == (201, LAB)
    assert modify(service, "9" * 30, comments="c").status == 404


def test_a_system_project_keeps_its_name_but_not_its_limits(service: Caller) -> None:
    for kept in ({"name": "mine.example.org"}, {"description": "x"}, {"homepage": "x"}, {"owner": BOB.uuid}):
        reply = modify(service, ALICE.uuid, CHLOE, **kept)
        assert (reply.status, reply.fault) == (409, "conflict")
    assert modify(service, ALICE.uuid, ALICE, max_members=2).status == 403
    capacity = {"project_capacity": 8, "member_capacity": 7}
    application = modified(service, ALICE.uuid, CHLOE, resources={VM: capacity})
    done(service, ALICE.uuid, "approve", app_id=application)
    assert show(service, ALICE.uuid, ALICE)["resources"][VM] == capacity


def test_ownership_can_be_handed_over(service: Caller) -> None:
    application = modified(service, LAB, owner=BOB.uuid)
    assert "last_application" not in show(service, LAB, BOB)
    done(service, LAB, "approve", app_id=application)
    assert show(service, LAB, BOB)["last_application"]["owner"] == BOB.uuid
    assert modify(service, LAB, ALICE, comments="mine").status == 403
