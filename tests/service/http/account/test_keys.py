"""Users make, list, change, rotate and revoke keys."""

import re
import time

import pytest

from astakos import clock
from astakos.administration.accounts import find_user, renew_user_token, set_password
from astakos.administration.user_registration import activate_user, deactivate_user
from astakos.clock import DAY, to_iso
from astakos.events.event import OPERATOR
from astakos.service import ttl_cache
from astakos.storage.opening import database_of
from astakos.storage.protocol import Connection, Database
from service.caller import ACCOUNT, Caller
from service.http.keyed import KEYS, made, text_of
from service.installation import rows, running
from service.world import ALICE, BOB, CLOSED, HALTED, LAB, UNKNOWN_UUID

pytestmark = pytest.mark.every_engine

QUOTAS = f"{ACCOUNT}/quotas"


def test_a_key_is_shown_once_and_stored_as_a_hash(database: Database, service: Caller) -> None:
    document = made(service, ALICE.token, name="nightly build", expires="2098-01-02T03:04:05+00:00")
    text = document.pop("key")
    assert re.fullmatch(r"astk_[a-z2-9]{8}_[0-9A-Za-z]{49}", text)
    assert document == {
        "prefix": text[:13],
        "name": "nightly build",
        "state": "valid",
        "project": None,
        "services": None,
        "calls": None,
        "networks": None,
        "created": document["created"],
        "expires": "2098-01-02T03:04:05+00:00",
        "last_used": None,
        "creator": ALICE.uuid,
        "limits": {},
    }
    assert service.get(KEYS, ALICE.token).document == [document]
    for name in (document["prefix"], document["prefix"].removeprefix("astk_")):
        assert service.get(f"{KEYS}/{name}", ALICE.token).document == document
    stored = repr(rows(database, "SELECT * FROM api_keys")) + repr(rows(database, "SELECT * FROM events"))
    stored += repr(rows(database, "SELECT * FROM api_key_secrets"))
    assert document["prefix"] in stored
    assert text[14:] not in stored


def test_a_key_is_as_good_as_a_token(service: Caller) -> None:
    document = made(service, ALICE.token)
    text = document["key"]
    told = service.get(f"{ACCOUNT}/authenticate", text).document
    assert (told["uuid"], told["key"], told["auth_token"]) == (ALICE.uuid, document["prefix"], text)
    assert "key" not in service.get(f"{ACCOUNT}/authenticate", ALICE.token).document
    assert service.get(QUOTAS, text).document == service.get(QUOTAS, ALICE.token).document
    assert service("GET", QUOTAS, headers={"Authorization": f"Bearer {text}"}).status == 200
    reply = service.post("/identity/v2.0/tokens", None, {"auth": {"token": {"id": text}}})
    access = reply.document["access"]
    assert (access["token"]["id"], access["token"]["key"]) == (text, document["prefix"])
    assert (access["token"]["expires"], access["user"]["id"]) == (None, ALICE.uuid)


@pytest.mark.parametrize("wrong", ["astk_abcdefgh_" + "0" * 49, "astk_", "astk_abcdefgh"])
def test_what_only_looks_like_a_key_is_unknown(standing_service: Caller, wrong: str) -> None:
    assert standing_service.get(QUOTAS, wrong).status == 401


def test_a_key_with_another_secret_or_checksum_is_unknown(service: Caller) -> None:
    text, other = text_of(service, ALICE.token), text_of(service, ALICE.token)
    for wrong in (text[:-1], text + "x", text[:13] + other[13:], text.upper(), text[:-6] + "000000"):
        assert service.get(QUOTAS, wrong).status == 401


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"name": ""}, "name"),
        ({"name": " "}, "printable"),
        ({"name": "a\nb"}, "printable"),
        ({"name": "x" * 101}, "name"),
        ({"name": 7}, "name"),
        ({"expires": "tomorrow"}, "ISO 8601"),
        ({"expires": "2001-01-02T03:04:05+00:00"}, "in the future"),
        ({"services": []}, "at least one"),
        ({"services": ["nope"]}, "no service 'nope'"),
        ({"services": ["compute_api"] * 33}, "32"),
        ({"calls": ["nope"]}, "the areas are"),
        ({"calls": ["keys.make_key"]}, "keys.list_keys"),
        ({"networks": []}, "at least one"),
        ({"networks": ["10.0.0.300"]}, "10.0.0.0/8"),
        ({"networks": ["::ffff:192.0.2.0/120"]}, "as IPv4"),
        ({"project": UNKNOWN_UUID}, "draw from"),
        ({"project": HALTED}, "draw from"),
        ({"project": CLOSED}, "draw from"),
        ({"prefix": "astk_abcdefgh"}, "prefix"),
    ],
)
def test_what_a_key_cannot_be_is_refused(standing_service: Caller, wanted: object, told: str) -> None:
    assert isinstance(wanted, dict)
    reply = standing_service.post(KEYS, ALICE.token, {"name": "a key", **wanted})
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert told in reply.message


