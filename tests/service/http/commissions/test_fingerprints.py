"""Fingerprints are stored for a day, so they have to stay what they are across upgrades."""

import hashlib
from typing import Any

import msgspec
import pytest

from astakos.http.commissions.fingerprints import fingerprint, first_fingerprint
from astakos.http.commissions.issuing import IssueBody
from astakos.storage.protocol import Database
from service.caller import COMMISSIONS, Caller, Reply
from service.installation import holdings, rows
from service.world import ALICE, COMPUTE_TOKEN, member_key, project_key

U, P = member_key(ALICE), project_key()

PLAIN = b'{"provisions":[{"holder":"a","source":null,"resource":"r","quantity":1}]}'
FULL = b'{"provisions":[],"name":"n","force":true,"auto_accept":true,"ttl":60}'


def decoded(text: bytes) -> IssueBody:
    return msgspec.json.decode(text, type=IssueBody)


@pytest.mark.parametrize("text", [PLAIN, FULL])
def test_a_fingerprint_is_that_of_what_differs_from_the_defaults(text: bytes) -> None:
    assert fingerprint(decoded(text)) == b"\x02" + hashlib.sha256(text).digest()


def test_a_default_that_is_sent_changes_nothing() -> None:
    sent = PLAIN[:-1] + b',"ttl":null,"force":false,"name":""}'
    assert fingerprint(decoded(sent)) == fingerprint(decoded(PLAIN))


def test_a_new_field_changes_no_fingerprint_of_requests_without_it() -> None:
    class Later(IssueBody, omit_defaults=True):
        key: str = ""

    later = msgspec.json.decode(PLAIN, type=Later)
    assert fingerprint(later) == fingerprint(decoded(PLAIN))
    assert first_fingerprint(later) == first_fingerprint(decoded(PLAIN))


def test_the_first_version_had_every_field() -> None:
    spelled_out = PLAIN[:-1] + b',"name":"","force":false,"auto_accept":false,"ttl":null}'
    assert first_fingerprint(decoded(PLAIN)) == hashlib.sha256(spelled_out).digest()
    assert first_fingerprint(decoded(FULL)) == hashlib.sha256(FULL).digest()


def commission(quantity: int = 1) -> dict[str, Any]:
    return {"provisions": [{**key._asdict(), "quantity": quantity} for key in (U, P)]}


def as_first_version_had_it(document: dict[str, Any]) -> bytes:
    return first_fingerprint(msgspec.convert(document, IssueBody))


def post(service: Caller, path: str, document: Any) -> Reply:
    return service("POST", path, COMPUTE_TOKEN, document=document, headers={"Idempotency-Key": "k"})


@pytest.mark.ledger
def test_an_issue_of_before_an_upgrade_is_not_issued_again(service: Caller, database: Database) -> None:
    first = post(service, COMMISSIONS, commission())
    rows(database, "UPDATE idempotency_keys SET fingerprint = ?", as_first_version_had_it(commission()))
    again = post(service, COMMISSIONS, commission())
    assert (again.status, again.document) == (201, first.document)
    assert again.headers["idempotency-replayed"] == "true"
    assert post(service, COMMISSIONS, commission(2)).status == 422
    assert holdings(database)[U].usage_max == 1


@pytest.mark.ledger
@pytest.mark.parametrize("all_or_none", [False, True])
def test_nor_are_many_of_them(service: Caller, database: Database, all_or_none: bool) -> None:
    document = {"commissions": [commission(1), commission(2)], "all_or_none": all_or_none}
    first = post(service, f"{COMMISSIONS}/bulk", document)
    for position, quantity in enumerate((1, 2)):
        rows(
            database,
            "UPDATE idempotency_keys SET fingerprint = ? WHERE key = ?",
            as_first_version_had_it(commission(quantity)),
            f"k\n{position}",
        )
    again = post(service, f"{COMMISSIONS}/bulk", document)
    assert (again.status, again.document) == (200, first.document)
    assert holdings(database)[U].usage_max == 3
