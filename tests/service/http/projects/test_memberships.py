from typing import Any

import pytest

from astakos.storage.protocol import Database
from service.caller import ACCOUNT, Caller
from service.installation import rows
from service.world import ALICE, BOB, CHLOE, CLOSED, EDGAR, HALTED, HUGO, LAB, UNKNOWN_UUID, Person

pytestmark = pytest.mark.every_engine

MEMBERSHIPS = f"{ACCOUNT}/projects/memberships"


def listed(service: Caller, person: Person, query: str = "") -> list[dict[str, Any]]:
    reply = service.get(f"{MEMBERSHIPS}{query}", person.token)
    assert reply.status == 200
    found: list[dict[str, Any]] = reply.document
    return found


def pairs(found: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(one["user"], one["project"]) for one in found]


def everything(database: Database) -> list[tuple[object, ...]]:
    return rows(database, "SELECT id, user_id, project_id, state, entered FROM memberships ORDER BY id")


def test_users_see_their_own_memberships_and_those_in_their_projects(service: Caller) -> None:
    assert pairs(listed(service, ALICE)) == [
        (ALICE.uuid, ALICE.uuid),
        (ALICE.uuid, LAB),
        (BOB.uuid, LAB),
        (ALICE.uuid, HALTED),
        (ALICE.uuid, CLOSED),
    ]
    assert pairs(listed(service, BOB)) == [
        (BOB.uuid, BOB.uuid),
        (BOB.uuid, LAB),
        (ALICE.uuid, HALTED),
        (BOB.uuid, HALTED),
    ]


def test_project_administrators_see_all(service: Caller, database: Database) -> None:
    assert [one["id"] for one in listed(service, CHLOE)] == [row[0] for row in everything(database)]


@pytest.mark.parametrize(
    ("person", "project", "users"),
    [
        (ALICE, LAB, [ALICE, BOB]),
        (BOB, LAB, [BOB]),
        (CHLOE, LAB, [ALICE, BOB]),
        (ALICE, UNKNOWN_UUID, []),
        (CHLOE, UNKNOWN_UUID, []),
        (ALICE, "", []),
        (ALICE, "%00", []),
        (ALICE, BOB.uuid, []),
    ],
)
def test_one_project_can_be_asked_for(
    service: Caller, person: Person, project: str, users: list[Person]
) -> None:
    found = listed(service, person, f"?project={project}")
    assert [one["user"] for one in found] == [user.uuid for user in users]


@pytest.mark.parametrize("person", [ALICE, CHLOE])
@pytest.mark.parametrize("query", ["", f"&project={LAB}"])
def test_pages_together_are_the_whole_list(service: Caller, person: Person, query: str) -> None:
    found: list[dict[str, Any]] = []
    while page := listed(service, person, f"?limit=2{query}&after={found[-1]['id'] if found else 0}"):
        found += page
    assert found == listed(service, person, f"?{query}")


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("query", ["limit=0", "limit=1001", "limit=x", "after=-1", f"after={2**63}"])
def test_what_is_no_page_is_refused(service: Caller, query: str) -> None:
    reply = service.get(f"{MEMBERSHIPS}?{query}", ALICE.token)
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert query.partition("=")[0] in reply.message


def test_a_membership_goes_through_its_states(service: Caller, database: Database) -> None:
    reply = service.post(MEMBERSHIPS, CHLOE.token, {"join": {"project": LAB}})
    number = reply.document["id"]
    assert (reply.status, reply.document) == (200, {"id": number})
    path = f"{MEMBERSHIPS}/{number}"
    document = service.get(path, ALICE.token).document
    requested = document.pop("requested")
    assert document == {
        "id": number,
        "user": CHLOE.uuid,
        "project": LAB,
        "state": "requested",
        "allowed_actions": ["accept", "reject"],
    }
    for person, action in ((ALICE, "reject"), (ALICE, "accept")):
        reply = service.post(f"{path}/action", person.token, {action: "so"})
        if action == "reject":
            assert service.post(MEMBERSHIPS, CHLOE.token, {"join": {"project": LAB}}).document["id"] == number
        assert (reply.status, reply.content) == (200, b"")
    document = service.get(path, CHLOE.token).document
    assert (document["state"], document["requested"]) == ("accepted", requested)
    assert set(document) - {"id", "user", "project", "state", "allowed_actions"} == {
        "requested",
        "rejected",
        "accepted",
    }
    assert document["allowed_actions"] == ["leave", "remove"]


def test_the_audit_log_knows_from_where(service: Caller, database: Database) -> None:
    service.post(MEMBERSHIPS, CHLOE.token, {"join": {"project": LAB}})
    assert rows(database, "SELECT kind, actor, origin, subject FROM events ORDER BY id DESC LIMIT 1") == [
        ("membership.requested", CHLOE.uuid, "127.0.0.1", CHLOE.uuid)
    ]


def test_owners_enroll_users_by_email_address(service: Caller) -> None:
    body = {"enroll": {"project": LAB, "user": CHLOE.email}}
    assert service.post(MEMBERSHIPS, BOB.token, body).status == 403
    number = service.post(MEMBERSHIPS, ALICE.token, body).document["id"]
    document = service.get(f"{MEMBERSHIPS}/{number}", CHLOE.token).document
    assert document["state"] == "accepted"
    assert "requested" not in document


