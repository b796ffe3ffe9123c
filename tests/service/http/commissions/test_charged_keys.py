"""Services name the key of a user whom they charge: its limits count as well, and it is told apart."""

import time
from typing import Any

import pytest

from astakos.administration.accounts import find_user
from astakos.administration.key_changes import Wanted, change_key, find_key, make_key
from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, StateDocument
from astakos.clock import now
from astakos.events.event import OPERATOR
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.periods import Unit
from astakos.ledger.rules import Key
from astakos.storage.protocol import Connection, Database
from service.caller import ACCOUNT, COMMISSIONS, Caller, Reply
from service.http.keyed import KEYS, made
from service.installation import holdings, rows, running
from service.world import ALICE, BOB, COMPUTE_TOKEN, LAB, LOADED, STORAGE_TOKEN, VM, member_key, project_key

pytestmark = pytest.mark.every_engine

U, P = member_key(ALICE), project_key()
BOBS = member_key(BOB)
DAILY = f"{VM}/day"


def key_with(service: Caller, limits: dict[str, Any], **wanted: Any) -> str:
    return str(made(service, ALICE.token, limits=limits, **wanted)["prefix"])


def charge(service: Caller, key: str | None, quantity: int, **options: Any) -> Reply:
    return service.issue(COMPUTE_TOKEN, (U, quantity), (P, quantity), key=key, auto_accept=True, **options)


def quotas(service: Caller, key: str, token: str = ALICE.token) -> dict[str, Any]:
    reply = service.get(f"{KEYS}/{key}/quotas", token)
    assert reply.status == 200, reply.content
    document: dict[str, Any] = reply.document
    return document


def define_meter(database: Database) -> None:
    entry = ResourceEntry(name=DAILY, service="compute_api", meter=MeterDefinition(unit=Unit.DAY))
    load(database, StateDocument(resources=[entry]), LOADED)


def test_a_key_with_a_limit_is_refused_more(service: Caller) -> None:
    key = key_with(service, {VM: 3})
    assert charge(service, key, 3).status == 201
    refused = charge(service, key, 1)
    assert refused.status == 413
    assert refused.headers["astakos-level"] == "key"
    assert (
        refused.document["overLimit"]["message"] == f"The quantity would exceed the limit of the key {key}."
    )
    assert refused.document["overLimit"]["data"] == {
        "name": "NoCapacityError",
        "provision": {"holder": f"key:{key}", "source": U.holder, "resource": VM, "quantity": 1},
        "usage": 3,
        "limit": 3,
        "level": "key",
    }
    assert charge(service, None, 1).status == 201
    assert quotas(service, key) == {VM: {"limit": 3, "usage": 3, "pending": 0}}
    assert charge(service, key, -2).status == 201
    assert quotas(service, key)[VM]["usage"] == 1


def test_a_limit_per_period_counts_the_base_too(database: Database) -> None:
    define_meter(database)
    with running(database) as service:
        key = key_with(service, {DAILY: 3})
        assert service.get(f"{KEYS}/{key}", ALICE.token).document["limits"] == {DAILY: 3}
        assert charge(service, key, 2).status == 201
        assert charge(service, key, -2).status == 201
        refused = charge(service, key, 2)
        data = refused.document["overLimit"]["data"]
        assert (refused.status, data["level"], data["provision"]["resource"]) == (413, "key", DAILY)
        assert f"{DAILY} of the key {key}" in refused.document["overLimit"]["message"]
        assert refused.headers["astakos-level"] == "key"
        assert refused.headers["ratelimit"].startswith(f'"{DAILY}";r=1;t=')
        told = quotas(service, key)
        assert told[VM] == {"limit": None, "usage": 0, "pending": 0}
        assert (told[DAILY]["limit"], told[DAILY]["usage"], told[DAILY]["period"]) == (3, 2, "each day")
        assert told[DAILY]["resets"] == data["resets"]


