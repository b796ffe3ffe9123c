"""Issuing beyond the original: idempotency keys, expiry, many at once (docs/ledger.md)."""

import json
import threading
import time
from typing import Any

import msgspec
import pytest

from astakos import clock
from astakos.storage import opening
from astakos.storage.protocol import Database
from astakos.storage.tables import retention
from service.caller import COMMISSIONS, Caller, Reply
from service.installation import holdings, rows, running
from service.world import (
    ALICE,
    BOB,
    COMPUTE_TOKEN,
    STORAGE_TOKEN,
    UNKNOWN_UUID,
    member_key,
    project_key,
)

pytestmark = pytest.mark.ledger

U, V, P = member_key(ALICE), member_key(BOB), project_key()
BULK = f"{COMMISSIONS}/bulk"


def body(quantity: int, **options: Any) -> dict[str, Any]:
    provisions = [{**key._asdict(), "quantity": quantity} for key in (U, P)]
    return {"provisions": provisions, **options}


def issue_with_key(service: Caller, key: str, document: Any, token: str = COMPUTE_TOKEN) -> Reply:
    return service("POST", COMMISSIONS, token, document=document, headers={"Idempotency-Key": key})


def test_every_answer_about_commissions_announces_what_is_supported(standing_service: Caller) -> None:
    for reply in (
        standing_service.get(COMMISSIONS, COMPUTE_TOKEN),
        standing_service.get(f"{COMMISSIONS}/1", COMPUTE_TOKEN),
        standing_service.get(COMMISSIONS),
        standing_service.post(COMMISSIONS, COMPUTE_TOKEN, []),
        standing_service.post(f"{COMMISSIONS}/action", COMPUTE_TOKEN, {}),
    ):
        assert "idempotency-key" in reply.headers["astakos-supports"]
    assert "astakos-supports" not in standing_service.get("/account/v1.0/resources").headers


def test_the_same_key_and_body_give_the_same_serial(service: Caller, database: Database) -> None:
    first = issue_with_key(service, "start vm 7", body(1))
    again = issue_with_key(service, "start vm 7", body(1))
    assert (first.status, again.status) == (201, 201)
    assert first.document == again.document
    assert (first.headers["idempotency-key"], again.headers["idempotency-key"]) == ("start vm 7",) * 2
    assert (first.headers["idempotency-replayed"], again.headers["idempotency-replayed"]) == ("false", "true")
    assert holdings(database)[U].usage_max == 1


def test_without_a_key_nothing_is_remembered(service: Caller, database: Database) -> None:
    replies = [service.issue(COMPUTE_TOKEN, (U, 1)) for _ in range(2)]
    assert replies[0].document != replies[1].document
    assert "idempotency-key" not in replies[0].headers
    assert rows(database, "SELECT * FROM idempotency_keys") == []


def test_bodies_are_compared_by_what_they_say(service: Caller) -> None:
    first = issue_with_key(service, "k", body(1))
    same = {"unknown": 5, "force": False, **dict(reversed(body(1).items()))}
    assert issue_with_key(service, "k", same).document == first.document


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "other", [body(2), body(1, name="x"), body(1, force=True), body(1, auto_accept=True), body(1, ttl=5)]
)
def test_the_same_key_with_another_body_is_refused(
    service: Caller, database: Database, other: dict[str, Any]
) -> None:
    issue_with_key(service, "k", body(1))
    before = holdings(database)
    reply = issue_with_key(service, "k", other)
    assert reply.status == 422
    assert reply.fault == "unprocessableEntity"
    assert "'k'" in reply.message
    assert holdings(database) == before


def test_a_key_belongs_to_its_component(service: Caller) -> None:
    mine = issue_with_key(service, "k", body(1))
    theirs = issue_with_key(service, "k", body(1), STORAGE_TOKEN)
    assert theirs.status == 201
    assert theirs.document != mine.document


def test_a_key_outlives_the_resolution_of_its_commission(service: Caller, database: Database) -> None:
    serial = issue_with_key(service, "k", body(1)).document["serial"]
    assert service.act(COMPUTE_TOKEN, serial, "reject") == 200
    assert issue_with_key(service, "k", body(1)).document["serial"] == serial
    assert holdings(database)[U].usage_max == 0


def test_a_key_outlives_the_service(database: Database) -> None:
    with running(database) as service:
        first = issue_with_key(service, "k", body(1))
    with running(database) as service:
        assert issue_with_key(service, "k", body(1)).document == first.document


def test_refusals_are_not_remembered(service: Caller) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 10))
    assert issue_with_key(service, "k", body(1)).status == 413
    assert service.act(COMPUTE_TOKEN, serial, "reject") == 200
    assert issue_with_key(service, "k", body(1)).status == 201


