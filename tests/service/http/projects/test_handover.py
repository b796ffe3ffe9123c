"""A project gets another owner."""

import json
from typing import Any

import pytest

from astakos.storage.protocol import Database
from service.caller import Caller
from service.http.projects.lives import PROJECTS, act, activated, create, done, modified, modify, show
from service.http.projects.test_actions import pending_of
from service.installation import rows
from service.world import ALICE, BOB, CHLOE, DORA, GREG, HALTED, HUGO, LAB, UNKNOWN_UUID

pytestmark = pytest.mark.every_engine
LAST_EVENT = """
SELECT kind, actor, project, subject, reason, before, after FROM events WHERE kind = 'project.handed_over'
"""


def test_the_owner_hands_a_project_over_and_has_no_say_any_more(service: Caller, database: Database) -> None:
    done(service, LAB, "handover", ALICE, owner=BOB.uuid, reason="moved")
    assert show(service, LAB)["owner"] == BOB.uuid
    (event,) = rows(database, LAST_EVENT)
    assert event[:5] == ("project.handed_over", ALICE.uuid, LAB, BOB.uuid, "moved")
    assert [json.loads(str(one)) for one in event[5:]] == [{"owner": ALICE.uuid}, {"owner": BOB.uuid}]
    assert act(service, LAB, "handover", ALICE, owner=ALICE.uuid).status == 403
    assert service("PUT", f"{PROJECTS}/{LAB}", ALICE.token, document={"comments": "x"}).status == 403
    assert service("PUT", f"{PROJECTS}/{LAB}", BOB.token, document={"comments": "x"}).status == 201


def test_an_administrator_hands_over_a_suspended_project(service: Caller) -> None:
    done(service, HALTED, "handover", CHLOE, owner=ALICE.uuid)
    document = show(service, HALTED)
    assert (document["owner"], document["state"]) == (ALICE.uuid, "suspended")


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("project", "person", "owner", "status", "message"),
    [
        (UNKNOWN_UUID, ALICE, BOB.uuid, 404, "no such project"),
        (LAB, BOB, BOB.uuid, 403, "the owner or a project administrator"),
        (ALICE.uuid, ALICE, BOB.uuid, 403, "the owner or a project administrator"),
        (ALICE.uuid, CHLOE, BOB.uuid, 409, "system project"),
        (LAB, ALICE, UNKNOWN_UUID, 409, "no accepted user"),
        (LAB, ALICE, "\0", 409, "no accepted user"),
        (LAB, ALICE, DORA.uuid, 409, "no accepted user"),
        (LAB, ALICE, GREG.uuid, 409, "no accepted user"),
        (LAB, ALICE, HUGO.uuid, 409, "not active"),
        (LAB, ALICE, ALICE.uuid, 409, "owns the project already"),
    ],
)
def test_a_handover_that_is_refused_changes_nothing(
    service: Caller, database: Database, project: str, person: Any, owner: str, status: int, message: str
) -> None:
    reply = act(service, project, "handover", person, owner=owner)
    assert (reply.status, message in reply.message) == (status, True), reply.content
    assert rows(database, LAST_EVENT) == []


def test_a_project_that_has_ended_or_never_begun_stays_with_its_owner(service: Caller) -> None:
    new, _ = create(service)
    done(service, LAB, "terminate")
    for project in (new, LAB):
        reply = act(service, project, "handover", ALICE, owner=BOB.uuid)
        assert (reply.status, "must be active or suspended" in reply.message) == (409, True)


def test_uuids_can_be_in_uppercase(service: Caller) -> None:
    new, application = create(service, owner=BOB.uuid.upper())
    done(service, new.upper(), "approve", app_id=application)
    done(service, new.upper(), "handover", BOB, owner=ALICE.uuid.upper())
    assert modify(service, new.upper(), ALICE, comments="mine").document["id"] == new
    assert show(service, new.upper(), ALICE)["owner"] == ALICE.uuid


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("value", [{}, {"owner": 5}, {"owner": None}, "x", {"owner": BOB.uuid, "reason": 1}])
def test_a_malformed_handover_is_refused(service: Caller, value: object) -> None:
    reply = service.post(f"{PROJECTS}/{LAB}/action", ALICE.token, {"handover": value})
    assert (reply.status, reply.fault) == (400, "badRequest")


def test_a_pending_application_stays_unless_it_names_another_owner(
    service: Caller, database: Database
) -> None:
    project = activated(service)
    stays = modified(service, project, comments="more")
    done(service, project, "handover", ALICE, owner=BOB.uuid)
    assert show(service, project)["last_application"]["state"] == "pending"
    assert pending_of(database, ALICE) == 1
    done(service, project, "approve", app_id=stays)
    assert show(service, project)["owner"] == BOB.uuid
    contradicts = modified(service, project, BOB, owner=ALICE.uuid)
    done(service, project, "handover", BOB, owner=CHLOE.uuid)
    last = show(service, project)["last_application"]
    assert (last["id"], last["state"]) == (contradicts, "cancelled")
    assert (pending_of(database, ALICE), pending_of(database, BOB)) == (0, 0)


def test_the_activation_of_the_old_owner_does_not_revive_the_project(
    service: Caller, database: Database
) -> None:
    note = f"""
    INSERT INTO deactivations (user_id, project_id, suspended)
    SELECT u.id, p.id, 'project' FROM users u, projects p WHERE u.uuid = '{BOB.uuid}' AND p.uuid = '{HALTED}'
    """
    rows(database, note)
    done(service, HALTED, "handover", CHLOE, owner=ALICE.uuid)
    of_halted = f"""
    SELECT 1 FROM deactivations d JOIN projects p ON p.id = d.project_id
    WHERE p.uuid = '{HALTED}' AND d.suspended = 'project'
    """
    assert rows(database, of_halted) == []
