import pytest

from service.caller import ACCOUNT, COMMISSIONS, Caller
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    COMPUTE_TOKEN,
    LAB,
    RAM,
    SPACE,
    TOTAL_RAM,
    UNKNOWN_UUID,
    VM,
    Person,
    member_key,
    project_key,
)

pytestmark = pytest.mark.every_engine
USAGE = f"{ACCOUNT}/projects/{LAB}/usage"


def charge(service: Caller, person: Person, resource: str, quantity: int, *, accept: bool = True) -> None:
    keys = (member_key(person, resource=resource), project_key(resource=resource))
    provisions = [{**key._asdict(), "quantity": quantity} for key in keys]
    body = {"provisions": provisions, "auto_accept": accept}
    assert service.post(COMMISSIONS, COMPUTE_TOKEN, body).status == 201


@pytest.fixture
def used(service: Caller) -> Caller:
    charge(service, ALICE, VM, 2)
    charge(service, ALICE, VM, 1, accept=False)
    charge(service, BOB, VM, 5)
    return service


def test_the_owner_sees_what_each_member_uses(used: Caller) -> None:
    document = used.get(f"{USAGE}?resource={VM}", ALICE.token).document
    assert document == {
        "usage": [
            {"user": ALICE.uuid, "state": "accepted", "resource": VM, "usage": 3, "pending": 1, "limit": 10},
            {"user": BOB.uuid, "state": "accepted", "resource": VM, "usage": 5, "pending": 0, "limit": 10},
        ],
        "next": None,
    }


def test_project_administrators_see_the_same(used: Caller) -> None:
    assert used.get(USAGE, CHLOE.token).document == used.get(USAGE, ALICE.token).document


def test_the_largest_usage_comes_first_if_asked_for(used: Caller) -> None:
    document = used.get(f"{USAGE}?resource={VM}&sort=usage", ALICE.token).document
    assert [row["user"] for row in document["usage"]] == [BOB.uuid, ALICE.uuid]


def test_one_user_can_be_asked_for(used: Caller) -> None:
    document = used.get(f"{USAGE}?user={BOB.uuid}", ALICE.token).document
    assert {row["resource"]: row["usage"] for row in document["usage"]} == {VM: 5, RAM: 0, SPACE: 0}


def test_hidden_resources_are_left_out(used: Caller) -> None:
    assert TOTAL_RAM not in {row["resource"] for row in used.get(USAGE, ALICE.token).document["usage"]}


@pytest.mark.parametrize("query", ["", f"&resource={VM}", f"&resource={VM}&sort=usage"])
def test_pages_together_are_the_whole_list(used: Caller, query: str) -> None:
    whole = used.get(f"{USAGE}?limit=1000{query}", ALICE.token).document
    assert whole["next"] is None
    found, cursor = [], ""
    for _ in whole["usage"]:
        page = used.get(f"{USAGE}?limit=1{query}{cursor}", ALICE.token).document
        found += page["usage"]
        cursor = f"&cursor={page['next']}"
    assert (found, page["next"]) == (whole["usage"], None)


def test_others_do_not_see_it(used: Caller) -> None:
    for token in (BOB.token, COMPUTE_TOKEN):
        assert used.get(USAGE, token).status == (403 if token == BOB.token else 401)
    assert used.get(f"{ACCOUNT}/projects/{UNKNOWN_UUID}/usage", CHLOE.token).status == 404


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("sort=usage", "sort=usage requires the parameter resource: units of resources differ."),
        ("sort=name", "sort must be member or usage, not 'name'."),
        ("limit=0", "limit must be a number from 1 to 1000, not '0'."),
        ("cursor=1", "cursor must be the `next` value of the previous page, not '1'."),
        (f"cursor={2**63}.1", f"cursor must be the `next` value of the previous page, not '{2**63}.1'."),
    ],
)
def test_a_wrong_parameter_is_refused(used: Caller, query: str, message: str) -> None:
    reply = used.get(f"{USAGE}?{query}", ALICE.token)
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert reply.message == message


def test_under_a_name_that_cannot_be_stored_there_is_nothing(used: Caller) -> None:
    assert used.get(f"{USAGE}?user=%00", ALICE.token).document == {"usage": [], "next": None}
    assert used.get(f"{USAGE}?resource=%00", ALICE.token).document == {"usage": [], "next": None}
