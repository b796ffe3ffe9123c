"""A component charges and reconciles its own resources, and those that it was given (docs/ledger.md)."""

from typing import Any, Literal

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import ComponentEntry, ResourceEntry, StateDocument
from astakos.ledger.rules import Key
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, COMMISSIONS, Caller, Reply
from service.installation import holdings, opened, running
from service.world import ALICE, COMPUTE_TOKEN, LOADED, RAM, SPACE, STORAGE_TOKEN, member_key, project_key

pytestmark = pytest.mark.ledger

VM_OF_ALICE, VM_OF_PROJECT = member_key(ALICE), project_key()
RAM_OF_ALICE = member_key(ALICE, resource=RAM)
SPACE_OF_ALICE = member_key(ALICE, resource=SPACE)
UNKNOWN = member_key(ALICE, resource="compute.vmm")


def let_compute_charge(database: Database, may_charge: list[str] | Literal["all"] | None) -> None:
    entry = ComponentEntry(name="compute", may_charge=may_charge)
    load(database, StateDocument(components=[entry]), LOADED)


def commission(*keys: Key) -> dict[str, Any]:
    return {"provisions": [{**key._asdict(), "quantity": 1} for key in keys]}


def bulk(service: Caller, *commissions: dict[str, Any], all_or_none: bool = False) -> Any:
    body = {"commissions": commissions, "all_or_none": all_or_none}
    reply = service.post(f"{COMMISSIONS}/bulk", COMPUTE_TOKEN, body)
    assert reply.status == 200, reply.content
    return reply.document


def reconcile(service: Caller, *keys: Key, mend: bool = False) -> Reply:
    usage = [{**key._asdict(), "usage": 1} for key in keys]
    return service.post(f"{ACCOUNT}/reconcile", COMPUTE_TOKEN, {"usage": usage, "mend": mend})


def test_a_restricted_component_charges_its_own_resources_alone(database: Database, service: Caller) -> None:
    let_compute_charge(database, [])
    service.issued(COMPUTE_TOKEN, (VM_OF_ALICE, 1), (RAM_OF_ALICE, 1))
    before = holdings(database)
    for options in ({}, {"force": True}, {"auto_accept": True}):
        reply = service.issue(COMPUTE_TOKEN, (VM_OF_ALICE, 1), (SPACE_OF_ALICE, 1), **options)
        assert (reply.status, reply.fault) == (403, "forbidden")
        assert f"The component compute may not charge {SPACE}: " in reply.message
    assert service.issue(COMPUTE_TOKEN, (SPACE_OF_ALICE, -1)).status == 403
    assert holdings(database) == before
    assert service.issue(STORAGE_TOKEN, (VM_OF_ALICE, 1)).status == 201, "it was never restricted"


def test_a_resource_that_does_not_exist_is_missing_as_for_all_others(
    database: Database, service: Caller
) -> None:
    charges = ((VM_OF_ALICE, 1), (UNKNOWN, 2), (UNKNOWN, 1))
    let_compute_charge(database, [])
    restricted = service.issue(COMPUTE_TOKEN, *charges)
    assert service.issue(COMPUTE_TOKEN, *charges, (SPACE_OF_ALICE, 1)).status == 403
    let_compute_charge(database, "all")
    free = service.issue(COMPUTE_TOKEN, *charges)
    assert (free.status, restricted.status) == (404, 404)
    assert free.document == restricted.document


def test_many_refused_resources_are_named_in_part(database: Database, service: Caller) -> None:
    let_compute_charge(database, [])
    names = [f"r{number:02}" for number in range(13)]
    entries = [ResourceEntry(name=name, service="storage_api") for name in names]
    load(database, StateDocument(resources=entries), LOADED)
    keys = [member_key(ALICE, resource=name) for name in names]
    message = service.issue(COMPUTE_TOKEN, *((key, 1) for key in keys)).message
    assert "r00, r01, r02, r03, r04, r05, r06, r07, r08, r09 and 3 more: " in message


def test_the_form_of_0_14_is_no_way_around(database: Database, older_service: Caller) -> None:
    let_compute_charge(database, [])
    for resource, status in ((SPACE, 403), (RAM, 201)):
        provision = {"holder": ALICE.uuid, "source": "system", "resource": resource, "quantity": 1}
        reply = older_service.post(COMMISSIONS, COMPUTE_TOKEN, {"provisions": [provision]})
        assert reply.status == status


def test_what_is_given_or_registered_counts_at_once(database: Database, service: Caller) -> None:
    let_compute_charge(database, [])
    assert service.issue(COMPUTE_TOKEN, (SPACE_OF_ALICE, 1)).status == 403
    let_compute_charge(database, [SPACE])
    assert service.issue(COMPUTE_TOKEN, (SPACE_OF_ALICE, 1)).status == 201
    disk = ResourceEntry(name="compute.disk", service="compute_api", system_default=1)
    load(database, StateDocument(resources=[disk]), LOADED)
    assert service.issue(COMPUTE_TOKEN, (member_key(ALICE, ALICE.uuid, disk.name), 1)).status == 201
    let_compute_charge(database, "all")
    assert service.issue(COMPUTE_TOKEN, (SPACE_OF_ALICE, 1)).status == 201


