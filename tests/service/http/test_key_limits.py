"""What keys cannot do, whoever holds them: get more rights than they have, or a longer life."""

from typing import Any

import pytest

from astakos import clock
from astakos.administration.load import load
from astakos.administration.state_document import Settings, StateDocument
from astakos.directory.api_keys import CALLS
from astakos.directory.trusted_proxies import TrustedProxies
from astakos.http.openapi.document import operations
from astakos.http.routes import all_methods
from astakos.projects.project import MembershipState
from astakos.storage.protocol import Database
from service.caller import ACCOUNT, COMMISSIONS, TOKENS, Caller, Reply
from service.http.keyed import KEYS, made, text_of
from service.installation import rows, running
from service.world import ALICE, BOB, CHLOE, COMPUTE_TOKEN, LAB, STORAGE_TOKEN

pytestmark = pytest.mark.every_engine

QUOTAS = f"{ACCOUNT}/quotas"
AUTHENTICATE = f"{ACCOUNT}/authenticate"
USERS = "/identity/v2.0/users"
TOKENS_3 = "/identity/v3/auth/tokens"
NOT_FOR_KEYS = {
    "keys.act_on_key",
    "keys.change_key",
    "keys.make_key",
    "keys.revoke_key",
    "keys_admin.act_on_key_of_user",
    "keys_admin.change_key_of_user",
    "keys_admin.list_all_keys",
    "keys_admin.make_key_of_user",
    "keys_admin.revoke_key_of_user",
    "keys_admin.show_key_of_user",
    "user_actions.user_action",
    "users_admin.user_create",
    "users_admin.user_update",
}
"""A new call for users must be added here, or to those that accept keys."""


def who(service: Caller, token: str, asker: str | None = None, **headers: str) -> int:
    """The status of the question who holds a token."""
    document = {"auth": {"token": {"id": token}}}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return service("POST", TOKENS, asker, document=document, headers=named).status


def by_token(token: str, scope: Any = ...) -> dict[str, Any]:
    auth: dict[str, Any] = {"identity": {"methods": ["token"], "token": {"id": token}}}
    return {"auth": auth if scope is ... else {**auth, "scope": scope}}


def refused(reply: Reply) -> bool:
    assert reply.headers["www-authenticate"] == 'Bearer realm="astakos", error="insufficient_scope"'
    return reply.status == 403


def test_every_call_for_users_accepts_keys_or_refuses_them_on_purpose() -> None:
    of_users = {
        operation.description.name
        for operation in operations(all_methods())
        if "user" in operation.tokens and operation.description is not None
    }
    # The token of the first is in its body. A key can make the second for itself, whatever its calls.
    assert (of_users | {"tokens.issue"}) - {"oauth2_revocation.revoke"} == CALLS | NOT_FOR_KEYS
    assert not CALLS & NOT_FOR_KEYS


def test_a_key_makes_no_keys_and_changes_none(service: Caller) -> None:
    document = made(service, ALICE.token, calls=None)
    path, text = f"{KEYS}/{document['prefix']}", document["key"]
    assert refused(service.post(KEYS, text, {"name": "another"}))
    assert refused(service("PUT", path, text, document={"expires": None}))
    assert refused(service.post(f"{path}/action", text, {"rotate": {}}))
    assert refused(service("DELETE", path, text))
    assert len(service.get(KEYS, text).document) == 1


def test_the_key_of_an_administrator_changes_no_account(database: Database, service: Caller) -> None:
    load(database, StateDocument(settings=Settings(admin_users=True)), clock.now())
    text = text_of(service, ALICE.token)
    assert service.get(USERS, text).status == 200
    person = {"username": "new@example.org", "first_name": "N", "last_name": "N", "password": "long enough"}
    assert refused(service.post(USERS, text, {"user": person}))
    for attribute in ({"password": "long enough"}, {"username": "other@example.org"}):
        assert refused(service("PUT", f"{USERS}/{ALICE.uuid}", text, document={"user": attribute}))
    assert refused(service.post(f"{USERS}/{ALICE.uuid}/action", text, {"renewToken": {}}))
    assert service.get(QUOTAS, ALICE.token).status == 200


def test_a_key_becomes_no_token(service: Caller, database: Database) -> None:
    text = text_of(service, BOB.token)
    reply = service.post(TOKENS_3, None, by_token(text))
    assert (reply.status, reply.headers["x-subject-token"]) == (201, text)
    for scope in ({"project": {"id": LAB}}, "unscoped"):
        assert refused(service.post(TOKENS_3, None, by_token(text, scope)))
    user = {"id": BOB.uuid, "password": text}
    identity = {"methods": ["password"], "password": {"user": user}}
    scope = {"project": {"id": LAB}}
    assert refused(service.post(TOKENS_3, None, {"auth": {"identity": identity, "scope": scope}}))
    assert rows(database, "SELECT * FROM temporary_tokens") == []


