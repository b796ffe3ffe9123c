"""Whose token counts, on every call that needs one."""

import time

import pytest

from astakos import clock
from astakos.administration.accounts import find_user, renew_user_token
from astakos.administration.component_registration import renew_component_token
from astakos.events.event import OPERATOR
from astakos.service import ttl_cache
from astakos.storage.opening import database_of
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, COMMISSIONS, TOKENS, Caller
from service.installation import rows, running
from service.world import (
    ACCESS_TOKEN,
    ALICE,
    BOB,
    CHLOE,
    COMPUTE_TOKEN,
    DORA,
    EDGAR,
    FAY,
    GREG,
    HUGO,
    IVAN,
    RETIRED_TOKEN,
    STORAGE_TOKEN,
    UNKNOWN_TOKEN,
    Person,
)

pytestmark = pytest.mark.every_engine


@pytest.mark.parametrize("person", [ALICE, BOB, CHLOE], ids=lambda person: person.email)
def test_active_users_are_let_in(standing_service: Caller, person: Person) -> None:
    assert standing_service.get(f"{ACCOUNT}/authenticate", person.token).document["uuid"] == person.uuid


@pytest.mark.parametrize("person", [DORA, EDGAR, FAY, GREG, HUGO, IVAN], ids=lambda person: person.email)
def test_users_who_may_not_call_are_not_let_in(standing_service: Caller, person: Person) -> None:
    for path in ("authenticate", "quotas"):
        reply = standing_service.get(f"{ACCOUNT}/{path}", person.token)
        assert (reply.status, reply.fault) == (401, "unauthorized")
        assert reply.message


@pytest.mark.parametrize(
    "token",
    [
        RETIRED_TOKEN,
        UNKNOWN_TOKEN,
        COMPUTE_TOKEN[:-1],
        COMPUTE_TOKEN + "x",
        COMPUTE_TOKEN.upper(),
        "x" * 20_000,
        "tökén",
        "'; DROP TABLE components; --",
    ],
)
def test_components_whose_token_does_not_count_are_not_let_in(standing_service: Caller, token: str) -> None:
    reply = standing_service("GET", COMMISSIONS, headers={"X-Auth-Token": token})
    assert (reply.status, reply.fault) == (401, "unauthorized")


def test_blanks_around_a_token_do_not_count(standing_service: Caller) -> None:
    assert standing_service.get(COMMISSIONS, f"  {COMPUTE_TOKEN}  ").status == 200


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_a_token_may_be_a_bearer_token(standing_service: Caller, scheme: str) -> None:
    for path, token in ((f"{ACCOUNT}/quotas", ALICE.token), (COMMISSIONS, COMPUTE_TOKEN)):
        headers = {"Authorization": f"{scheme}  {token} "}
        assert standing_service("GET", path, headers=headers).status == 200
        assert standing_service("GET", path, token, headers=headers).status == 200
        assert standing_service("GET", f"{path}?X-Auth-Token={token}", headers=headers).status == 200


def test_a_body_is_read_for_a_bearer_token(standing_service: Caller) -> None:
    reply = standing_service(
        "POST",
        f"{ACCOUNT}/user_catalogs",
        document={"uuids": [ALICE.uuid]},
        headers={"Authorization": f"Bearer {ALICE.token}"},
    )
    assert reply.document["uuid_catalog"] == {ALICE.uuid: ALICE.email}


def test_the_token_is_told_that_came_as_a_bearer_token(standing_service: Caller) -> None:
    headers = {"Authorization": f"Bearer {ALICE.token}"}
    assert (
        standing_service("GET", f"{ACCOUNT}/authenticate", headers=headers).document["auth_token"]
        == ALICE.token
    )


@pytest.mark.parametrize("path", [f"{ACCOUNT}/quotas", "/identity/v3/projects"])
def test_two_tokens_that_differ_are_refused(standing_service: Caller, path: str) -> None:
    headers = {"Authorization": f"Bearer {BOB.token}"}
    for query, token in (("", ALICE.token), (f"?X-Auth-Token={ALICE.token}", None)):
        reply = standing_service("GET", path + query, token, headers=headers)
        assert reply.status == 400
        assert b"different tokens" in reply.content
        assert reply.headers["www-authenticate"] == 'Bearer realm="astakos", error="invalid_request"'


@pytest.mark.parametrize("value", ["Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Bearer", "Bearer  ", "Bearerx", ""])
def test_what_is_no_bearer_token_counts_as_none(standing_service: Caller, value: str) -> None:
    headers = {"Authorization": value}
    assert standing_service("GET", f"{ACCOUNT}/quotas", ALICE.token, headers=headers).status == 200
    reply = standing_service("GET", f"{ACCOUNT}/quotas", headers=headers)
    assert (reply.status, reply.headers["www-authenticate"]) == (401, 'Bearer realm="astakos"')


