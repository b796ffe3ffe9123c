"""Introspection, revocation and metadata, as the standards have them: who learns what, and who ends what."""

import base64
from urllib.parse import urlencode

import pytest

from astakos import clock
from astakos.administration.load import load
from astakos.administration.state_document import OAuth2ClientEntry, OAuth2TokenEntry, StateDocument
from astakos.clock import MICROSECONDS, from_iso
from astakos.storage.protocol import Database
from service.browser import FORM
from service.caller import ACCOUNT, Caller, Reply
from service.http.keyed import KEYS, made, text_of
from service.installation import rows, running
from service.world import (
    ACCESS_TOKEN,
    ALICE,
    BASE_URL,
    BOB,
    CLIENT_SECRET,
    COMPUTE_TOKEN,
    DORA,
    EDGAR,
    FAR,
    FAY,
    LAB,
    LOADED,
    PAST,
    RETIRED_TOKEN,
    STORAGE_TOKEN,
    UNKNOWN_TOKEN,
)

pytestmark = pytest.mark.every_engine

QUOTAS = f"{ACCOUNT}/quotas"
TOKENS_3 = "/identity/v3/auth/tokens"
TLS = {"X-Forwarded-Proto": "https"}
INACTIVE = {"active": False}
PUBLIC_TOKEN = "access-token-of-a-public-client"


def basic(identifier: str = "viewer", secret: str = CLIENT_SECRET) -> dict[str, str]:
    credentials = base64.b64encode(f"{identifier}:{secret}".encode()).decode()
    return {"Authorization": f"Basic {credentials}", **TLS}


def sent(
    service: Caller, call: str, token: str | None, asker: str | None, headers: dict[str, str], **more: str
) -> Reply:
    form = urlencode(({} if token is None else {"token": token}) | more).encode()
    return service("POST", f"/oauth2/{call}", asker, body=form, headers={"Content-Type": FORM, **headers})


def asked(
    service: Caller, token: str | None, asker: str | None = COMPUTE_TOKEN, **more: str
) -> dict[str, object]:
    reply = sent(service, "introspect", token, asker, {}, **more)
    assert reply.status == 200, reply.content
    assert reply.headers["content-type"] == "application/json; charset=UTF-8"
    document: dict[str, object] = reply.document
    return document


def revoked(
    service: Caller,
    token: str,
    asker: str | None = None,
    headers: dict[str, str] | None = None,
    **more: str,
) -> tuple[int, str]:
    """The status, and the error if there is one."""
    reply = sent(service, "revoke", token, asker, headers or {}, **more)
    return reply.status, reply.document["error"] if reply.content else ""


@pytest.fixture
def clients(database: Database) -> Database:
    other = OAuth2ClientEntry(identifier="other", secret="of the other", redirect_urls=["https://o.example"])
    app = OAuth2ClientEntry(identifier="app", type="public", redirect_urls=["app:done"])
    token = OAuth2TokenEntry(client="app", user=BOB.uuid, expires=FAR, access_token=PUBLIC_TOKEN)
    load(database, StateDocument(oauth2_clients=[other, app], oauth2_tokens=[token]), LOADED)
    return database


def test_a_component_learns_whose_a_token_is(standing_service: Caller) -> None:
    assert asked(standing_service, ALICE.token) == {
        "active": True,
        "token_type": "Bearer",
        "iss": BASE_URL,
        "sub": ALICE.uuid,
        "username": "alice@example.org",
        "name": "Alice Archer",
        "roles": ["staff", "admin-api"],
        "projects": [ALICE.uuid, LAB],
        "tenant": ALICE.uuid,
        "iat": from_iso("2031-01-02T03:04:05+00:00") // MICROSECONDS,
        "exp": from_iso("2099-01-02T03:04:05+00:00") // MICROSECONDS,
    }