def test_limits_change_at_once_and_stay_when_a_key_is_rotated(service: Caller) -> None:
    key = key_with(service, {VM: 1})
    assert charge(service, key, 1).status == 201
    changed = service("PUT", f"{KEYS}/{key}", ALICE.token, document={"limits": {VM: 2}})
    assert changed.document["limits"] == {VM: 2}
    assert charge(service, key, 1).status == 201
    rotated = service.post(f"{KEYS}/{key}/action", ALICE.token, {"rotate": {"overlap_seconds": 0}})
    assert rotated.document["limits"] == {VM: 2}
    assert charge(service, key, 1).status == 413
    changed = service("PUT", f"{KEYS}/{key}", ALICE.token, document={"limits": {VM: None}})
    assert changed.document["limits"] == {}
    assert charge(service, key, 1).status == 201
    assert quotas(service, key) == {VM: {"limit": None, "usage": 3, "pending": 0}}
    service("PUT", f"{KEYS}/{key}", ALICE.token, document={"limits": {VM: 3}, "name": "another"})
    changed = service("PUT", f"{KEYS}/{key}", ALICE.token, document={"name": "a third"})
    assert changed.document["limits"] == {VM: 3}
    changed = service("PUT", f"{KEYS}/{key}", ALICE.token, document={"limits": None})
    assert changed.document["limits"] == {}


def test_a_key_without_limits_is_charged_nothing(database: Database, service: Caller) -> None:
    key = key_with(service, {})
    assert charge(service, key, 2).status == 201
    assert quotas(service, key) == {}
    assert not [one for one in holdings(database) if one.holder.startswith("key:")]
    changed = service("PUT", f"{KEYS}/{key}", ALICE.token, document={"limits": {VM: 1}})
    assert changed.status == 200
    # What was charged before is not the key's, and does not hinder anybody who gives it back.
    assert charge(service, key, -2).status == 201
    assert charge(service, key, 1).status == 201


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"nope": 1}, "there is no resource 'nope'"),
        ({VM: -1}, f"Limits: {VM} must be from 0 to "),
        ({VM: 2**63}, f"Limits: {VM} must be from 0 to "),
        ({VM: "3"}, "Expected `int | null`"),
        ([], "Expected `object | null`"),
    ],
)
def test_limits_that_cannot_be_are_refused(standing_service: Caller, limits: Any, told: str) -> None:
    reply = standing_service.post(KEYS, ALICE.token, {"name": "a", "limits": limits})
    assert reply.status == 400
    assert told in reply.document["badRequest"]["message"]


def test_the_key_of_a_commission_is_shown_even_if_it_has_no_limits(service: Caller) -> None:
    key = key_with(service, {})
    serials = [
        service.issue(COMPUTE_TOKEN, (U, 2), (P, 2), key=one).document["serial"] for one in (key, None)
    ]
    keyed, other = (service.get(f"{COMMISSIONS}/{serial}", COMPUTE_TOKEN).document for serial in serials)
    assert (keyed["key"], "key" in other) == (key, False)
    for serial in serials:
        assert service.act(COMPUTE_TOKEN, serial, "accept") == 200
    assert charge(service, key, -2).status == 201
    for token in (COMPUTE_TOKEN, ALICE.token):
        listed = service.get(f"{COMMISSIONS}/history", token).document["history"]
        found = {(one["serial"] - serials[0], one.get("key", "none")) for one in listed}
        assert found == {(0, key), (1, "none"), (2, key)}
        refused = service.get(f"{COMMISSIONS}/history?key={key}", token)
        assert (refused.status, "its entries show the key" in refused.message) == (400, True), refused.content
    # Of others' keys, users learn nothing.
    assert service.get(f"{COMMISSIONS}/history?key={key}", BOB.token).document["history"] == []