def test_a_key_that_may_not_ask_for_tokens_does_not(service: Caller) -> None:
    text = text_of(service, BOB.token, calls=["quotas"])
    assert refused(service.post(TOKENS_3, None, by_token(text)))
    assert refused(service.get(TOKENS_3, text, X_Subject_Token=ALICE.token))


def test_a_key_is_no_session_and_no_code(service: Caller) -> None:
    text = text_of(service, ALICE.token)
    for cookie in (f"astakos_session={text}; astakos_browser={text[:43]}", f"_pithos2_a={ALICE.uuid}|{text}"):
        headers = {"Cookie": cookie, "X-Auth-Token": text}
        reply = service("GET", "/weblogin/login?next=pithos://x", headers=headers)
        assert "token=" not in reply.headers.get("location", "")
        reply = service(
            "GET",
            "/oauth2/auth?response_type=code&client_id=viewer",
            headers={**headers, "X-Forwarded-Proto": "https"},
        )
        assert "code=" not in reply.headers.get("location", "")


def test_a_key_is_no_token_of_a_component(service: Caller) -> None:
    text = text_of(service, ALICE.token)
    assert service.get(COMMISSIONS, text).status == 401
    assert service.get(f"{ACCOUNT}/service_quotas", text).status == 401


def test_a_key_in_a_url_counts_as_a_token_does(service: Caller) -> None:
    text = text_of(service, ALICE.token, calls=["quotas"])
    assert service.get(f"{QUOTAS}?X-Auth-Token={text}").status == 200
    assert service.get(f"{ACCOUNT}/projects?X-Auth-Token={text}").status == 403
    assert service.get(f"/identity/v2.0/tokens/{text}").status == 404


def test_calls_limit_what_a_key_reads_here(service: Caller) -> None:
    text = text_of(service, ALICE.token, calls=["quotas", "projects.show_project"])
    assert service.get(QUOTAS, text).status == 200
    assert service.get(f"{ACCOUNT}/projects/{LAB}", text).status == 200
    for path in (f"{ACCOUNT}/projects", f"{COMMISSIONS}/history", KEYS, f"{ACCOUNT}/projects/memberships"):
        assert refused(service.get(path, text))
    assert who(service, text) == 200


def test_a_key_of_services_counts_only_for_these(service: Caller) -> None:
    text = text_of(service, ALICE.token, services=["compute_api"])
    assert who(service, text, COMPUTE_TOKEN) == 200
    assert who(service, text, Astakos_Service="compute_api") == 200
    assert who(service, text, STORAGE_TOKEN) == 401
    assert who(service, text, STORAGE_TOKEN, Astakos_Service="compute_api") == 401
    assert who(service, text, Astakos_Service="storage_api") == 401
    for asker in (None, text, ALICE.token, "unknown"):
        assert who(service, text, asker) == 401
    assert service.get(AUTHENTICATE, text).status == 401
    assert service.get(AUTHENTICATE, text, Astakos_Service="compute_api").status == 200
    assert service.get(AUTHENTICATE, text, Astakos_Service="storage_api").status == 401
    for token, status in ((COMPUTE_TOKEN, 200), (STORAGE_TOKEN, 404), (ALICE.token, 404)):
        assert service.get(TOKENS_3, token, X_Subject_Token=text).status == status
    # It names services but no calls, so it makes none here.
    assert refused(service.get(QUOTAS, text))
    assert refused(service.post(TOKENS_3, None, by_token(text)))


def test_a_key_of_services_makes_the_calls_that_it_names(service: Caller) -> None:
    text = text_of(service, ALICE.token, services=["compute_api"], calls=["quotas"])
    assert service.get(QUOTAS, text).status == 200
    assert who(service, text) == 401