def test_a_component_learns_whose_a_key_is(service: Caller) -> None:
    document = made(service, BOB.token, project=LAB, expires="2098-01-01T00:00:00+00:00")
    found = asked(service, document["key"])
    assert (found["sub"], found["key"], found["tenant"]) == (BOB.uuid, document["prefix"], LAB)
    assert (found["projects"], found["exp"]) == ([LAB], from_iso("2098-01-01T00:00:00+00:00") // MICROSECONDS)
    assert service.get(KEYS, BOB.token).document[0]["last_used"] is not None


def test_a_component_learns_whose_an_access_token_is(standing_service: Caller) -> None:
    found = asked(standing_service, ACCESS_TOKEN, token_type_hint="refresh_token")
    assert (found["sub"], found["client_id"]) == (ALICE.uuid, "viewer")
    assert found["scope"] == "https://viewer.example.org/"
    assert "roles" not in found


@pytest.mark.parametrize(
    "token",
    [UNKNOWN_TOKEN, DORA.token, EDGAR.token, FAY.token, COMPUTE_TOKEN, "ä\x00", "astk_abcdefgh_" + "0" * 49],
)
def test_nothing_is_said_of_what_does_not_count(standing_service: Caller, token: str) -> None:
    assert asked(standing_service, token) == INACTIVE


def test_a_key_of_services_is_shown_to_these(service: Caller) -> None:
    text = text_of(service, ALICE.token, services=["compute_api"])
    assert asked(service, text)["active"] is True
    assert asked(service, text, STORAGE_TOKEN) == INACTIVE


def test_a_key_of_networks_is_shown_for_callers_from_these(service: Caller) -> None:
    text = text_of(service, ALICE.token, networks=["192.0.2.0/24", "2001:db8::/32"])
    for address in ("192.0.2.7", "192.0.2.7:443", "::ffff:192.0.2.7", "2001:db8::1"):
        assert asked(service, text, address=address)["active"] is True
    assert asked(service, text, address="198.51.100.1") == INACTIVE
    assert asked(service, text) == INACTIVE
    reply = sent(service, "introspect", text, COMPUTE_TOKEN, {}, address="nonsense")
    assert (reply.status, reply.document["error"]) == (400, "invalid_request")


def test_an_expired_access_token_is_inactive(database: Database, service: Caller) -> None:
    past = clock.from_iso(PAST)
    rows(database, "UPDATE oauth2_tokens SET expires = ?", past)
    assert asked(service, ACCESS_TOKEN) == INACTIVE


def test_a_client_learns_about_its_own_tokens_alone(clients: Database) -> None:
    with running(clients) as service:
        text = text_of(service, ALICE.token)

        def told(token: str, *credentials: str) -> object:
            return sent(service, "introspect", token, None, basic(*credentials)).document

        own = told(ACCESS_TOKEN)
        assert isinstance(own, dict)
        assert (own["active"], own["sub"]) == (True, ALICE.uuid)
        assert told(ACCESS_TOKEN, "other", "of the other") == INACTIVE
        for token in (text, ALICE.token, PUBLIC_TOKEN, UNKNOWN_TOKEN):
            assert told(token) == INACTIVE


def test_who_asks_must_say_so(standing_service: Caller) -> None:
    reply = sent(standing_service, "introspect", ALICE.token, None, {})
    assert (reply.status, reply.document["error"]) == (401, "invalid_client")
    assert reply.headers["www-authenticate"] == 'Basic realm="astakos", Bearer realm="astakos"'
    for credentials in (basic(secret="wrong"), basic("nobody"), basic("app", "")):
        reply = sent(standing_service, "introspect", ALICE.token, None, credentials)
        assert (reply.status, reply.document["error"]) == (401, "invalid_client")
        assert reply.headers["www-authenticate"] == 'Basic realm="astakos"'
    for asker in (ALICE.token, UNKNOWN_TOKEN, RETIRED_TOKEN, ACCESS_TOKEN):
        reply = sent(standing_service, "introspect", ALICE.token, asker, {})
        assert (reply.status, reply.document["error"]) == (401, "invalid_token")
        assert reply.headers["www-authenticate"] == 'Bearer realm="astakos", error="invalid_token"'
    headers = {"Authorization": f"Bearer {COMPUTE_TOKEN}"}
    assert sent(standing_service, "introspect", ALICE.token, None, headers).document["active"] is True


def test_what_is_said_twice_is_refused(standing_service: Caller) -> None:
    twice = sent(standing_service, "introspect", COMPUTE_TOKEN, COMPUTE_TOKEN, basic())
    assert (twice.status, twice.document["error"]) == (400, "invalid_request")
    assert "two credentials" in twice.document["error_description"]
    form = urlencode([("token", UNKNOWN_TOKEN), ("token", ALICE.token)]).encode()
    headers = {"Content-Type": FORM}
    reply = standing_service("POST", "/oauth2/introspect", COMPUTE_TOKEN, body=form, headers=headers)
    assert (reply.status, reply.document["error"]) == (400, "invalid_request")
    assert "'token' is there more than once" in reply.document["error_description"]


def test_a_key_is_nobody_who_may_ask(service: Caller) -> None:
    text = text_of(service, ALICE.token)
    assert sent(service, "introspect", BOB.token, text, {}).status == 401


def test_a_secret_needs_tls(standing_service: Caller) -> None:
    headers = {"Authorization": basic()["Authorization"]}
    reply = sent(standing_service, "introspect", ACCESS_TOKEN, None, headers)
    assert (reply.status, reply.document["error"]) == (400, "invalid_request")
    assert "TLS" in reply.document["error_description"]


def test_secrets_of_clients_cannot_be_guessed(service: Caller) -> None:
    headers = {**basic(secret="wrong"), "X-Forwarded-For": "192.0.2.7"}
    statuses = [sent(service, "introspect", "x", None, headers).status for _ in range(11)]
    assert statuses == [401] * 10 + [429]


@pytest.mark.parametrize("call", ["introspect", "revoke"])
def test_the_body_is_a_form_with_a_token(standing_service: Caller, call: str) -> None:
    asker = COMPUTE_TOKEN if call == "introspect" else ALICE.token
    for headers, body in (({"Content-Type": FORM}, b"token="), ({"Content-Type": "text/plain"}, b"token=x")):
        reply = standing_service("POST", f"/oauth2/{call}", asker, body=body, headers=headers)
        assert (reply.status, reply.document["error"]) == (400, "invalid_request")
    assert standing_service.get(f"/oauth2/{call}").status == 405


def test_a_user_revokes_what_is_theirs(database: Database, service: Caller) -> None:
    text = text_of(service, ALICE.token)
    assert service.get(QUOTAS, text).status == 200
    assert revoked(service, text, BOB.token) == (400, "unauthorized_client")
    assert revoked(service, text, ALICE.token) == (200, "")
    assert service.get(QUOTAS, text).status == 401
    assert revoked(service, text, ALICE.token) == (200, "")
    assert revoked(service, UNKNOWN_TOKEN, ALICE.token) == (200, "")
    assert revoked(service, ALICE.token, ALICE.token) == (400, "unsupported_token_type")
    assert rows(database, "SELECT actor FROM events WHERE kind = 'key.revoked'") == [(ALICE.uuid,)]
    identity = {"methods": ["token"], "token": {"id": BOB.token}}
    scope = {"project": {"id": LAB}}
    issued = service.post(TOKENS_3, None, {"auth": {"identity": identity, "scope": scope}})
    temporary = issued.headers["x-subject-token"]
    assert service.get(QUOTAS, temporary).status == 200
    assert revoked(service, temporary, ALICE.token) == (400, "unauthorized_client")
    assert revoked(service, temporary, BOB.token) == (200, "")
    assert service.get(QUOTAS, temporary).status == 401


def test_a_key_revokes_itself_alone(service: Caller) -> None:
    text, other = (text_of(service, ALICE.token, calls=["quotas"]) for _ in range(2))
    assert revoked(service, other, text) == (403, "insufficient_scope")
    assert revoked(service, ALICE.token, text) == (403, "insufficient_scope")
    assert revoked(service, text, text) == (200, "")
    assert [service.get(QUOTAS, one).status for one in (text, other)] == [401, 200]


def test_a_client_revokes_its_own_tokens(clients: Database) -> None:
    with running(clients) as service:
        text = text_of(service, ALICE.token)
        assert revoked(service, ACCESS_TOKEN, None, basic("other", "of the other")) == (
            400,
            "unauthorized_client",
        )
        assert revoked(service, ACCESS_TOKEN, None, TLS, client_id="app") == (400, "unauthorized_client")
        assert revoked(service, ACCESS_TOKEN, None, TLS, client_id="viewer") == (401, "invalid_client")
        assert revoked(service, ACCESS_TOKEN, None, {}) == (401, "invalid_client")
        assert asked(service, ACCESS_TOKEN)["active"] is True
        assert revoked(service, ACCESS_TOKEN, None, basic()) == (200, "")
        assert asked(service, ACCESS_TOKEN) == INACTIVE
        assert revoked(service, PUBLIC_TOKEN, None, {}, client_id="app") == (400, "invalid_request")
        assert revoked(service, PUBLIC_TOKEN, None, TLS, client_id="app") == (200, "")
        assert asked(service, PUBLIC_TOKEN) == INACTIVE
        # Of what is no access token, clients learn nothing, and end nothing.
        assert revoked(service, text, None, basic()) == (200, "")
        assert service.get(QUOTAS, text).status == 200


def test_the_metadata_leads_to_the_calls(standing_service: Caller) -> None:
    path = "/.well-known/oauth-authorization-server"
    reply = standing_service.get(path)
    assert reply.status == 200
    assert reply.document["issuer"] == BASE_URL
    for name in ("authorization", "token", "introspection", "revocation"):
        found = reply.document[f"{name}_endpoint"].removeprefix(BASE_URL)
        assert standing_service("PATCH", found).status == 405
    root = Caller(standing_service.base_url.removesuffix("/astakos"))
    assert root.get(f"{path}/astakos").document == reply.document
    assert root.get(path).status == root.get(f"{path}/other").status == 404
