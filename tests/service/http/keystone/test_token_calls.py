"""Getting a token by a password or by another one, checking it, revoking it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from astakos import clock
from astakos.administration.accounts import find_user, renew_user_token
from astakos.clock import DAY
from astakos.directory.password_hashes import password_hash
from astakos.directory.tokens import token_hash
from astakos.events.event import OPERATOR
from astakos.http.keystone.token_calls import LIFETIME
from astakos.service.ttl_cache import KEPT_SECONDS
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import users
from service.caller import ACCOUNT, TOKENS, Caller, Reply
from service.http.keystone.asking import (
    DOMAIN,
    TOKENS_3,
    V3,
    body,
    by_password,
    by_token,
    check,
    is_accepted,
    log_in,
    project,
    project_named,
    user_of,
)
from service.installation import opened, rows, running
from service.world import (
    ALICE,
    BASE_URL,
    BOB,
    CHLOE,
    CLOSED,
    COMPUTE_TOKEN,
    DORA,
    EDGAR,
    FAY,
    HALTED,
    HUGO,
    LAB,
    LOADED,
    PASSWORD,
    RETIRED_TOKEN,
    UNKNOWN_TOKEN,
    UNKNOWN_UUID,
)

pytestmark = pytest.mark.every_engine

LAB_PROJECT = {"id": LAB, "name": "lab.example.org", "domain": DOMAIN}
OWN_PROJECT = {"id": ALICE.uuid, "name": f"system:{ALICE.uuid}", "domain": DOMAIN}
ROLES = {"staff", "admin-api"}


def error(reply: Reply) -> tuple[int, str]:
    """Status and title of what was refused in Keystone's form."""
    found = reply.document["error"]
    assert set(reply.document) == {"error"}
    assert set(found) == {"code", "message", "title"}
    assert found["code"] == reply.status
    assert found["message"]
    assert reply.headers["content-type"] == "application/json"
    return reply.status, found["title"]


def refused(service: Caller, document: object) -> int:
    reply = service.post(TOKENS_3, None, document)
    return error(reply)[0]


def give_password(database: Database, uuid: str, password: str = PASSWORD) -> None:
    hashed = password_hash(password)
    database.change(lambda connection: users.set_password_hash(connection, uuid, hashed))


def test_a_password_is_answered_by_another_token_than_the_users_own(service: Caller) -> None:
    reply = service.post(TOKENS_3, None, by_password())
    assert (reply.status, reply.headers["content-type"]) == (201, "application/json")
    token = reply.headers["x-subject-token"]
    assert token != ALICE.token
    assert is_accepted(service, token)
    assert is_accepted(service, ALICE.token)
    said = reply.document["token"]
    assert said["methods"] == ["password"]
    assert said["user"] == user_of(ALICE)
    assert said["project"] == OWN_PROJECT
    assert said["is_domain"] is False
    assert {role["name"] for role in said["roles"]} == ROLES
    assert all(isinstance(role["id"], str) for role in said["roles"])
    assert len(said["audit_ids"]) == 1
    assert token not in reply.content.decode()
    assert service.post(TOKENS_3, None, by_password()).headers["x-subject-token"] != token


def test_the_users_own_token_is_given_back_where_it_is_the_right_one(service: Caller) -> None:
    for document in (
        by_token(ALICE.token),
        by_token(ALICE.token, project(ALICE.uuid)),
        by_password(ALICE.token),
        by_password(ALICE.token, id=ALICE.uuid),
    ):
        reply = service.post(TOKENS_3, None, document)
        assert (reply.status, reply.headers["x-subject-token"]) == (201, ALICE.token)
        said = reply.document["token"]
        assert said["methods"] == document["auth"]["identity"]["methods"]
        assert said["project"] == OWN_PROJECT
        assert said["expires_at"] == "2099-01-02T03:04:05.000678Z"
        assert said["issued_at"] == "2031-01-02T03:04:05.000678Z"


@pytest.mark.parametrize(
    "user",
    [
        {"id": ALICE.uuid},
        {"name": "ALICE@Example.org"},
        {"name": ALICE.email, "domain": {"name": "default"}},
        {"name": ALICE.email, "domain": {"id": "default", "name": "Default"}},
    ],
)
def test_users_are_found_by_uuid_and_by_name_in_the_one_domain(service: Caller, user: dict[str, Any]) -> None:
    assert service.post(TOKENS_3, None, by_password(**user)).document["token"]["user"] == user_of(ALICE)


@pytest.mark.parametrize("scope", [project(LAB), project_named("lab.example.org", name="Default")])
def test_a_token_for_a_project_is_a_new_one(service: Caller, scope: object) -> None:
    for document in (by_password(scope=scope), by_token(ALICE.token, scope)):
        reply = service.post(TOKENS_3, None, document)
        assert reply.document["token"]["project"] == LAB_PROJECT
        token = reply.headers["x-subject-token"]
        assert token != ALICE.token
        assert check(service, token).document["token"] == reply.document["token"]
        assert is_accepted(service, token)