def test_refusals_say_how_to_authenticate(standing_service: Caller) -> None:
    invalid = 'Bearer realm="astakos", error="invalid_token"'
    for path in (f"{ACCOUNT}/quotas", COMMISSIONS):
        assert standing_service.get(path).headers["www-authenticate"] == 'Bearer realm="astakos"'
        assert standing_service.get(path, UNKNOWN_TOKEN).headers["www-authenticate"] == invalid
    reply = standing_service.post(TOKENS, None, {"auth": {"token": {"id": UNKNOWN_TOKEN}}})
    assert (reply.status, reply.headers["www-authenticate"]) == (401, invalid)
    reply = standing_service.get("/identity/v3/projects", UNKNOWN_TOKEN)
    assert reply.headers["www-authenticate"].startswith('Keystone uri="')
    assert reply.headers["www-authenticate"].endswith(f'/identity/v3", {invalid}')


def test_an_oauth2_access_token_is_no_token_of_a_user(standing_service: Caller) -> None:
    assert standing_service.get(f"{ACCOUNT}/quotas", ACCESS_TOKEN).status == 401


def test_a_token_without_a_user_who_may_call_says_nothing_about_why_it_is_unknown(
    standing_service: Caller,
) -> None:
    unknown = standing_service.get(f"{ACCOUNT}/quotas", UNKNOWN_TOKEN)
    another = standing_service.get(f"{ACCOUNT}/quotas", COMPUTE_TOKEN)
    assert unknown.content == another.content


def test_a_renewed_token_replaces_the_old_one_within_a_second(database: Database, service: Caller) -> None:
    quotas = f"{ACCOUNT}/quotas"
    assert service.get(quotas, ALICE.token).status == 200
    assert service.get(COMMISSIONS, COMPUTE_TOKEN).status == 200
    assert service.get(COMMISSIONS, STORAGE_TOKEN).status == 200
    with database.transaction() as connection:
        user = find_user(connection, ALICE.uuid)
        user_token = renew_user_token(connection, OPERATOR, user, clock.now())
        component_token = renew_component_token(connection, OPERATOR, "compute", clock.now())
    assert service.get(quotas, user_token).status == 200
    assert service.get(COMMISSIONS, component_token).status == 200
    time.sleep(ttl_cache.KEPT_SECONDS)
    assert service.get(quotas, ALICE.token).status == 401
    assert service.get(quotas, user_token).status == 200
    assert service.get(COMMISSIONS, COMPUTE_TOKEN).status == 401
    assert service.get(COMMISSIONS, component_token).status == 200
    assert service.get(COMMISSIONS, STORAGE_TOKEN).status == 200


def test_an_old_token_may_count_for_a_moment_and_no_longer(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ttl_cache, "KEPT_SECONDS", 3600.0)
    with running(database) as service:
        assert service.get(COMMISSIONS, COMPUTE_TOKEN).status == 200
        assert service.get(f"{ACCOUNT}/quotas", BOB.token).status == 200
        with database.transaction() as connection:
            token = renew_component_token(connection, OPERATOR, "compute", clock.now())
            user_token = renew_user_token(connection, OPERATOR, find_user(connection, BOB.uuid), clock.now())
        assert service.get(COMMISSIONS, token).status == 200
        assert service.get(COMMISSIONS, COMPUTE_TOKEN).status == 200
        assert service.get(f"{ACCOUNT}/quotas", user_token).status == 200
        assert service.get(f"{ACCOUNT}/quotas", BOB.token).status == 200
    monkeypatch.setattr(ttl_cache, "KEPT_SECONDS", 0.0)
    with running(database_of(database.url)) as service:
        with database.transaction() as connection:
            newer = renew_component_token(connection, OPERATOR, "compute", clock.now())
        assert service.get(COMMISSIONS, token).status == 401
        assert service.get(COMMISSIONS, newer).status == 200


def test_a_token_without_an_end_does_not_expire(database: Database, service: Caller) -> None:
    rows(database, "UPDATE users SET token_expires = NULL WHERE uuid = ?", EDGAR.uuid)
    assert service.get(f"{ACCOUNT}/authenticate", EDGAR.token).document["auth_token_expires"] is None
    credentials = {"auth": {"token": {"id": EDGAR.token}}}
    assert service.post(TOKENS, None, credentials).document["access"]["token"]["expires"] is None
    assert service("POST", f"{TOKENS}?format=xml", document=credentials).xml[0].attrib["expires"] == ""


def test_a_token_expires_while_the_service_runs_also_if_it_is_kept(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ttl_cache, "KEPT_SECONDS", 3600.0)
    moment = clock.from_iso("2099-01-02T03:04:05.000678+00:00")
    credentials = {"auth": {"token": {"id": ALICE.token}}}
    with running(database, now=lambda: moment) as service:
        assert service.post(TOKENS, None, credentials).status == 200
        moment += 1
        assert service.post(TOKENS, None, credentials).status == 401
