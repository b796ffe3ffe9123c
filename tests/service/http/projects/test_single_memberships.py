from collections.abc import Mapping

import pytest

from astakos.clock import to_iso
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, Caller
from service.installation import rows
from service.world import ALICE, BOB, CHLOE, HALTED, LAB, LOADED, Person

pytestmark = pytest.mark.every_engine

MEMBERSHIPS = f"{ACCOUNT}/projects/memberships"


@pytest.fixture
def numbers(database: Database) -> Mapping[tuple[str, str], int]:
    """The ids of all memberships by user and project."""
    found = rows(
        database,
        "SELECT u.uuid, p.uuid, m.id FROM memberships m "
        "JOIN users u ON u.id = m.user_id JOIN projects p ON p.id = m.project_id",
    )
    return {(str(user), str(project)): int(str(number)) for user, project, number in found}


Numbers = Mapping[tuple[str, str], int]


def test_members_owners_and_administrators_see_it(service: Caller, numbers: Numbers) -> None:
    number = numbers[BOB.uuid, LAB]
    loaded = to_iso(LOADED)
    for person, allowed in ((BOB, ["leave"]), (ALICE, ["remove"]), (CHLOE, ["leave", "remove"])):
        assert service.get(f"{MEMBERSHIPS}/{number}", person.token).document == {
            "id": number,
            "user": BOB.uuid,
            "project": LAB,
            "state": "accepted",
            "allowed_actions": allowed,
            "requested": loaded,
            "accepted": loaded,
        }


def test_others_do_not(service: Caller, numbers: Numbers) -> None:
    reply = service.get(f"{MEMBERSHIPS}/{numbers[ALICE.uuid, LAB]}", BOB.token)
    assert (reply.status, reply.fault) == (403, "forbidden")
    assert "Only the member or the owner or a project administrator" in reply.message


@pytest.mark.parametrize("number", ["0", "99999", str(2**63 - 1), str(2**63), "9" * 19, "9" * 5000])
def test_an_unknown_number_is_not_found_by_anybody(service: Caller, number: str) -> None:
    for reply in (
        service.get(f"{MEMBERSHIPS}/{number}", BOB.token),
        service.post(f"{MEMBERSHIPS}/{number}/action", BOB.token, {"accept": ""}),
    ):
        assert (reply.status, reply.fault) == (404, "itemNotFound")
        assert reply.message == f"There is no membership {number}."


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("person", "action", "project", "status", "says"),
    [
        (CHLOE, "accept", LAB, 409, "The membership is accepted; this takes one that is requested."),
        # The state is judged before the permission.
        (BOB, "accept", LAB, 409, "The membership is accepted"),
        (BOB, "remove", LAB, 403, "Only the owner or a project administrator may do this."),
        (ALICE, "leave", ALICE.uuid, 409, "The leave policy of the project is closed"),
        (CHLOE, "remove", ALICE.uuid, 409, "The leave policy of the project is closed"),
    ],
)
def test_what_is_not_allowed_is_refused(
    service: Caller, numbers: Numbers, person: Person, action: str, project: str, status: int, says: str
) -> None:
    number = numbers[ALICE.uuid, project]
    reply = service.post(f"{MEMBERSHIPS}/{number}/action", person.token, {action: ""})
    assert reply.status == status
    assert reply.message.startswith(says)


def test_members_leave_suspended_projects(service: Caller, numbers: Numbers) -> None:
    path = f"{MEMBERSHIPS}/{numbers[ALICE.uuid, HALTED]}"
    assert service.post(f"{path}/action", ALICE.token, {"leave": "enough"}).status == 200
    assert service.get(path, ALICE.token).document["state"] == "removed"


KEYS = "exactly one of the keys leave, cancel, accept, reject, remove"


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ([], "Expected `object`"),
        ({}, KEYS),
        ({"accept": "", "reject": ""}, KEYS),
        ({"suspend": ""}, "unknown field `suspend`"),
        ({"leave": {"reason": "x"}}, "$.leave"),
        ({"leave": "x" * 4097}, "length <= 4096"),
        ({"leave": "\0"}, "reason must have at most 4096 characters, without NUL"),
    ],
)
def test_a_body_is_one_known_action_with_its_reason(
    service: Caller, numbers: Numbers, document: object, says: str
) -> None:
    reply = service.post(f"{MEMBERSHIPS}/{numbers[BOB.uuid, LAB]}/action", BOB.token, document)
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert says in reply.message


@pytest.mark.parametrize(
    "change",
    [
        "max_members = 2",
        "max_members = 9",
        "join_policy = 'closed', leave_policy = 'auto'",
        "join_policy = 'auto', leave_policy = 'closed'",
        "state = 'suspended'",
        "state = 'terminated'",
    ],
)
def test_a_list_allows_the_same_as_each_membership_alone(
    service: Caller, database: Database, change: str
) -> None:
    rows(database, f"UPDATE projects SET {change}")
    of_bob = "UPDATE memberships SET state = ? WHERE user_id = (SELECT id FROM users WHERE uuid = ?)"
    for state in ("requested", "accepted", "leave_requested", "suspended", "removed"):
        rows(database, of_bob, state, BOB.uuid)
        for person in (ALICE, BOB, CHLOE):
            listed = service.get(MEMBERSHIPS, person.token).document
            assert listed == [
                service.get(f"{MEMBERSHIPS}/{one['id']}", person.token).document for one in listed
            ]