def test_an_unscoped_token_is_for_no_project(service: Caller) -> None:
    for document in (by_password(scope="unscoped"), by_token(ALICE.token, "unscoped")):
        reply = service.post(TOKENS_3, None, document)
        said = reply.document["token"]
        assert not {"project", "is_domain"} & said.keys()
        assert check(service, reply.headers["x-subject-token"]).document["token"] == said


def test_who_can_not_draw_from_their_default_project_gets_an_unscoped_token(
    database: Database, service: Caller
) -> None:
    rows(database, "UPDATE users SET default_project = ? WHERE uuid = ?", HALTED, ALICE.uuid)
    reply = service.post(TOKENS_3, None, by_password())
    assert reply.status == 201
    assert "project" not in reply.document["token"]


def test_the_default_project_counts_where_none_is_named(database: Database, service: Caller) -> None:
    rows(database, "UPDATE users SET default_project = ? WHERE uuid = ?", LAB, ALICE.uuid)
    assert service.post(TOKENS_3, None, by_password()).document["token"]["project"] == LAB_PROJECT
    reply = service.post(TOKENS_3, None, by_token(ALICE.token))
    assert reply.headers["x-subject-token"] == ALICE.token
    assert reply.document["token"]["project"] == LAB_PROJECT


@pytest.mark.parametrize(
    "scope",
    [
        project(UNKNOWN_UUID),
        project(HALTED),
        project(CLOSED),
        project(BOB.uuid),
        project("nonsense\0"),
        project_named("halted.example.org"),
        project_named("lab.example.org", id="another"),
        {"project": {}},
        {"domain": {"id": "default"}},
        {"system": {"all": True}},
        {"OS-TRUST:trust": {"id": "x"}},
        {},
    ],
)
def test_there_are_no_tokens_for_what_the_user_can_not_draw_from(
    standing_service: Caller, scope: object
) -> None:
    assert refused(standing_service, by_token(ALICE.token, scope)) == 401


def test_a_token_from_a_token_does_not_live_longer(database: Database) -> None:
    instant = LOADED
    with running(database, now=lambda: instant) as service:
        token = log_in(service)
        said = check(service, token).document["token"]
        instant += LIFETIME // 2
        reply = service.post(TOKENS_3, None, by_token(token, project(LAB)))
        assert reply.headers["x-subject-token"] != token
        assert reply.document["token"]["expires_at"] == said["expires_at"]
        assert reply.document["token"]["issued_at"] > said["issued_at"]
        again = service.post(TOKENS_3, None, by_token(token))
        assert again.headers["x-subject-token"] == token
        instant += LIFETIME // 2 + 1
        assert not is_accepted(service, token)
        assert check(service, token).status == 404
        assert refused(service, by_token(token)) == 401


def test_it_counts_everywhere_as_the_users_own_does(service: Caller) -> None:
    token = log_in(service)
    assert service.get(f"{ACCOUNT}/authenticate", token).document["uuid"] == ALICE.uuid
    reply = service.post(TOKENS, None, {"auth": {"token": {"id": token}}})
    access = reply.document["access"]
    assert (access["token"]["id"], access["user"]["id"]) == (token, ALICE.uuid)
    assert service.get(f"{ACCOUNT}/commissions", token).status == 401


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "document",
    [
        by_password("wrong"),
        by_password(""),
        by_password("nul \0"),
        by_password("ω" * 100_000),
        by_password(UNKNOWN_TOKEN),
        by_password(BOB.token),
        by_password(COMPUTE_TOKEN),
        by_password(id=UNKNOWN_UUID),
        by_password(id=ALICE.email),
        by_password(name="nobody@example.org"),
        by_password(name="nul\0"),
        by_password(name=ALICE.email, domain={"id": "another"}),
        by_password(name=ALICE.email, domain={"name": "another"}),
        by_password(id=BOB.uuid),
        by_token(UNKNOWN_TOKEN),
        by_token(""),
        by_token(COMPUTE_TOKEN),
        by_token(EDGAR.token),
        by_token(HUGO.token),
        by_token(DORA.token),
        by_token(FAY.token),
        by_password(EDGAR.token, id=EDGAR.uuid),
        body({"methods": ["totp"]}),
    ],
)
def test_who_is_not_known_gets_nothing(service: Caller, document: object) -> None:
    reply = service.post(TOKENS_3, None, document)
    assert error(reply) == (401, "Unauthorized")
    assert reply.headers["www-authenticate"].startswith(f'Keystone uri="{BASE_URL}{V3}", Bearer ')
    assert "x-subject-token" not in reply.headers


