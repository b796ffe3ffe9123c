"""A component's own count beside the ledger's (docs/ledger.md)."""

from typing import Any

import pytest

from astakos.ledger.rules import Holding, Key
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, COMMISSIONS, Caller
from service.http.projects.lives import activated
from service.installation import holdings
from service.world import (
    ALICE,
    BOB,
    COMPUTE_TOKEN,
    SPACE,
    STORAGE_TOKEN,
    UNKNOWN_UUID,
    VM,
    member_key,
    project_key,
)

pytestmark = pytest.mark.ledger

U, V, P = member_key(ALICE), member_key(BOB), project_key()
OF_STORAGE = member_key(ALICE, resource=SPACE)
RECONCILE = f"{ACCOUNT}/reconcile"


def reconcile(service: Caller, *usage: tuple[Key, int], **options: Any) -> dict[str, Any]:
    observed = [{**key._asdict(), "usage": figure} for key, figure in usage]
    reply = service.post(RECONCILE, COMPUTE_TOKEN, {"usage": observed, **options})
    assert reply.status == 200, reply.content
    document: dict[str, Any] = reply.document
    return document


@pytest.fixture
def charged(service: Caller) -> Caller:
    """Alice uses 5, of which 2 more are pending and 1 is about to be released."""
    service.issued(COMPUTE_TOKEN, (U, 5), (P, 5), auto_accept=True)
    service.issued(COMPUTE_TOKEN, (U, 2), (P, 2))
    service.issued(COMPUTE_TOKEN, (U, -1), (P, -1))
    return service


def test_the_answer_names_the_drift_without_what_is_pending(charged: Caller) -> None:
    document = reconcile(charged, (U, 3), (P, 5), (V, 0))
    assert document["holdings"][0] == {
        **U._asdict(),
        "limit": 10,
        "usage": 7,
        "pending": 3,
        "settled": 5,
        "actual": 3,
        "drift": 2,
    }
    assert [entry["drift"] for entry in document["holdings"]] == [2, 0, 0]
    assert (document["drifting"], document["missing"], document["serial"]) == (1, [], None)


def test_asking_changes_nothing(charged: Caller, database: Database) -> None:
    before = holdings(database)
    reconcile(charged, (U, 0), (P, 100))
    assert holdings(database) == before


def test_mending_takes_the_drift_away_and_is_recorded(charged: Caller, database: Database) -> None:
    document = reconcile(charged, (U, 3), (P, 20), mend=True, name="nightly count")
    assert reconcile(charged, (U, 3), (P, 20))["drifting"] == 0
    assert holdings(database)[U] == Holding(10, 2, 5)
    assert holdings(database)[P] == Holding(12, 19, 22)
    path = f"{COMMISSIONS}/history?serial={document['serial']}"
    entries = charged.get(path, COMPUTE_TOKEN).document["history"]
    assert {(e["name"], e["holder"], e["quantity"], e["outcome"]) for e in entries} == {
        ("nightly count", U.holder, -2, "ACCEPT"),
        ("nightly count", P.holder, 15, "ACCEPT"),
    }


def test_mending_what_does_not_drift_issues_nothing(charged: Caller) -> None:
    assert reconcile(charged, (U, 5), mend=True)["serial"] is None


def test_what_is_no_holding_is_missing(charged: Caller) -> None:
    stranger = U._replace(holder=f"user:{UNKNOWN_UUID}")
    document = reconcile(charged, (stranger, 1), (U, 5), mend=True)
    assert document["missing"] == [stranger._asdict()]
    assert len(document["holdings"]) == 1


def test_pending_releases_can_leave_no_room_to_mend(service: Caller, database: Database) -> None:
    service.issued(COMPUTE_TOKEN, (U, 3), auto_accept=True)
    service.issued(COMPUTE_TOKEN, (U, -2))
    before = holdings(database)
    observed = [{**U._asdict(), "usage": 0}]
    reply = service.post(RECONCILE, COMPUTE_TOKEN, {"usage": observed, "mend": True})
    assert reply.status == 400
    assert "Nothing was corrected" in reply.message
    assert holdings(database) == before


def test_a_parent_that_has_too_little_for_a_correction_below_it_can_be_named_with_it(
    service: Caller, database: Database
) -> None:
    department = activated(service, name="dep.example.org")
    team = activated(service, name="team.example.org", parent=department)
    parent, child = project_key(department), project_key(team)
    service.issued(COMPUTE_TOKEN, (child, 6), auto_accept=True)
    reconcile(service, (parent, 2), mend=True)
    observed = [{**child._asdict(), "usage": 1}]
    reply = service.post(RECONCILE, COMPUTE_TOKEN, {"usage": observed, "mend": True})
    assert reply.status == 400
    assert f"of project:{department}" in reply.message
    assert "has only 2 to give back, not 5. Name it in the same request" in reply.message
    assert "pending" not in reply.message
    assert holdings(database)[child].usage_max == 6
    reconcile(service, (child, 1), (parent, 1), mend=True)
    assert [holdings(database)[key].usage_max for key in (child, parent)] == [1, 1]


@pytest.mark.parametrize(
    ("document", "named"),
    [
        ([], "object"),
        ({}, "usage"),
        ({"usage": [{**U._asdict(), "usage": -1}]}, "$.usage[0].usage"),
        ({"usage": [{**U._asdict(), "usage": 2**63}]}, "$.usage[0].usage"),
        ({"usage": [{**U._asdict(), "usage": 1.5}]}, "$.usage[0].usage"),
        ({"usage": [{**U._asdict(), "holder": None, "usage": 1}]}, "$.usage[0].holder"),
        ({"usage": [{**U._asdict(), "usage": 1}] * 2}, "at most once"),
        ({"usage": [], "mend": 1}, "$.mend"),
        ({"usage": [], "name": None}, "$.name"),
    ],
)
def test_what_has_not_the_form_is_refused(standing_service: Caller, document: Any, named: str) -> None:
    reply = standing_service.post(RECONCILE, COMPUTE_TOKEN, document)
    assert reply.status == 400
    assert named in reply.message


@pytest.mark.parametrize("resource", [SPACE, "storage.unknown", ""])
@pytest.mark.parametrize("mend", [False, True])
def test_the_resources_of_others_are_neither_told_nor_corrected(
    charged: Caller, database: Database, resource: str, mend: bool
) -> None:
    foreign = member_key(ALICE, resource=resource)
    before = holdings(database)
    usage = [{**key._asdict(), "usage": 1} for key in (U, foreign)]
    reply = charged.post(RECONCILE, COMPUTE_TOKEN, {"usage": usage, "mend": mend})
    assert (reply.status, reply.fault) == (403, "forbidden")
    assert f"The component compute may not reconcile {resource}: " in reply.message
    assert holdings(database) == before
    owner = charged.post(RECONCILE, STORAGE_TOKEN, {"usage": [{**U._asdict(), "usage": 1}], "mend": mend})
    assert owner.status == 403
    assert VM in owner.message


def test_the_owner_reconciles_the_same_holding(service: Caller) -> None:
    reply = service.post(RECONCILE, STORAGE_TOKEN, {"usage": [{**OF_STORAGE._asdict(), "usage": 0}]})
    assert [entry["resource"] for entry in reply.document["holdings"]] == [SPACE]


def test_only_components_reconcile(standing_service: Caller) -> None:
    assert standing_service.post(RECONCILE, ALICE.token, {"usage": []}).status == 401