def test_commissions_are_resolved_after_the_right_is_gone(database: Database, service: Caller) -> None:
    accepted, rejected = (service.issued(COMPUTE_TOKEN, (SPACE_OF_ALICE, 1)) for _ in range(2))
    let_compute_charge(database, [])
    assert service.act(COMPUTE_TOKEN, accepted, "accept") == 200
    assert service.act(COMPUTE_TOKEN, rejected, "reject") == 200


def test_what_was_issued_does_not_grow_after_the_right_is_gone(database: Database) -> None:
    def grow(service: Caller, serial: int, key: Key) -> Reply:
        body = {"grow": {"quantities": [{**key._asdict(), "quantity": 2}]}}
        return service.post(f"{COMMISSIONS}/{serial}/action", COMPUTE_TOKEN, body)

    let_compute_charge(database, [SPACE])
    with running(opened(database)) as service:
        own, foreign = (service.issued(COMPUTE_TOKEN, (key, 1)) for key in (VM_OF_ALICE, SPACE_OF_ALICE))
        assert grow(service, foreign, SPACE_OF_ALICE).status == 200
        assert grow(service, foreign, UNKNOWN).status == 400
    let_compute_charge(database, [])
    with running(opened(database)) as service:
        refused = grow(service, foreign, SPACE_OF_ALICE)
        assert (refused.status, f"may not charge {SPACE}: " in refused.message) == (403, True)
        assert grow(service, own, VM_OF_ALICE).status == 200
        assert service.act(COMPUTE_TOKEN, foreign, "accept") == 200
    assert holdings(database)[SPACE_OF_ALICE].usage_min == 2


def test_a_repeated_issue_has_its_serial_after_the_right_is_gone(database: Database) -> None:
    def issue(service: Caller, key: str, *keys: Key) -> Reply:
        return service(
            "POST", COMMISSIONS, COMPUTE_TOKEN, document=commission(*keys), headers={"Idempotency-Key": key}
        )

    def issue_both(service: Caller, key: str, **options: bool) -> Any:
        body = {"commissions": [commission(VM_OF_ALICE), commission(SPACE_OF_ALICE)], **options}
        path, headers = f"{COMMISSIONS}/bulk", {"Idempotency-Key": key}
        return service("POST", path, COMPUTE_TOKEN, document=body, headers=headers).document

    with running(opened(database)) as service:
        first = issue(service, "one", SPACE_OF_ALICE)
        both, all_or_none = issue_both(service, "two"), issue_both(service, "three", all_or_none=True)
        assert [result["status"] for result in both["results"] + all_or_none["results"]] == [201] * 4
    let_compute_charge(database, [])
    before = holdings(database)
    with running(opened(database)) as service:
        again = issue(service, "one", SPACE_OF_ALICE)
        assert (again.status, again.document) == (201, first.document)
        assert again.headers["idempotency-replayed"] == "true"
        assert issue_both(service, "two") == both
        assert issue_both(service, "three", all_or_none=True) == all_or_none
        assert holdings(database) == before
        assert issue(service, "four", SPACE_OF_ALICE).status == 403
        assert issue(service, "one", SPACE_OF_ALICE, RAM_OF_ALICE).status == 403
        assert [result["status"] for result in issue_both(service, "five")["results"]] == [201, 403]
    assert holdings(database)[SPACE_OF_ALICE] == before[SPACE_OF_ALICE]


def test_each_refused_commission_of_a_bulk_says_so(database: Database, service: Caller) -> None:
    let_compute_charge(database, [])
    own, foreign, both = (
        commission(VM_OF_ALICE),
        commission(SPACE_OF_ALICE),
        commission(SPACE_OF_ALICE, VM_OF_ALICE),
    )
    document = bulk(service, foreign, own, both, commission(UNKNOWN))
    assert [result["status"] for result in document["results"]] == [403, 201, 403, 404]
    assert "there is no such resource" in document["results"][3]["body"]["itemNotFound"]["message"]
    assert document["done"] is True
    for refused in (document["results"][0], document["results"][2]):
        assert f"may not charge {SPACE}: " in refused["body"]["forbidden"]["message"]
    before = holdings(database)
    document = bulk(service, own, foreign, all_or_none=True)
    assert [result["status"] for result in document["results"]] == [424, 403]
    assert document["done"] is False
    assert holdings(database) == before


def test_a_restricted_component_reconciles_what_it_may_charge(database: Database, service: Caller) -> None:
    service.issued(COMPUTE_TOKEN, (SPACE_OF_ALICE, 3), auto_accept=True)
    let_compute_charge(database, [])
    reply = reconcile(service, VM_OF_ALICE, SPACE_OF_ALICE, mend=True)
    assert (reply.status, f"may not reconcile {SPACE}: " in reply.message) == (403, True)
    assert holdings(database)[SPACE_OF_ALICE].usage_max == 3
    let_compute_charge(database, [SPACE])
    assert reconcile(service, SPACE_OF_ALICE, mend=True).document["drifting"] == 1
    assert holdings(database)[SPACE_OF_ALICE].usage_max == 1


def test_a_component_may_be_given_all_resources_to_reconcile(database: Database, service: Caller) -> None:
    assert reconcile(service, SPACE_OF_ALICE).status == 403, "nobody has said so"
    let_compute_charge(database, "all")
    assert reconcile(service, SPACE_OF_ALICE).status == 200