def test_a_wrong_password_and_an_unknown_user_are_told_alike(service: Caller) -> None:
    wrong = service.post(TOKENS_3, None, by_password("wrong"))
    unknown = service.post(TOKENS_3, None, by_password(name="nobody@example.org"))
    without = service.post(TOKENS_3, None, by_password(id=BOB.uuid))
    assert wrong.content == unknown.content == without.content


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("person", [HUGO, DORA, FAY])
def test_the_right_password_does_not_help_who_may_not_log_in(
    database: Database, service: Caller, person: Any
) -> None:
    give_password(database, person.uuid)
    assert refused(service, by_password(id=person.uuid)) == 401
    assert rows(database, "SELECT count(*) FROM temporary_tokens") == [(0,)]


def test_the_password_helps_who_has_let_their_token_expire(database: Database, service: Caller) -> None:
    give_password(database, EDGAR.uuid)
    reply = service.post(TOKENS_3, None, by_password(id=EDGAR.uuid))
    assert reply.status == 201
    assert is_accepted(service, reply.headers["x-subject-token"])


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"auth": None},
        {"auth": {}},
        body({}),
        body({"methods": []}),
        body({"methods": "password"}),
        body({"methods": ["password"]}),
        body({"methods": ["token"]}),
        body({"methods": ["password"], "password": {"user": {"name": ALICE.email}}}),
        body({"methods": ["password"], "password": {"user": {"password": PASSWORD}}}),
        body({"methods": ["token"], "token": {"id": None}}),
        body({"methods": ["token"], "token": {"id": 7}}),
        body({"methods": ["token", "password"], "token": {"id": ALICE.token}}),
        by_password(7),
        by_password(id=7),
        by_password(name=ALICE.email, domain="default"),
        by_token(ALICE.token, "scoped"),
        by_token(ALICE.token, []),
        by_token(ALICE.token, {"project": LAB}),
        by_token(ALICE.token, {"project": {"id": 7}}),
    ],
)
def test_what_makes_no_sense_is_a_bad_request(standing_service: Caller, document: object) -> None:
    assert error(standing_service.post(TOKENS_3, None, document)) == (400, "Bad Request")


@pytest.mark.parametrize("content", [b"", b"{", b'{"auth": "\xff"}', b'{"auth": "\\ud800"}', b"[" * 100_000])
def test_what_is_no_json_is_a_bad_request(standing_service: Caller, content: bytes) -> None:
    reply = standing_service("POST", TOKENS_3, body=content, headers={"Content-Type": "application/json"})
    assert error(reply)[0] == 400
    assert error(standing_service("POST", TOKENS_3, body=b"{}"))[0] == 400


def test_half_a_character_is_no_password(standing_service: Caller) -> None:
    content = (
        b'{"auth": {"identity": {"methods": ["password"], "password": {"user": {"id": "'
        + ALICE.uuid.encode()
        + b'", "password": "\\ud800"}}}}}'
    )
    reply = standing_service("POST", TOKENS_3, body=content, headers={"Content-Type": "application/json"})
    assert error(reply)[0] in (400, 401)


@pytest.mark.parametrize("asking", [ALICE.token, BOB.token, COMPUTE_TOKEN])
def test_whoever_has_a_token_may_check_one(standing_service: Caller, asking: str) -> None:
    reply = check(standing_service, ALICE.token, asking)
    assert (reply.status, reply.headers["x-subject-token"]) == (200, ALICE.token)
    said = reply.document["token"]
    assert (said["user"], said["project"]) == (user_of(ALICE), OWN_PROJECT)
    catalog = standing_service.get(f"{V3}/auth/catalog", ALICE.token).document["catalog"]
    assert said["catalog"] == catalog


def test_a_token_may_check_itself(service: Caller) -> None:
    token = log_in(service)
    assert check(service, token, token).status == 200


@pytest.mark.parametrize("asking", [None, UNKNOWN_TOKEN, EDGAR.token, RETIRED_TOKEN])
@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_who_has_none_may_not(standing_service: Caller, asking: str | None, method: str) -> None:
    headers = {"X-Subject-Token": ALICE.token}
    assert error(standing_service(method, TOKENS_3, asking, headers=headers))[0] == 401


@pytest.mark.parametrize("subject", [UNKNOWN_TOKEN, COMPUTE_TOKEN, EDGAR.token, HUGO.token, FAY.token, "é"])
def test_a_token_that_does_not_count_is_not_found(standing_service: Caller, subject: str) -> None:
    assert error(check(standing_service, subject)) == (404, "Not Found")
    assert check(standing_service, subject, method="HEAD").status == 404


@pytest.mark.parametrize("method", ["GET", "DELETE"])
def test_the_token_that_is_meant_must_be_named(standing_service: Caller, method: str) -> None:
    assert error(standing_service(method, TOKENS_3, ALICE.token))[0] == 400