def test_one_key_in_many_requests_at_once_issues_once(service: Caller, database: Database) -> None:
    serials: list[int] = []

    def ask() -> None:
        serials.append(issue_with_key(service, "k", body(1)).document["serial"])

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(serials) == 16
    assert len(set(serials)) == 1
    assert holdings(database)[U].usage_max == 1


def test_a_commission_whose_asker_went_away_is_found_by_its_key(service: Caller, database: Database) -> None:
    # Whose token it is is known then, so that the request is read before it is seen that nobody waits.
    service.pending(COMPUTE_TOKEN)
    content = json.dumps(body(1)).encode()
    service.leave(
        b"POST /astakos/account/v1.0/commissions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Idempotency-Key: k\r\nX-Auth-Token: %b\r\nContent-Length: %d\r\n\r\n%b"
        % (COMPUTE_TOKEN.encode(), len(content), content)
    )
    deadline = time.monotonic() + 5
    while holdings(database)[U].usage_max == 0 and time.monotonic() < deadline:
        time.sleep(0.01)
    reply = issue_with_key(service, "k", body(1))
    assert reply.headers["idempotency-replayed"] == "true"
    assert holdings(database)[U].usage_max == 1


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("key", ["", " ", "k" * 256, "a\tb"])
def test_a_key_of_the_wrong_form_is_refused(service: Caller, database: Database, key: str) -> None:
    reply = issue_with_key(service, key, body(1))
    assert reply.status == 400
    assert "Idempotency-Key" in reply.message
    assert holdings(database)[U].usage_max == 0


def test_a_key_may_have_255_characters(service: Caller) -> None:
    assert issue_with_key(service, "k" * 255, body(1)).status == 201


def test_keys_are_forgotten_after_their_time(service: Caller, database: Database) -> None:
    issue_with_key(service, "k", body(1))
    (issued_at,) = rows(database, "SELECT time FROM idempotency_keys")[0]
    assert isinstance(issued_at, int)
    store = opening.ledger_storage(database)
    store.tidy(issued_at + clock.DAY)
    assert rows(database, "SELECT key FROM idempotency_keys") == [("k",)]
    store.tidy(issued_at + retention.KEYS_KEPT + 1)
    assert rows(database, "SELECT key FROM idempotency_keys") == []
    store.close()


def test_what_expires_is_rejected_by_itself(service: Caller, database: Database) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 2), (P, 2), ttl=1)
    info = service.get(f"{COMMISSIONS}/{serial}", COMPUTE_TOKEN).document
    assert info["expires"] > info["issue_time"]
    assert holdings(database)[U].usage_max == 2
    deadline = time.monotonic() + 6
    while service.pending(COMPUTE_TOKEN) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert holdings(database)[U] == msgspec.structs.replace(holdings(database)[U], usage_min=0, usage_max=0)
    assert service.act(COMPUTE_TOKEN, serial, "accept") == 404
    assert rows(database, "SELECT verdict FROM resolved_commissions") == [("EXPIRED",)]


def test_a_commission_accepted_in_time_does_not_expire(service: Caller, database: Database) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 2), ttl=1)
    assert service.act(COMPUTE_TOKEN, serial, "accept") == 200
    time.sleep(1.2)
    service.issued(COMPUTE_TOKEN, (V, 1))
    assert holdings(database)[U].usage_min == 2


def test_a_commission_without_a_time_to_live_shows_none(service: Caller) -> None:
    serial = service.issued(COMPUTE_TOKEN, (U, 1))
    assert "expires" not in service.get(f"{COMMISSIONS}/{serial}", COMPUTE_TOKEN).document


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("ttl", [0, -1, 30 * 24 * 3600 + 1, 1.5, "60", True, 10**30])
def test_a_time_to_live_out_of_range_is_refused(service: Caller, database: Database, ttl: Any) -> None:
    reply = service.issue(COMPUTE_TOKEN, (U, 1), ttl=ttl)
    assert reply.status == 400
    assert "$.ttl" in reply.message
    assert holdings(database)[U].usage_max == 0


def test_many_are_issued_each_by_itself(service: Caller, database: Database) -> None:
    unknown = {"provisions": [{**U._asdict(), "holder": f"user:{UNKNOWN_UUID}", "quantity": 1}]}
    reply = service.post(BULK, COMPUTE_TOKEN, {"commissions": [body(4), body(9), unknown, body(3)]})
    assert reply.status == 200
    assert reply.document["done"] is True
    statuses = [result["status"] for result in reply.document["results"]]
    assert statuses == [201, 413, 404, 201]
    single = service.issue(COMPUTE_TOKEN, (U, 9), (P, 9))
    many = reply.document["results"][1]["body"]
    assert many["overLimit"]["data"]["provision"] == single.document["overLimit"]["data"]["provision"]
    assert holdings(database)[U].usage_max == 7
    assert service.pending(COMPUTE_TOKEN) == [
        result["body"]["serial"] for result in reply.document["results"] if result["status"] == 201
    ]


