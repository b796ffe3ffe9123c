"""Where 0.14 is answered, `system` is all that a user has: their own quota and what projects grant them."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from service.caller import ACCOUNT, COMMISSIONS, Caller, Reply
from service.world import ALICE, BOB, COMPUTE_TOKEN, LAB, UNKNOWN_UUID, VM, member_key, project_key

pytestmark = pytest.mark.ledger

OWN = (member_key(ALICE, ALICE.uuid), project_key(ALICE.uuid))
IN_LAB = (member_key(ALICE), project_key())


def on_system(quantity: int, holder: str = ALICE.uuid) -> dict[str, Any]:
    return {"holder": holder, "source": "system", "resource": VM, "quantity": quantity}


def issue(service: Caller, *provisions: dict[str, Any], **options: Any) -> Reply:
    return service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": provisions, **options})


def used(service: Caller) -> tuple[int, int]:
    """How much Alice uses of her own and of the lab's."""
    reply = service.get(f"{ACCOUNT}/service_project_quotas?project={ALICE.uuid},{LAB}", COMPUTE_TOKEN)
    document = reply.document
    return document[ALICE.uuid][VM]["project_usage"], document[LAB][VM]["project_usage"]


def figures(service: Caller) -> dict[str, int]:
    found: dict[str, int] = service.get(f"{ACCOUNT}/quotas", ALICE.token).document["system"][VM]
    return found


def test_what_projects_grant_can_be_used_to_the_last(older_service: Caller) -> None:
    assert figures(older_service) == {"limit": 14, "usage": 0, "pending": 0}
    for quantity, expected in ((3, (3, 0)), (5, (4, 4)), (6, (4, 10))):
        assert issue(older_service, on_system(quantity), auto_accept=True).status == 201
        assert used(older_service) == expected
    assert figures(older_service) == {"limit": 14, "usage": 14, "pending": 0}
    assert issue(older_service, on_system(1)).status == 413


def test_it_is_given_back_to_the_last(older_service: Caller) -> None:
    assert issue(older_service, on_system(14), auto_accept=True).status == 201
    assert issue(older_service, on_system(-6), auto_accept=True).status == 201
    assert used(older_service) == (0, 8)
    assert issue(older_service, on_system(-9)).status == 413
    assert issue(older_service, on_system(-8), auto_accept=True).status == 201
    assert used(older_service) == (0, 0)


@pytest.mark.parametrize(
    ("quantity", "name", "usage", "limit"),
    [(10, "NoCapacityError", 5, 14), (-6, "NoQuantityError", 5, 0)],
)
def test_a_refusal_tells_of_the_whole(
    older_service: Caller, quantity: int, name: str, usage: int, limit: int
) -> None:
    assert issue(older_service, on_system(5), auto_accept=True).status == 201
    reply = issue(older_service, on_system(quantity))
    assert reply.status == 413
    assert reply.document["overLimit"]["data"] == {
        "name": name,
        "provision": on_system(quantity),
        "usage": usage,
        "limit": limit,
    }
    assert figures(older_service) == {"limit": 14, "usage": 5, "pending": 0}


@pytest.mark.parametrize("quantity", [2**63, 10**30, -(2**63), -(10**30)])
def test_a_quantity_that_no_figure_can_have_is_repeated_as_it_was_sent(
    older_service: Caller, quantity: int
) -> None:
    lab = {**IN_LAB[0]._asdict(), "quantity": 1}
    reply = issue(older_service, on_system(quantity), lab)
    assert reply.status == 413
    assert reply.document["overLimit"]["data"]["provision"] == on_system(quantity)


def test_parts_of_a_spread_charge_need_not_add_up_with_others(older_service: Caller) -> None:
    own = {**OWN[0]._asdict(), "quantity": 2**63 - 1}
    assert issue(older_service, own, own, on_system(-(2**63) + 1)).status == 413


def test_what_the_other_members_use_is_told_as_missing(older_service: Caller) -> None:
    older_service.issued(COMPUTE_TOKEN, (member_key(BOB), 9), (project_key(), 9))
    assert issue(older_service, on_system(8)).document["overLimit"]["data"]["limit"] == 7
    assert issue(older_service, on_system(7)).status == 201


def test_parts_of_one_charge_are_one(older_service: Caller) -> None:
    reply = issue(older_service, on_system(3), on_system(-1), on_system(9))
    assert reply.status == 201
    assert used(older_service) == (4, 7)
    info = older_service.get(f"{COMMISSIONS}/{reply.document['serial']}", COMPUTE_TOKEN).document
    assert info["provisions"] == [on_system(11)]


def test_a_spread_commission_is_rejected_whole(older_service: Caller) -> None:
    serial = issue(older_service, on_system(14)).document["serial"]
    assert figures(older_service) == {"limit": 14, "usage": 14, "pending": 14}
    assert older_service.act(COMPUTE_TOKEN, serial, "reject") == 200
    assert used(older_service) == (0, 0)


def test_other_provisions_of_the_commission_stay_what_they_are(older_service: Caller) -> None:
    lab = [{**key._asdict(), "quantity": 2} for key in IN_LAB]
    assert issue(older_service, on_system(4), *lab, on_system(3, BOB.uuid)).status == 201
    assert used(older_service) == (4, 2)
    too_much = {**member_key(BOB)._asdict(), "quantity": 11}
    refused = issue(older_service, on_system(1), too_much)
    assert refused.document["overLimit"]["data"] == {
        "name": "NoCapacityError",
        "provision": too_much,
        "usage": 0,
        "limit": 10,
    }


def test_force_goes_over_the_users_own_limit(older_service: Caller) -> None:
    assert issue(older_service, on_system(20), force=True).status == 201
    assert used(older_service) == (20, 0)


def test_who_has_nothing_is_told_so(older_service: Caller) -> None:
    reply = issue(older_service, on_system(1, UNKNOWN_UUID))
    assert reply.document["itemNotFound"]["data"]["provision"] == on_system(1, UNKNOWN_UUID)


def test_the_same_key_is_the_same_commission_however_full_it_is_by_now(older_service: Caller) -> None:
    headers = {"Idempotency-Key": "once"}
    document = {"provisions": [on_system(14)]}
    replies = [
        older_service("POST", COMMISSIONS, COMPUTE_TOKEN, document=document, headers=headers)
        for _ in range(2)
    ]
    assert [reply.status for reply in replies] == [201, 201]
    assert replies[0].document == replies[1].document
    assert figures(older_service)["usage"] == 14


def test_those_who_charge_at_once_all_find_room_as_long_as_there_is_any(older_service: Caller) -> None:
    with ThreadPoolExecutor(4) as threads:
        replies = list(threads.map(lambda _: issue(older_service, on_system(3)), range(4)))
    assert [reply.status for reply in replies] == [201] * 4
    assert used(older_service) == (4, 8)


def test_otherwise_system_is_the_users_own_project(service: Caller) -> None:
    assert issue(service, on_system(5)).status == 413
    assert issue(service, on_system(4)).status == 201
    assert used(service) == (4, 0)