def test_head_is_get_without_a_body(standing_service: Caller) -> None:
    reply = check(standing_service, ALICE.token, method="HEAD")
    assert (reply.status, reply.content, reply.headers["x-subject-token"]) == (200, b"", ALICE.token)


def test_the_catalogue_can_be_left_out(standing_service: Caller) -> None:
    reply = standing_service.get(f"{TOKENS_3}?nocatalog", ALICE.token, X_Subject_Token=ALICE.token)
    assert "catalog" not in reply.document["token"]
    reply = standing_service.post(f"{TOKENS_3}?nocatalog", None, by_token(ALICE.token))
    assert "catalog" not in reply.document["token"]


def test_a_token_for_a_project_that_the_user_has_left_does_not_count(
    database: Database, service: Caller
) -> None:
    token = log_in(service, project(LAB))
    assert check(service, token).status == 200
    rows(database, "UPDATE projects SET state = 'suspended' WHERE uuid = ?", LAB)
    assert check(service, token).status == 404


def test_a_revoked_token_counts_no_more(service: Caller) -> None:
    token = log_in(service)
    assert is_accepted(service, token)
    reply = check(service, token, token, method="DELETE")
    assert (reply.status, reply.content) == (204, b"")
    assert not is_accepted(service, token)
    assert check(service, token).status == 404
    assert check(service, token, method="DELETE").status == 404
    assert is_accepted(service, ALICE.token)


def test_what_was_issued_for_a_revoked_token_ends_at_once(service: Caller) -> None:
    chain = [log_in(service)]
    for scope in (project(LAB), "unscoped", project(LAB)):
        chain.append(service.post(TOKENS_3, None, by_token(chain[-1], scope)).headers["x-subject-token"])
    assert len(set(chain)) == len(chain)
    assert all(is_accepted(service, token) for token in chain)
    assert check(service, chain[1], method="DELETE").status == 204
    assert [is_accepted(service, token) for token in chain] == [True, False, False, False]


def test_the_users_own_token_is_not_revoked(standing_service: Caller) -> None:
    assert error(check(standing_service, ALICE.token, method="DELETE"))[0] == 403
    assert is_accepted(standing_service, ALICE.token)


def renewed(connection: Connection) -> None:
    renew_user_token(connection, OPERATOR, find_user(connection, ALICE.uuid), clock.now())


def changed_password(connection: Connection) -> None:
    users.set_password_hash(connection, ALICE.uuid, "$argon2id$another")


def deactivated(connection: Connection) -> None:
    users.save(connection, replace(find_user(connection, ALICE.uuid), is_active=False))


@pytest.mark.parametrize("event", [renewed, changed_password, deactivated])
def test_what_ends_it_ends_it_within_a_second_on_every_service(
    database: Database, service: Caller, event: Callable[[Connection], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = log_in(service)
    passed = 0.0
    monkeypatch.setattr("astakos.service.ttl_cache.time", Passing(lambda: passed))
    other = opened(database)
    with running(other) as elsewhere:
        assert is_accepted(service, token)
        assert is_accepted(elsewhere, token)
        database.change(event)
        passed += KEPT_SECONDS
        assert not is_accepted(service, token)
        assert not is_accepted(elsewhere, token)
        assert rows(database, "SELECT count(*) FROM temporary_tokens") == [(0,)]


class Passing:
    """A time that passes when the test says so, in place of the module `time`."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.monotonic = monotonic


def test_a_password_that_is_changed_while_it_is_checked_gives_nothing(
    database: Database, service: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    def checking(stored: str, password: str) -> bool:
        give_password(database, ALICE.uuid, "a new one")
        return True

    monkeypatch.setattr("astakos.service.password_pool.password_matches", checking)
    assert refused(service, by_password()) == 401
    assert rows(database, "SELECT count(*) FROM temporary_tokens") == [(0,)]


def test_a_user_whose_token_does_not_expire_is_told_a_time_that_tools_understand(
    database: Database, service: Caller
) -> None:
    rows(database, "UPDATE users SET token_expires = NULL, token_created = NULL WHERE uuid = ?", CHLOE.uuid)
    said = service.post(TOKENS_3, None, by_token(CHLOE.token)).document["token"]
    assert said["expires_at"] == "9999-12-31T23:59:59.000000Z"
    assert abs(clock.from_iso(said["issued_at"]) - clock.now()) < DAY


def test_a_token_that_no_header_can_hold_is_answered_by_another(database: Database, service: Caller) -> None:
    odd = "ключ " * 9
    rows(database, "UPDATE users SET token_hash = ? WHERE uuid = ?", token_hash(odd), BOB.uuid)
    reply = service.post(TOKENS_3, None, by_token(odd))
    assert reply.status == 201
    assert is_accepted(service, reply.headers["x-subject-token"])