def test_a_user_can_have_so_many_keys(database: Database, service: Caller) -> None:
    rows(database, "INSERT INTO settings (name, value) VALUES ('most_keys', '2')")
    made(service, ALICE.token)
    prefix = made(service, ALICE.token)["prefix"]
    reply = service.post(KEYS, ALICE.token, {"name": "one more"})
    assert (reply.status, reply.fault) == (409, "conflict")
    made(service, BOB.token)
    assert service("DELETE", f"{KEYS}/{prefix}", ALICE.token).status == 204
    made(service, ALICE.token)


def test_keys_of_others_do_not_exist(service: Caller) -> None:
    prefix = made(service, ALICE.token)["prefix"]
    path = f"{KEYS}/{prefix}"
    assert service.get(KEYS, BOB.token).document == []
    for reply in (
        service.get(path, BOB.token),
        service("PUT", path, BOB.token, document={"name": "mine"}),
        service.post(f"{path}/action", BOB.token, {"rotate": {}}),
        service("DELETE", path, BOB.token),
        service.get(f"{KEYS}/astk_abcdefgh", ALICE.token),
        service.get(f"{KEYS}/%00", ALICE.token),
    ):
        assert (reply.status, reply.fault) == (404, "itemNotFound")
    assert service.get(path, ALICE.token).document["name"] == "a key"


def test_a_change_counts_at_once_and_leaves_the_rest(database: Database, service: Caller) -> None:
    document = made(service, ALICE.token, calls=["quotas"], networks=["198.51.100.0/24"])
    path, text = f"{KEYS}/{document['prefix']}", document.pop("key")
    assert service.get(QUOTAS, text, X_Forwarded_For="198.51.100.1").status == 200
    changed = service("PUT", path, ALICE.token, document={"name": "other", "networks": ["192.0.2.1"]})
    assert changed.document == document | {
        "name": "other",
        "networks": ["192.0.2.1"],
        "last_used": changed.document["last_used"],
    }
    assert service.get(QUOTAS, text, X_Forwarded_For="198.51.100.1").status == 401
    service("PUT", path, ALICE.token, document={"networks": None, "calls": None})
    assert service.get(QUOTAS, text).status == 200
    assert service.get(f"{ACCOUNT}/projects", text).status == 200
    told = rows(database, "SELECT subject, before, after FROM events WHERE kind = 'key.changed' ORDER BY id")
    assert [row[0] for row in told] == [ALICE.uuid] * 2
    assert '"name":"other"' in str(told[0][2]).replace(" ", "")


def test_a_revoked_key_ends_at_once(database: Database, service: Caller) -> None:
    document = made(service, ALICE.token)
    assert service.get(QUOTAS, document["key"]).status == 200
    assert service("DELETE", f"{KEYS}/{document['prefix']}", ALICE.token).status == 204
    assert service.get(QUOTAS, document["key"]).status == 401
    assert service.get(KEYS, ALICE.token).document == []
    assert rows(database, "SELECT * FROM api_key_secrets") == []
    told = rows(database, "SELECT kind FROM events WHERE kind LIKE 'key.%' ORDER BY id")
    assert told == [("key.created",), ("key.revoked",)]


def test_a_revoked_key_ends_in_other_processes_within_a_second(database: Database, service: Caller) -> None:
    with running(database_of(database.url)) as other:
        document = made(service, ALICE.token)
        assert other.get(QUOTAS, document["key"]).status == 200
        service("DELETE", f"{KEYS}/{document['prefix']}", ALICE.token)
        time.sleep(ttl_cache.KEPT_SECONDS)
        assert other.get(QUOTAS, document["key"]).status == 401


def test_a_rotated_key_has_two_secrets_for_a_while(database: Database) -> None:
    moment = clock.from_iso("2031-03-01T00:00:00+00:00")
    with running(database, now=lambda: moment) as service:
        first = made(service, ALICE.token, calls=["quotas"])
        path = f"{KEYS}/{first['prefix']}/action"
        second = service.post(path, ALICE.token, {"rotate": {"overlap_seconds": 3600}}).document
        assert second["prefix"] == first["prefix"]
        assert second["calls"] == ["quotas"]
        assert second["key"] != first["key"]
        assert [service.get(QUOTAS, one["key"]).status for one in (first, second)] == [200, 200]
        moment += 3600 * clock.MICROSECONDS + 1
        assert [service.get(QUOTAS, one["key"]).status for one in (first, second)] == [401, 200]
        third = service.post(path, ALICE.token, {"rotate": {"overlap_seconds": 0}}).document
        assert [service.get(QUOTAS, one["key"]).status for one in (second, third)] == [401, 200]
        # An earlier secret never lives longer than it was to.
        service.post(path, ALICE.token, {"rotate": {"overlap_seconds": 60}})
        service.post(path, ALICE.token, {"rotate": {"overlap_seconds": 3600}})
        moment += 61 * clock.MICROSECONDS
        assert service.get(QUOTAS, third["key"]).status == 401