def test_networks_are_those_of_the_caller(database: Database) -> None:
    proxies = TrustedProxies(["127.0.0.0/8"])
    with running(database, proxies=proxies) as service:
        text = text_of(service, ALICE.token, networks=["192.0.2.0/24"])
        assert service.get(QUOTAS, text).status == 401
        assert service.get(QUOTAS, text, X_Forwarded_For="192.0.2.7").status == 200
        assert service.get(QUOTAS, text, X_Forwarded_For="::ffff:192.0.2.7").status == 200
        for forged in ("192.0.2.7, 198.51.100.1", "198.51.100.1", "192.0.2.7, nonsense", ""):
            assert service.get(QUOTAS, text, X_Forwarded_For=forged).status == 401
        # Services ask from their own address, on behalf of anybody.
        for asker in (None, COMPUTE_TOKEN):
            assert who(service, text, asker, X_Forwarded_For="192.0.2.7") == 401
        assert service.get(AUTHENTICATE, text, X_Forwarded_For="192.0.2.7").status == 401
        headers = {"X_Subject_Token": text, "X_Forwarded_For": "192.0.2.7"}
        assert service.get(TOKENS_3, COMPUTE_TOKEN, **headers).status == 404


def test_headers_of_strangers_do_not_move_a_key(database: Database) -> None:
    with running(database, proxies=TrustedProxies(["203.0.113.1"])) as service:
        text = text_of(service, ALICE.token, networks=["192.0.2.0/24"])
        assert service.get(QUOTAS, text, X_Forwarded_For="192.0.2.7").status == 401
        here = text_of(service, ALICE.token, networks=["127.0.0.1"])
        assert service.get(QUOTAS, here, X_Forwarded_For="192.0.2.7").status == 200


def test_the_key_of_a_project_sees_nothing_else(service: Caller) -> None:
    text = text_of(service, BOB.token, project=LAB)
    assert set(service.get(QUOTAS, text).document) == {LAB}
    assert len(service.get(QUOTAS, BOB.token).document) > 1
    access = service.post(TOKENS, None, {"auth": {"token": {"id": text}}}).document["access"]
    assert (access["user"]["projects"], access["token"]["tenant"]["id"]) == ([LAB], LAB)
    assert service.get(f"{ACCOUNT}/projects/{LAB}", text).status == 200
    assert service.get(f"{ACCOUNT}/projects/{BOB.uuid}", text).status == 404
    projects = service.get("/identity/v3/auth/projects", text).document["projects"]
    assert [project["id"] for project in projects] == [LAB]
    assert service.get(f"/identity/v3/projects/{BOB.uuid}", text).status == 404
    token = service.get(TOKENS_3, COMPUTE_TOKEN, X_Subject_Token=text).document["token"]
    assert token["project"]["id"] == LAB
    own = service.post(TOKENS_3, None, by_token(text, {"project": {"id": LAB}}))
    assert (own.status, own.headers["x-subject-token"]) == (201, text)
    assert service.post(TOKENS_3, None, by_token(text, {"project": {"id": BOB.uuid}})).status == 401
    for path in (
        f"{ACCOUNT}/projects",
        f"{ACCOUNT}/projects/memberships",
        f"{COMMISSIONS}/history",
        f"{ACCOUNT}/events",
        KEYS,
    ):
        assert refused(service.get(path, text))
    assert refused(service.post(f"{ACCOUNT}/projects", text, {}))
    assert refused(service.post(f"{ACCOUNT}/myaccount/default_project", text, {"project_id": BOB.uuid}))
    assert refused(service.post(f"{ACCOUNT}/user_catalogs", text, {"uuids": [ALICE.uuid]}))


def test_the_key_of_a_project_counts_while_its_user_can_draw_from_it(database: Database) -> None:
    with running(database) as service:
        text = text_of(service, BOB.token, project=LAB)
        assert service.get(QUOTAS, text).status == 200
        membership = service.get(f"{ACCOUNT}/projects/memberships?project={LAB}", ALICE.token).document
        (number,) = (one["id"] for one in membership if one["user"] == BOB.uuid)
        path = f"{ACCOUNT}/projects/memberships/{number}/action"
        assert service.post(path, ALICE.token, {"remove": ""}).status == 200
        reply = service.get(QUOTAS, text)
        assert (reply.status, "cannot draw" in reply.message) == (401, True)
        assert who(service, text) == 401
        state = MembershipState.REMOVED.value
        assert rows(database, "SELECT COUNT(*) FROM memberships WHERE state = ?", state)[0][0]


def test_keys_are_counted_for_their_user_when_others_are_to_be_let_in(service: Caller) -> None:
    text = text_of(service, ALICE.token)
    document = {"auth": {"passwordCredentials": {"username": CHLOE.uuid, "password": text}}}
    headers = {"X-Forwarded-For": "192.0.2.7"}
    statuses = [service("POST", TOKENS, document=document, headers=headers).status for _ in range(11)]
    assert statuses == [401] * 10 + [429]
