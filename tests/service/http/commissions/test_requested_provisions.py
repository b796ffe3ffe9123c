"""The dialect of the oldest clients: a bare user uuid, and a source without prefix."""

from typing import Any

import pytest

from astakos.ledger.rules import Holding
from service.caller import COMMISSIONS, Caller
from service.world import ALICE, BOB, COMPUTE_TOKEN, HALTED, LAB, UNKNOWN_UUID, VM, member_key, project_key

pytestmark = pytest.mark.ledger

OWN = (member_key(ALICE, ALICE.uuid), project_key(ALICE.uuid))
IN_LAB = (member_key(ALICE), project_key())


def old(
    source: str | None, quantity: int, holder: str = ALICE.uuid, resource: str = VM
) -> dict[str, str | int | None]:
    return {"holder": holder, "source": source, "resource": resource, "quantity": quantity}


@pytest.mark.parametrize(("source", "keys"), [("system", OWN), (ALICE.uuid, OWN), (LAB, IN_LAB)])
def test_both_levels_are_charged(service: Caller, source: str, keys: tuple[Any, Any]) -> None:
    reply = service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": [old(source, 3)]})
    assert reply.status == 201
    found = service.holdings(COMPUTE_TOKEN)
    assert {key: holding for key, holding in found.items() if holding.usage_max} == {
        key: Holding(found[key].limit, 0, 3) for key in keys
    }
    info = service.get(f"{COMMISSIONS}/{reply.document['serial']}", COMPUTE_TOKEN).document
    assert info["provisions"] == [{**key._asdict(), "quantity": 3} for key in keys]


def test_a_release_is_one_at_both_levels(service: Caller) -> None:
    for quantity in (4, -3):
        document = {"provisions": [old("system", quantity)], "auto_accept": True}
        assert service.post(COMMISSIONS, COMPUTE_TOKEN, document).status == 201
    found = service.holdings(COMPUTE_TOKEN)
    assert [found[key] for key in OWN] == [Holding(4, 1, 1)] * 2


def test_both_dialects_are_summed(service: Caller) -> None:
    new = [{**key._asdict(), "quantity": 2} for key in IN_LAB]
    reply = service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": [old(LAB, 3), *new, old(LAB, 4)]})
    assert reply.status == 201
    found = service.holdings(COMPUTE_TOKEN)
    assert [found[key].usage_max for key in IN_LAB] == [9, 9]


@pytest.mark.parametrize(
    ("source", "quantity", "name", "usage", "limit"),
    [
        ("system", 5, "NoCapacityError", 0, 4),
        (LAB, 11, "NoCapacityError", 0, 10),
        (HALTED, 1, "NoCapacityError", 0, 0),
        (LAB, -1, "NoQuantityError", 0, 0),
    ],
)
def test_a_refusal_speaks_the_dialect_of_the_request(
    standing_service: Caller, source: str, quantity: int, name: str, usage: int, limit: int
) -> None:
    provision = old(source, quantity)
    reply = standing_service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": [provision]})
    assert reply.status == 413
    assert reply.document["overLimit"]["data"] == {
        "name": name,
        "provision": provision,
        "usage": usage,
        "limit": limit,
    }


def test_the_level_of_the_project_refuses_in_the_dialect_of_the_request(service: Caller) -> None:
    service.issued(COMPUTE_TOKEN, (member_key(BOB), 9), (project_key(), 9))
    provision = old(LAB, 4)
    reply = service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": [provision]})
    data = reply.document["overLimit"]["data"]
    assert (data["provision"], data["usage"], data["limit"]) == (provision, 9, 12)


@pytest.mark.parametrize(
    "provision",
    [
        old("system", 1, holder=UNKNOWN_UUID),
        old(UNKNOWN_UUID, 1),
        old(BOB.uuid, 1),
        old("system", 1, resource="compute.unknown"),
        # Half of one dialect and half of the other is neither.
        old(f"project:{LAB}", 1),
        old(None, 1),
        old("", 1),
        old("system", 1, holder=f"user:{ALICE.uuid}"),
        old(LAB, 1, holder=f"user:{ALICE.uuid}"),
        old("System", 1),
        old("system", 1, holder=ALICE.email),
        old("system", 1, holder=ALICE.uuid.replace("-", "")),
        old("system", 1, holder="{" + ALICE.uuid + "}"),
        old("system", 1, holder=f"urn:uuid:{ALICE.uuid}"),
    ],
)
def test_what_names_no_holding_in_either_dialect_is_not_found(
    standing_service: Caller, provision: dict[str, object]
) -> None:
    reply = standing_service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": [provision]})
    assert reply.status == 404
    assert reply.document["itemNotFound"]["data"] == {"name": "NoHoldingError", "provision": provision}