@pytest.mark.parametrize("body", [{}, {"rotate": {"overlap_seconds": -1}}, {"rotate": 1}, {"revoke": {}}])
def test_other_actions_are_refused(standing_service: Caller, body: object) -> None:
    assert standing_service.post(f"{KEYS}/abcdefgh/action", ALICE.token, body).status == 400


def test_an_expired_key_is_refused_and_listed(database: Database) -> None:
    moment = clock.from_iso("2031-03-01T00:00:00+00:00")
    with running(database, now=lambda: moment) as service:
        document = made(service, ALICE.token, expires=to_iso(moment + DAY))
        assert service.get(QUOTAS, document["key"]).status == 200
        moment += DAY + 1
        reply = service.get(QUOTAS, document["key"])
        assert (reply.status, "expired" in reply.message) == (401, True)
        assert service.get(KEYS, ALICE.token).document[0]["state"] == "expired"
        path = f"{KEYS}/{document['prefix']}"
        assert service("PUT", path, ALICE.token, document={"expires": None}).status == 409
        assert service.post(f"{path}/action", ALICE.token, {"rotate": {}}).status == 409
        assert service("DELETE", path, ALICE.token).status == 204


def test_the_last_use_is_told_exact_to_a_minute(database: Database) -> None:
    moment = clock.from_iso("2031-03-01T00:00:59+00:00")
    with running(database, now=lambda: moment) as service:
        document = made(service, ALICE.token)
        service.get(QUOTAS, document["key"])
        assert service.get(KEYS, ALICE.token).document[0]["last_used"] == "2031-03-01T00:00:00+00:00"
        assert rows(database, "SELECT last_used FROM api_keys") == [(None,)]
    assert rows(database, "SELECT last_used FROM api_keys") == [(moment - 59 * clock.MICROSECONDS,)]


def _changed(database: Database, service: Caller, change: object) -> list[int]:
    """The statuses of a key's calls before and after a change, within a second."""
    assert callable(change)
    text = text_of(service, ALICE.token)
    before = service.get(QUOTAS, text).status

    def carry_out(connection: Connection) -> None:
        change(connection, find_user(connection, ALICE.uuid))

    database.change(carry_out)
    time.sleep(ttl_cache.KEPT_SECONDS)
    return [before, service.get(QUOTAS, text).status]


def test_keys_end_with_a_new_password_unless_they_are_kept(database: Database, service: Caller) -> None:
    for keep, status in ((True, 200), (False, 401)):
        found = _changed(
            database,
            service,
            lambda connection, user, keep=keep: set_password(
                connection, OPERATOR, user, "hash", clock.now(), keep_tokens=True, keep_keys=keep
            ),
        )
        assert found == [200, status]


def test_keys_end_with_the_deactivation_of_their_user(database: Database, service: Caller) -> None:
    def change(connection: Connection, user: object) -> None:
        known = find_user(connection, ALICE.uuid)
        deactivate_user(connection, OPERATOR, known, "", clock.now())
        activate_user(connection, OPERATOR, find_user(connection, ALICE.uuid), clock.now())

    assert _changed(database, service, change) == [200, 401]


def test_keys_outlive_a_new_token(database: Database, service: Caller) -> None:
    found = _changed(
        database,
        service,
        lambda connection, user: renew_user_token(connection, OPERATOR, user, clock.now()),
    )
    assert found == [200, 200]


def test_a_token_that_has_just_ended_makes_no_key(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ttl_cache, "KEPT_SECONDS", 3600.0)
    with running(database) as service:
        assert service.get(KEYS, ALICE.token).status == 200
        with database.transaction() as connection:
            renew_user_token(connection, OPERATOR, find_user(connection, ALICE.uuid), clock.now())
        assert service.get(KEYS, ALICE.token).status == 200
        assert service.post(KEYS, ALICE.token, {"name": "a key"}).status == 401
    assert rows(database, "SELECT * FROM api_keys") == []


def test_a_project_is_named_by_its_uuid(service: Caller) -> None:
    assert made(service, BOB.token, project=LAB)["project"] == LAB