def test_only_a_valid_key_of_the_charged_user_can_be_named(database: Database, service: Caller) -> None:
    key = key_with(service, {VM: 5})
    of_bob = str(made(service, BOB.token)["prefix"])
    other = [
        (charge(service, "nope", 1), 400, "must be the prefix of a key"),
        (charge(service, "", 1), 400, "must be the prefix of a key"),
        (charge(service, "astk_22222222", 1), 403, f"{U.holder} has no key astk_22222222"),
        (charge(service, of_bob, 1), 403, f"{U.holder} has no key {of_bob}"),
        (service.issue(COMPUTE_TOKEN, (P, 1), key=key), 400, "charges no user"),
        (service.issue(COMPUTE_TOKEN, (U, 1), (BOBS, 1), key=key), 400, "can only charge one user"),
        (service.issue(COMPUTE_TOKEN, (U, 1), key=3), 400, "Expected `str | null`"),
    ]
    for reply, status, told in other:
        assert reply.status == status
        assert told in reply.content.decode()
    before = holdings(database)[Key(f"key:{key}", U.holder, VM)]
    assert before.usage_max == 0

    expired = key_with(service, {VM: 5})
    expiry = now() + 1_000

    def expire(connection: Connection) -> None:
        owned = find_key(connection, expired)
        change_key(connection, OPERATOR, owned, Wanted("a", expires=expiry), expiry - 1)

    database.change(expire)
    while now() <= expiry:
        time.sleep(0.001)
    refused = charge(service, expired, 1)
    told = f"The key {expired} has expired."
    assert (refused.status, refused.document["forbidden"]["message"]) == (403, told)


def test_what_is_pending_settles_after_its_key_was_revoked(database: Database, service: Caller) -> None:
    key = key_with(service, {VM: 5})
    options: dict[str, Any] = {"headers": {"Idempotency-Key": "once"}, "document": issue_body(key, 2)}
    serial = service("POST", COMMISSIONS, COMPUTE_TOKEN, **options).document["serial"]
    assert service("DELETE", f"{KEYS}/{key}", ALICE.token).status == 204
    assert charge(service, key, 1).status == 403
    repeated = service("POST", COMMISSIONS, COMPUTE_TOKEN, **options)
    assert (repeated.status, repeated.document["serial"]) == (201, serial)
    assert service.act(COMPUTE_TOKEN, serial, "accept") == 200
    charged = holdings(database)[Key(f"key:{key}", U.holder, VM)]
    assert charged.usage_min == charged.usage_max == 2
    assert service.get(f"{KEYS}/{key}/quotas", ALICE.token).status == 404


def issue_body(key: str | None, quantity: int, **more: Any) -> dict[str, Any]:
    provisions = [{**one._asdict(), "quantity": quantity} for one in (U, P)]
    return {"provisions": provisions, "key": key, **more}


def test_a_key_of_a_project_draws_from_that_only(service: Caller) -> None:
    key = key_with(service, {VM: 5}, project=LAB)
    own = member_key(ALICE, ALICE.uuid)
    assert charge(service, key, 1).status == 201
    refused = service.issue(COMPUTE_TOKEN, (own, 1), key=key)
    assert (refused.status, refused.document["forbidden"]["message"]) == (
        403,
        f"The key {key} can only draw from project:{LAB}.",
    )


def test_bulk_dry_run_and_as_much_as_there_is(service: Caller) -> None:
    key = key_with(service, {VM: 3})
    bodies = [issue_body(key, 2, auto_accept=True), issue_body(key, 2), issue_body("astk_22222222", 1)]
    reply = service.post(f"{COMMISSIONS}/bulk", COMPUTE_TOKEN, {"commissions": bodies})
    assert [result["status"] for result in reply.document["results"]] == [201, 413, 403]
    questions = [issue_body(key, quantity, dry_run=True) for quantity in (1, 2)]
    for all_or_none, statuses in ((False, [200, 413]), (True, [424, 413])):
        document = {"commissions": questions, "all_or_none": all_or_none}
        results = service.post(f"{COMMISSIONS}/bulk", COMPUTE_TOKEN, document).document["results"]
        assert [result["status"] for result in results] == statuses
    assert charge(service, key, 2, dry_run=True).status == 413
    assert charge(service, key, 1, dry_run=True).status == 200
    granted = charge(service, key, 2, at_most=True).document["granted"]
    assert [one["quantity"] for one in granted] == [1, 1]
    assert quotas(service, key)[VM]["usage"] == 3