def test_projects_have_numbers_too(service: Caller, database: Database) -> None:
    ((number,),) = rows(database, "SELECT id FROM projects WHERE uuid = ?", LAB)
    for name in (number, str(number)):
        reply = service.post(MEMBERSHIPS, CHLOE.token, {"join": {"project": name}})
        assert reply.status == (200 if name == number else 409)


@pytest.mark.parametrize(
    "hidden",
    [
        "private = TRUE",
        "state = 'suspended'",
        "state = 'terminated'",
        "join_policy = 'closed', private = TRUE",
    ],
)
def test_a_number_leads_only_to_projects_that_the_caller_sees(
    service: Caller, database: Database, hidden: str
) -> None:
    ((number,),) = rows(database, "SELECT id FROM projects WHERE uuid = ?", LAB)
    rows(database, f"UPDATE projects SET {hidden} WHERE uuid = '{LAB}'")
    rows(database, "UPDATE memberships SET state = 'removed' WHERE project_id = ?", number)
    before = everything(database)
    unknown = service.post(MEMBERSHIPS, BOB.token, {"join": {"project": 10**9}})
    reply = service.post(MEMBERSHIPS, BOB.token, {"join": {"project": number}})
    assert (
        (reply.status, reply.message)
        == (unknown.status, unknown.message)
        == (404, "There is no such project.")
    )
    assert everything(database) == before
    for person in (ALICE, CHLOE):
        assert service.post(MEMBERSHIPS, person.token, {"join": {"project": number}}).status != 404


def test_whoever_knows_the_uuid_of_a_private_project_can_ask_to_join(
    service: Caller, database: Database
) -> None:
    rows(database, f"UPDATE projects SET private = TRUE WHERE uuid = '{LAB}'")
    reply = service.post(MEMBERSHIPS, CHLOE.token, {"join": {"project": LAB.upper()}})
    assert reply.status == 200
    assert service.get(f"{MEMBERSHIPS}/{reply.document['id']}", CHLOE.token).document["project"] == LAB


def test_a_lost_default_project_is_lost_at_once(service: Caller) -> None:
    service.post(f"{ACCOUNT}/myaccount/default_project", BOB.token, {"project_id": LAB})
    (number,) = (one["id"] for one in listed(service, BOB) if one["project"] == LAB)
    assert service.post(f"{MEMBERSHIPS}/{number}/action", BOB.token, {"leave": None}).status == 200
    body = {"auth": {"token": {"id": BOB.token}}}
    document = service.post("/identity/v2.0/tokens", None, body).document
    assert document["access"]["token"]["tenant"]["id"] == BOB.uuid


EXACTLY_ONE = "exactly one of the keys join and enroll"


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("document", "status", "says"),
    [
        ([], 400, "Expected `object`"),
        ({}, 400, EXACTLY_ONE),
        ({"join": {"project": LAB}, "enroll": {"project": LAB, "user": BOB.email}}, 400, EXACTLY_ONE),
        ({"leave": {"project": LAB}}, 400, "unknown field `leave`"),
        ({"join": [LAB]}, 400, "Expected `object`"),
        ({"join": {}}, 400, "the project to join is missing"),
        ({"join": {"project": None}}, 400, "project"),
        ({"join": {"project": True}}, 400, "project"),
        ({"join": {"project": "\0"}}, 404, "no such project"),
        ({"join": {"project": 2**70}}, 404, "no such project"),
        ({"join": {"project": -1}}, 404, "no such project"),
        ({"join": {"project": UNKNOWN_UUID}}, 404, "no such project"),
        ({"join": {"project": CLOSED}}, 409, "terminated"),
        ({"join": {"project": ALICE.uuid}}, 409, "join policy"),
        ({"join": {"project": LAB}}, 409, "already"),
        ({"enroll": "x"}, 400, "Expected `object`"),
        ({"enroll": {"user": CHLOE.email}}, 400, "required field `project`"),
        ({"enroll": {"project": LAB}}, 409, "The email address of the user is missing"),
        ({"enroll": {"project": LAB, "user": 5}}, 400, "user"),
        ({"enroll": {"project": UNKNOWN_UUID, "user": CHLOE.email}}, 409, "no such project"),
        ({"enroll": {"project": LAB, "user": "nobody\0@example.org"}}, 409, "email address"),
        ({"enroll": {"project": LAB, "user": BOB.email.lower()}}, 409, "email address"),
        ({"enroll": {"project": LAB, "user": HUGO.email}}, 409, "not active"),
        ({"enroll": {"project": LAB, "user": BOB.email}}, 409, "a member of the project already"),
        ({"enroll": {"project": HALTED, "user": EDGAR.email}}, 403, "only the owner"),
    ],
)
def test_what_cannot_be_is_refused_and_changes_nothing(
    service: Caller, database: Database, document: object, status: int, says: str
) -> None:
    before = everything(database)
    reply = service.post(MEMBERSHIPS, ALICE.token, document)
    assert reply.status == status
    assert says.lower() in reply.message.lower()
    assert everything(database) == before
