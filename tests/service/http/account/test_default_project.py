from typing import Any

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import StateDocument
from astakos.storage.protocol import Database
from service.caller import TOKENS, Caller
from service.installation import rows
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    CLOSED,
    COMPUTE_TOKEN,
    DORA,
    GREG,
    HALTED,
    HUGO,
    LAB,
    LOADED,
    UNKNOWN_UUID,
    Person,
    users,
)

pytestmark = pytest.mark.every_engine

DEFAULT_PROJECT = "/account/v1.0/myaccount/default_project"


def tenant_of(caller: Caller, person: Person) -> str:
    document = caller.post(TOKENS, None, {"auth": {"token": {"id": person.token}}}).document
    return str(document["access"]["token"]["tenant"]["id"])


def test_it_is_the_users_own_project_at_first_and_then_the_chosen_one(service: Caller) -> None:
    for chosen in (LAB, LAB, ALICE.uuid):
        reply = service.post(DEFAULT_PROJECT, ALICE.token, {"project_id": chosen})
        assert (reply.status, reply.content) == (200, b"")
        # At once, though users are kept for a moment.
        assert tenant_of(service, ALICE) == chosen
    assert tenant_of(service, BOB) == BOB.uuid


def set_membership(database: Database, person: Person, state: str) -> None:
    statement = "UPDATE memberships SET state = ? WHERE user_id = (SELECT id FROM users WHERE uuid = ?)"
    rows(database, statement, state, person.uuid)


def test_whoever_has_asked_to_leave_may_still_choose_it(service: Caller, database: Database) -> None:
    set_membership(database, BOB, "leave_requested")
    assert service.post(DEFAULT_PROJECT, BOB.token, {"project_id": LAB}).status == 200


@pytest.mark.parametrize(
    ("person", "document", "status", "fault"),
    [
        (ALICE, {}, 403, "forbidden"),
        (ALICE, {"project_id": None}, 403, "forbidden"),
        (ALICE, {"project_id": UNKNOWN_UUID}, 404, "itemNotFound"),
        (ALICE, {"project_id": ""}, 404, "itemNotFound"),
        (ALICE, {"project_id": "a\0b"}, 404, "itemNotFound"),
        (CHLOE, {"project_id": LAB}, 404, "itemNotFound"),
        (ALICE, {"project_id": BOB.uuid}, 404, "itemNotFound"),
        (ALICE, {"project_id": HALTED}, 403, "forbidden"),
        (ALICE, {"project_id": CLOSED}, 409, "conflict"),
        (CHLOE, {"project_id": CLOSED}, 403, "forbidden"),
        (ALICE, {"project_id": 5}, 400, "badRequest"),
        (ALICE, {"project_id": [LAB]}, 400, "badRequest"),
        (ALICE, [LAB], 400, "badRequest"),
        (ALICE, None, 400, "badRequest"),
        (ALICE, LAB, 400, "badRequest"),
        (DORA, {"project_id": DORA.uuid}, 401, "unauthorized"),
        (HUGO, {"project_id": HUGO.uuid}, 401, "unauthorized"),
    ],
)
def test_what_can_not_be_chosen(
    standing_service: Caller, person: Person, document: Any, status: int, fault: str
) -> None:
    reply = standing_service.post(DEFAULT_PROJECT, person.token, document)
    assert (reply.status, reply.fault) == (status, fault)
    assert tenant_of(standing_service, ALICE) == ALICE.uuid


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("change", [{"email_verified": False}, {"moderated": False}, {"is_rejected": True}])
def test_only_who_is_verified_and_accepted_may_choose(
    service: Caller, database: Database, change: dict[str, bool]
) -> None:
    (greg,) = (user for user in users() if user.uuid == GREG.uuid)
    greg.is_active, greg.is_rejected = True, False
    for name, value in change.items():
        setattr(greg, name, value)
    load(database, StateDocument(users=[greg]), LOADED)
    reply = service.post(DEFAULT_PROJECT, GREG.token, {"project_id": GREG.uuid})
    assert (reply.status, reply.fault, reply.headers["allow"]) == (405, "notAllowed", "")


def test_a_removed_member_can_not_choose_it(service: Caller, database: Database) -> None:
    set_membership(database, BOB, "removed")
    reply = service.post(DEFAULT_PROJECT, BOB.token, {"project_id": LAB})
    assert (reply.status, reply.fault) == (403, "forbidden")


@pytest.mark.parametrize("content_type", ["", "text/plain", "application/x-www-form-urlencoded"])
def test_it_must_be_said_to_be_json(standing_service: Caller, content_type: str) -> None:
    body = b'{"project_id": "%s"}' % LAB.encode()
    reply = standing_service(
        "POST", DEFAULT_PROJECT, ALICE.token, body=body, headers={"Content-Type": content_type}
    )
    assert (reply.status, reply.fault) == (400, "badRequest")


def test_it_is_for_users_alone(standing_service: Caller) -> None:
    for token in (None, "nonsense", COMPUTE_TOKEN):
        assert standing_service.post(DEFAULT_PROJECT, token, {"project_id": LAB}).status == 401