def test_nobody_charges_or_reconciles_a_key_by_itself(service: Caller) -> None:
    key = key_with(service, {VM: 3})
    named = Key(f"key:{key}", U.holder, VM)
    refused = service.issue(COMPUTE_TOKEN, (named, 1))
    assert refused.status == 404
    assert "charged along with its user" in refused.document["itemNotFound"]["message"]
    usage = [{**named._asdict(), "usage": 0}]
    refused = service.post(f"{ACCOUNT}/reconcile", COMPUTE_TOKEN, {"usage": usage, "mend": True})
    assert refused.status == 400
    assert "Those of keys are not reconciled" in refused.document["badRequest"]["message"]
    usage = [{**U._asdict(), "usage": 2}, {**P._asdict(), "usage": 2}]
    assert service.post(f"{ACCOUNT}/reconcile", COMPUTE_TOKEN, {"usage": usage, "mend": True}).status == 200
    assert quotas(service, key)[VM]["usage"] == 0


def test_the_history_can_be_asked_by_key(service: Caller) -> None:
    key, other = key_with(service, {VM: 3}), key_with(service, {VM: 3})
    charge(service, key, 2)
    charge(service, other, 1)
    for token in (ALICE.token, COMPUTE_TOKEN):
        found = service.get(f"{COMMISSIONS}/history?key={key}", token).document["history"]
        assert [(one["holder"], one["source"], one["settled"]) for one in found] == [
            (f"key:{key}", U.holder, 2)
        ]
    for token in (BOB.token, STORAGE_TOKEN):
        assert service.get(f"{COMMISSIONS}/history?key={key}", token).document["history"] == []
    own = service.get(f"{COMMISSIONS}/history", ALICE.token).document["history"]
    assert {one["holder"] for one in own} == {U.holder}
    assert service.get(f"{COMMISSIONS}/history?key=nope", ALICE.token).status == 400
    by_holder = service.get(f"{COMMISSIONS}/history?holder=key:{key}", COMPUTE_TOKEN).document["history"]
    assert [one["settled"] for one in by_holder] == [2]
    assert service.get(f"{COMMISSIONS}/history?holder=key:{key}", ALICE.token).document["history"] == []
    both = service.get(f"{COMMISSIONS}/history?key={key}&holder={U.holder}", ALICE.token)
    assert both.document["history"] == []


def test_refusals_tell_of_the_key(service: Caller) -> None:
    key = key_with(service, {VM: 1})
    charge(service, key, 2)
    (found,) = service.get(f"{ACCOUNT}/quotas/refusals", ALICE.token).document
    assert (found["charged"], found["holder"], found["level"]) == (U.holder, f"key:{key}", "key")


def test_quotas_of_a_key_are_its_users_alone(service: Caller) -> None:
    first, second = (made(service, ALICE.token, limits={VM: 1}, project=project) for project in (LAB, None))
    assert quotas(service, first["prefix"], first["key"])[VM]["limit"] == 1
    assert quotas(service, first["prefix"], second["key"])[VM]["limit"] == 1
    for key, token in ((second, first["key"]), (first, BOB.token)):
        assert service.get(f"{KEYS}/{key['prefix']}/quotas", token).status == 404
    assert service.get(f"{KEYS}/nope/quotas", ALICE.token).status == 404


def test_limits_of_a_key_are_in_the_audit_log(database: Database, service: Caller) -> None:
    key = key_with(service, {VM: 1})
    service("PUT", f"{KEYS}/{key}", ALICE.token, document={"limits": {VM: 2}})
    service("DELETE", f"{KEYS}/{key}", ALICE.token)
    found = rows(database, "SELECT kind, before, after FROM events WHERE kind LIKE 'key.%' ORDER BY id")
    created, changed, revoked = ("".join(str(part) for part in one) for one in found)
    assert f'"limits": {{"{VM}": 1}}' in created.replace('":', '": ').replace(":  ", ": ")
    assert VM in changed
    assert VM in revoked


def test_the_prefix_of_a_key_with_holdings_is_not_given_again(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = iter([b"\0" * 8, b"\0" * 8, b"\1" * 8])

    def random_bytes(count: int) -> bytes:
        return next(found) if count == 8 else b"\2" * count

    def make(connection: Connection) -> str:
        user = find_user(connection, ALICE.uuid)
        made = make_key(connection, OPERATOR, user, Wanted("a", limits={VM: 1}), now())
        connection.execute("DELETE FROM api_keys WHERE prefix = ?", (made.key.prefix,))
        return made.key.prefix

    monkeypatch.setattr("astakos.administration.key_changes.os.urandom", random_bytes)
    assert database.change(make) != database.change(make)