def test_all_or_none_issues_none_if_one_is_refused(service: Caller, database: Database) -> None:
    document = {"commissions": [body(4), body(9), body(3)], "all_or_none": True}
    reply = service.post(BULK, COMPUTE_TOKEN, document)
    assert reply.document["done"] is False
    assert [result["status"] for result in reply.document["results"]] == [424, 413, 424]
    assert holdings(database)[U].usage_max == 0
    assert service.pending(COMPUTE_TOKEN) == []


def test_all_or_none_sees_what_can_be_no_holding(service: Caller, database: Database) -> None:
    nonsense = {"provisions": [{**U._asdict(), "holder": None, "quantity": 1}]}
    document = {"commissions": [body(4), nonsense], "all_or_none": True}
    reply = service.post(BULK, COMPUTE_TOKEN, document)
    assert [result["status"] for result in reply.document["results"]] == [424, 404]
    assert holdings(database)[U].usage_max == 0


def test_a_sum_out_of_range_among_many_is_refused_as_it_is_alone(service: Caller, database: Database) -> None:
    provision = {**U._asdict(), "quantity": 2**63 - 1}
    too_much = {"provisions": [provision, provision]}
    alone = service.post(COMMISSIONS, COMPUTE_TOKEN, too_much)
    reply = service.post(BULK, COMPUTE_TOKEN, {"commissions": [body(4), too_much, body(3)]})
    assert [result["status"] for result in reply.document["results"]] == [201, 400, 201]
    assert reply.document["results"][1]["body"] == alone.document
    assert holdings(database)[U].usage_max == 7


def test_all_or_none_issues_all(service: Caller, database: Database) -> None:
    document = {"commissions": [body(4), body(3)], "all_or_none": True}
    reply = service.post(BULK, COMPUTE_TOKEN, document)
    assert [result["status"] for result in reply.document["results"]] == [201, 201]
    assert holdings(database)[U].usage_max == 7


def test_one_key_covers_all_of_many(service: Caller, database: Database) -> None:
    document = {"commissions": [body(4), body(9), body(3)]}
    headers = {"Idempotency-Key": "k"}
    first = service("POST", BULK, COMPUTE_TOKEN, document=document, headers=headers)
    again = service("POST", BULK, COMPUTE_TOKEN, document=document, headers=headers)
    for results in zip(first.document["results"], again.document["results"], strict=True):
        assert results[0]["status"] == results[1]["status"]
        assert results[0]["body"].get("serial") == results[1]["body"].get("serial")
    assert holdings(database)[U].usage_max == 7


def test_as_many_as_one_call_may_have_are_issued_in_order_and_repeated_with_one_key(
    service: Caller, database: Database
) -> None:
    document = {"commissions": [body(0)] * 999 + [body(11)]}
    headers = {"Idempotency-Key": "k"}
    first = service("POST", BULK, COMPUTE_TOKEN, document=document, headers=headers)
    *issued, refused = first.document["results"]
    serials = [result["body"]["serial"] for result in issued]
    assert serials == sorted(set(serials))
    assert refused["status"] == 413
    again = service("POST", BULK, COMPUTE_TOKEN, document=document, headers=headers)
    assert again.document == first.document


def test_at_most_a_thousand_at_once(service: Caller) -> None:
    empty: dict[str, Any] = {"provisions": []}
    assert service.post(BULK, COMPUTE_TOKEN, {"commissions": [empty] * 1000}).document["done"] is True
    for wrong in ([], [empty] * 1001):
        reply = service.post(BULK, COMPUTE_TOKEN, {"commissions": wrong})
        assert reply.status == 400
        assert "$.commissions" in reply.message


def test_the_place_of_a_mistake_among_many_is_named(service: Caller, database: Database) -> None:
    wrong = {"provisions": [{**U._asdict(), "quantity": "1"}]}
    reply = service.post(BULK, COMPUTE_TOKEN, {"commissions": [body(1), wrong]})
    assert reply.status == 400
    assert "$.commissions[1].provisions[0].quantity" in reply.message
    assert holdings(database)[U].usage_max == 0


def test_a_name_that_can_not_be_stored_is_refused(service: Caller, database: Database) -> None:
    reply = service.issue(COMPUTE_TOKEN, (U, 1), name="a\0b")
    assert (reply.status, reply.message) == (
        400,
        "The name must not contain NUL characters or unpaired surrogates.",
    )
    commissions = [body(1), {**body(1), "name": "\0"}]
    reply = service.post(f"{COMMISSIONS}/bulk", COMPUTE_TOKEN, {"commissions": commissions})
    assert reply.status == 400
    assert "commission 1" in reply.message
    assert holdings(database)[U].usage_max == 0
