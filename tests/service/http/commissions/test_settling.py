"""Accepting a commission for less than was issued (docs/ledger.md)."""

import json
from typing import Any

import pytest

from astakos.ledger.rules import Holding, Key
from astakos.storage.protocol import Database
from service.caller import COMMISSIONS, Caller, Reply
from service.installation import holdings, rows
from service.world import ALICE, BOB, COMPUTE_TOKEN, LAB, STORAGE_TOKEN, VM, member_key, project_key

pytestmark = pytest.mark.ledger

U, P = member_key(ALICE), project_key()


def settle(service: Caller, serial: int, *quantities: tuple[Key, Any], token: str = COMPUTE_TOKEN) -> Reply:
    named = [{**key._asdict(), "quantity": quantity} for key, quantity in quantities]
    return service.post(f"{COMMISSIONS}/{serial}/action", token, {"accept": {"quantities": named}})


def test_the_rest_is_given_back(service: Caller, database: Database) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 6), (P, 6))
    reply = settle(service, serial, (U, 2), (P, 2))
    assert (reply.status, reply.content) == (200, b"")
    assert holdings(database)[U] == Holding(10, 2, 2)
    assert holdings(database)[P] == Holding(12, 2, 2)
    assert service.pending(COMPUTE_TOKEN) == []
    ((document,),) = rows(database, "SELECT provisions FROM resolved_commissions")
    assert [figures[1:3] for figures in json.loads(str(document))] == [[6, 2], [6, 2]]


def test_what_is_not_named_came_true_whole(service: Caller, database: Database) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 6), (P, 6))
    assert settle(service, serial, (U, 0)).status == 200
    assert holdings(database)[U] == Holding(10, 0, 0)
    assert holdings(database)[P] == Holding(12, 6, 6)


def test_a_release_is_settled_for_less(service: Caller, database: Database) -> None:
    service.issued(COMPUTE_TOKEN, (U, 5), auto_accept=True)
    serial = service.issued(COMPUTE_TOKEN, (U, -4))
    assert settle(service, serial, (U, -1)).status == 200
    assert holdings(database)[U] == Holding(10, 4, 4)


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("quantity", [7, -1, 2**63 - 1])
def test_more_than_was_issued_is_refused(service: Caller, database: Database, quantity: int) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 6))
    before = holdings(database)
    reply = settle(service, serial, (U, quantity))
    assert reply.status == 400
    assert str(quantity) in reply.message
    assert VM in reply.message
    assert holdings(database) == before
    assert service.pending(COMPUTE_TOKEN) == [serial]


@pytest.mark.parametrize("quantity", [2**63, -(2**63), 10**4299])
def test_a_quantity_that_no_figure_can_have_is_refused(
    service: Caller, database: Database, quantity: int
) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 6))
    before = holdings(database)
    reply = settle(service, serial, (U, quantity))
    assert reply.status == 400
    assert f"The quantity for {VM} of {U.holder}" in reply.message
    assert holdings(database) == before


def test_a_release_is_not_settled_as_an_import(service: Caller, database: Database) -> None:
    service.issued(COMPUTE_TOKEN, (U, 5), auto_accept=True)
    serial = service.issued(COMPUTE_TOKEN, (U, -4))
    assert settle(service, serial, (U, 1)).status == 400
    assert settle(service, serial, (U, -5)).status == 400
    assert holdings(database)[U] == Holding(10, 1, 5)


def test_what_is_no_provision_of_the_commission_is_refused(service: Caller) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 6))
    reply = settle(service, serial, (member_key(BOB), 1))
    assert reply.status == 400
    assert BOB.uuid in reply.message
    assert service.pending(COMPUTE_TOKEN) == [serial]


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "value",
    [
        {"quantities": None},
        {"quantities": {}},
        {"quantities": [1]},
        {"quantities": [{}]},
        {"quantities": [{**U._asdict(), "quantity": "1"}]},
        {"quantities": [{**U._asdict(), "holder": 5, "quantity": 1}]},
        {"quantities": [{**U._asdict(), "quantity": 1}, {**U._asdict(), "quantity": 1}]},
    ],
)
def test_what_has_not_the_form_is_refused(service: Caller, database: Database, value: Any) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 6))
    before = holdings(database)
    reply = service.post(f"{COMMISSIONS}/{serial}/action", COMPUTE_TOKEN, {"accept": value})
    assert reply.status == 400
    assert holdings(database) == before


@pytest.mark.parametrize("value", [None, "", {}, [], 0, {"other": 1}])
def test_the_plain_form_is_unchanged(service: Caller, database: Database, value: Any) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 6))
    reply = service.post(f"{COMMISSIONS}/{serial}/action", COMPUTE_TOKEN, {"accept": value})
    assert reply.status == 200
    assert holdings(database)[U] == Holding(10, 6, 6)


def test_only_the_owner_settles(service: Caller) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 6))
    assert settle(service, serial, (U, 1), token=STORAGE_TOKEN).status == 404
    assert settle(service, serial + 1, (U, 1)).status == 404
    assert service.pending(COMPUTE_TOKEN) == [serial]


def test_the_oldest_dialect_names_both_levels(service: Caller, database: Database) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 6), (P, 6))
    assert settle(service, serial, (Key(ALICE.uuid, LAB, VM), 1)).status == 200
    assert holdings(database)[U] == Holding(10, 1, 1)
    assert holdings(database)[P] == Holding(12, 1, 1)
