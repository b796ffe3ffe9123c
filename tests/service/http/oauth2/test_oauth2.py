import base64
import json
import re
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from html import unescape
from urllib.parse import quote, unquote, urlencode

import pytest

from astakos.administration.component_registration import register_own_services
from astakos.administration.load import load
from astakos.administration.state_document import OAuth2ClientEntry, Settings, StateDocument
from astakos.clock import MICROSECONDS, now
from astakos.directory.oauth2_rules import new_access_token, new_code
from astakos.directory.trusted_proxies import TrustedProxies
from astakos.processes.listening import LOOPBACK, listen
from astakos.server.running import serving
from astakos.service.service import Service
from astakos.storage.protocol import Database
from astakosclient import AstakosClient, errors
from service.browser import FORM, Browser, page_of, query_of
from service.caller import TOKENS, Caller, Reply
from service.installation import all_rows, rows, running
from service.timing import Clock
from service.world import ALICE, BASE_URL, CLIENT_SECRET, LOADED, PASSWORD

pytestmark = pytest.mark.every_engine

AUTH = f"{BASE_URL}/oauth2/auth"
BACK = "https://viewer.example.org/back"
TLS = {"X-Forwarded-Protocol": "https"}
# Appendix B of RFC 7636.
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = {
    "code_challenge": "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM",
    "code_challenge_method": "S256",
}
SECRET_WITH_COLON = "a:secret:of:parts"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def browser(database: Database, clock: Clock) -> Iterator[Browser]:
    """Alice's, who has logged in; besides the client `viewer`, there are others."""
    clients = [
        OAuth2ClientEntry(
            identifier="trusted",
            secret=SECRET_WITH_COLON,
            trusted=True,
            redirect_urls=[BACK, "https://b.example", f"{BACK}/a?b=c", f"{BACK}/*"],
        ),
        OAuth2ClientEntry(
            identifier="exact", secret="k+3/9%zz==ü", trusted=True, redirect_urls=[BACK, "https://c.example"]
        ),
        OAuth2ClientEntry(identifier="urn:my client", secret=":ü", trusted=True, redirect_urls=[BACK]),
        OAuth2ClientEntry(identifier="app", type="public", trusted=True, redirect_urls=["app:done"]),
        OAuth2ClientEntry(identifier="nowhere", secret="s", trusted=True),
    ]
    load(database, StateDocument(oauth2_clients=clients), LOADED)
    with running(database, now=clock) as caller:
        browser = Browser(caller)
        browser.headers |= TLS
        browser.log_in(ALICE.email, PASSWORD)
        yield browser


def authorize(browser: Browser, client: str = "trusted", **more: str) -> Reply:
    query = urlencode({"response_type": "code", "client_id": client} | more)
    return browser.send("GET", f"{AUTH}?{query}")


def code_of(reply: Reply) -> str:
    assert reply.status == 302, reply.content
    return unquote(query_of(reply)["code"])


def basic(identifier: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{identifier}:{secret}".encode()).decode()


def exchange(
    browser: Browser, code: str, credentials: str = basic("trusted", SECRET_WITH_COLON), **more: str
) -> Reply:
    form = {"grant_type": "authorization_code", "code": code} | more
    headers = {"Content-Type": FORM, **TLS}
    if credentials:
        headers["Authorization"] = credentials
    return browser.caller("POST", "/oauth2/token", body=urlencode(form).encode(), headers=headers)


def refusal(reply: Reply, status: int = 400) -> str:
    """What a refusal says to people: on a page, or in the form of this protocol, which is said to be JSON."""
    assert reply.status == status
    if reply.headers["content-type"].startswith("text/html"):
        (message,) = re.findall('<p role="alert">(.*?)</p>', reply.content.decode())
        return unescape(message)
    assert reply.headers["content-type"] == "application/json; charset=UTF-8"
    assert reply.document.keys() == {"error", "exception"}
    assert reply.document["error"] == "generic_error"
    return str(reply.document["exception"])


def validated(browser: Browser, token: str, belongs_to: str) -> Reply:
    return browser.caller.get(f"{TOKENS}/{token}?{urlencode({'belongsTo': belongs_to})}")


def test_a_trusted_client_gets_a_token_that_counts_for_a_moment(browser: Browser, clock: Clock) -> None:
    reply = authorize(browser, state="a b&c", scope="https://viewer.example.org/view second")
    assert reply.headers["location"].startswith(f"{BACK}?code=")
    assert query_of(reply)["state"] == "a+b%26c"
    assert query_of(reply)["iss"] == quote(BASE_URL, "")
    code = code_of(reply)
    assert len(code) == 60
    given = exchange(browser, code)
    assert given.status == 200
    assert given.headers["content-type"] == "application/json; charset=UTF-8"
    token = given.document["access_token"]
    assert given.document == {"access_token": token, "token_type": "Bearer", "expires_in": 20}
    assert len(token) == 30
    found = validated(browser, token, "https://viewer.example.org/view/1")
    assert found.document["access"]["user"]["id"] == ALICE.uuid
    assert validated(browser, token, "https://elsewhere.example").status == 404
    clock.ahead = 21 * MICROSECONDS
    assert validated(browser, token, "https://viewer.example.org/view/1").status == 404


def test_nothing_of_it_is_stored_in_clear(browser: Browser, database: Database) -> None:
    code, other = code_of(authorize(browser)), code_of(authorize(browser))
    token = exchange(browser, code).document["access_token"]
    stored = repr(all_rows(database))
    for secret in (code, other, token, SECRET_WITH_COLON):
        assert secret not in stored


def test_a_code_is_good_for_one_use(browser: Browser) -> None:
    code = code_of(authorize(browser))
    with ThreadPoolExecutor(4) as threads:
        statuses = [reply.status for reply in threads.map(lambda _: exchange(browser, code), range(4))]
    assert sorted(statuses) == [200, 400, 400, 400]


def test_a_code_that_is_sent_again_ends_what_it_gave(browser: Browser) -> None:
    code, other = code_of(authorize(browser)), code_of(authorize(browser))
    token = exchange(browser, code).document["access_token"]
    other_token = exchange(browser, other).document["access_token"]
    assert validated(browser, token, BACK).status == 200
    assert "unused" in refusal(exchange(browser, code))
    assert validated(browser, token, BACK).status == 404
    assert "unused" in refusal(exchange(browser, code)), "and again"
    assert validated(browser, other_token, BACK).status == 200


def test_who_is_no_client_ends_nothing(browser: Browser) -> None:
    code = code_of(authorize(browser))
    token = exchange(browser, code).document["access_token"]
    refusal(exchange(browser, code, basic("trusted", "wrong")))
    assert validated(browser, token, BACK).status == 200


def test_paths_below_a_redirect_uri_are_accepted_only_where_that_is_registered(browser: Browser) -> None:
    for below in ("", "x", "..;/x", "%252e%252e/x", "x?code=evil"):
        refusal(authorize(browser, "exact", redirect_uri=f"{BACK}/{below}"))
    for below in ("..;/x", "%252e%252e/x", "x?code=evil"):
        refusal(authorize(browser, redirect_uri=f"{BACK}/{below}"))
    assert authorize(browser, redirect_uri=f"{BACK}/x").headers["location"].startswith(f"{BACK}/x?code=")


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("client", "identifier", "secret"),
    [
        ("exact", "exact", "k+3/9%zz==ü"),
        ("exact", "exact", "k%2B3%2F9%25zz%3D%3D%C3%BC"),
        ("exact", "ex%61ct", "k%2B3%2F9%25zz%3D%3D%C3%BC"),
        ("urn:my client", "urn%3Amy+client", "%3A%C3%BC"),
        ("urn:my client", "urn%3Amy%20client", ":%C3%BC"),
        ("trusted", "trusted", SECRET_WITH_COLON),
        ("trusted", "trusted", SECRET_WITH_COLON.replace(":", "%3A")),
    ],
)
def test_credentials_may_be_form_encoded(browser: Browser, client: str, identifier: str, secret: str) -> None:
    for more in ({}, {"client_id": client}):
        code = code_of(authorize(browser, client))
        assert exchange(browser, code, basic(identifier, secret), **more).status == 200
    query = urlencode({"response_type": "code", "client_id": client})
    assert browser.send("GET", f"{AUTH}?{query}", Authorization=basic(identifier, secret)).status == 302


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("secret", ["k 3/9%zz==ü", "k%2B3", "k%2B3%2F9%2525zz%3D%3D%C3%BC", "%FF", ""])
def test_other_secrets_are_refused_as_before(browser: Browser, secret: str) -> None:
    code = code_of(authorize(browser, "exact"))
    assert "do not match" in refusal(exchange(browser, code, basic("exact", secret)))


def test_a_code_is_good_for_ten_minutes(browser: Browser, clock: Clock) -> None:
    early, late = code_of(authorize(browser)), code_of(authorize(browser))
    clock.ahead = 599 * MICROSECONDS
    assert exchange(browser, early).status == 200
    clock.ahead = 601 * MICROSECONDS
    assert "ten minutes" in refusal(exchange(browser, late))


def test_a_code_is_good_for_its_client_alone(browser: Browser) -> None:
    code = code_of(authorize(browser))
    assert "code must" in refusal(exchange(browser, code, basic("viewer", CLIENT_SECRET)))
    assert exchange(browser, code).status == 200, "which loses nothing by it"


def test_logging_out_ends_codes_and_tokens(browser: Browser) -> None:
    code = code_of(authorize(browser))
    token = exchange(browser, code_of(authorize(browser))).document["access_token"]
    assert validated(browser, token, BACK).status == 200
    browser.submit(browser.visit(f"{BASE_URL}/ui/logout"))
    assert validated(browser, token, BACK).status == 404
    assert exchange(browser, code).status == 400


def test_a_session_that_ends_at_that_moment_gives_no_code(
    browser: Browser, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def making(random_bytes: Callable[[int], bytes]) -> str:
        rows(database, "DELETE FROM sessions")
        return new_code(random_bytes)

    monkeypatch.setattr("astakos.http.oauth2.authorization.new_code", making)
    assert authorize(browser).headers["location"].startswith(f"{BASE_URL}/ui/login?")
    assert all_rows(database)["oauth2_codes"] == []


def test_a_client_whose_secret_changes_at_that_moment_gets_no_token(
    browser: Browser, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def making(random_bytes: Callable[[int], bytes]) -> str:
        changed = OAuth2ClientEntry(identifier="trusted", secret="new", trusted=True, redirect_urls=[BACK])
        load(database, StateDocument(oauth2_clients=[changed]), LOADED)
        return new_access_token(random_bytes)

    code = code_of(authorize(browser))
    monkeypatch.setattr("astakos.http.oauth2.code_exchange.new_access_token", making)
    assert "just changed" in refusal(exchange(browser, code))
    monkeypatch.undo()
    assert exchange(browser, code, basic("trusted", "new")).status == 200


def test_nothing_that_a_session_gives_is_valid_for_longer(
    browser: Browser, database: Database, clock: Clock
) -> None:
    load(database, StateDocument(settings=Settings(access_token_seconds=3600)), LOADED)
    expires = now() + 60 * MICROSECONDS
    rows(database, "UPDATE sessions SET expires = ?", expires)
    with running(database, now=clock) as caller:
        late = Browser(caller, browser.cookies, headers=browser.headers)
        given = exchange(late, code_of(authorize(late))).document
        assert 0 < given["expires_in"] <= 60
        assert validated(late, given["access_token"], BACK).status == 200
        code = code_of(authorize(late))
        assert rows(database, "SELECT expires FROM oauth2_codes") == [(expires,)]
        clock.ahead = 61 * MICROSECONDS
        assert validated(late, given["access_token"], BACK).status == 404
        assert exchange(late, code).status == 400


def test_a_code_of_a_user_who_is_no_more_active_is_good_for_nothing(
    browser: Browser, database: Database
) -> None:
    code = code_of(authorize(browser))
    rows(database, "UPDATE users SET is_active = ? WHERE uuid = ?", False, ALICE.uuid)
    assert "not active" in refusal(exchange(browser, code))


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("asked", "given", "status"),
    [
        ("", "", 200),
        ("", BACK, 200),
        (BACK, "HTTPS://Viewer.example.org:443/back", 200),
        ("https://b.example", "https://b.example/", 200),
        (f"{BACK}/a?b=c", f"{BACK}/a?b=c", 200),
        (f"{BACK}/a", "", 400),
        (f"{BACK}/a", f"{BACK}/b", 400),
        ("", "https://evil.example", 400),
        ("", "https://[", 400),
    ],
)
def test_the_redirect_uri_must_be_the_same(browser: Browser, asked: str, given: str, status: int) -> None:
    reply = authorize(browser, redirect_uri=asked)
    assert reply.headers["location"].startswith(asked or BACK)
    assert exchange(browser, code_of(reply), redirect_uri=given).status == status


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "wrong",
    [
        {"response_type": "token"},
        {"response_type": ""},
        {"client_id": ""},
        {"client_id": "nobody"},
        {"client_id": "trus\0ted"},
        {"client_id": "nowhere"},
        {"redirect_uri": "https://evil.example"},
        {"redirect_uri": f"{BACK}wards"},
        {"redirect_uri": f"{BACK}/../elsewhere"},
        {"redirect_uri": "/back"},
        {"redirect_uri": f"{BACK}/\r\nSet-Cookie: a=b"},
        {"scope": "a\0b"},
        {"code_challenge": VERIFIER, "code_challenge_method": "plain"},
        {"code_challenge": VERIFIER},
        {"code_challenge_method": "S256"},
    ],
)
def test_what_makes_no_sense_leads_nowhere(browser: Browser, wrong: dict[str, str]) -> None:
    reply = browser.send(
        "GET", f"{AUTH}?{urlencode({'response_type': 'code', 'client_id': 'trusted'} | wrong)}"
    )
    assert refusal(reply)
    assert "location" not in reply.headers


def test_only_over_tls(browser: Browser, database: Database) -> None:
    browser.headers.pop("X-Forwarded-Protocol")
    assert "X-Forwarded-Protocol: https" in refusal(authorize(browser))
    assert refusal(browser.caller("POST", "/oauth2/token", headers={"X-Forwarded-Protocol": "http"}))
    browser.headers["X-Forwarded-Proto"] = "HTTPS"
    assert authorize(browser).status == 302
    load(database, StateDocument(settings=Settings(oauth2_without_tls=True)), LOADED)
    with running(database) as caller:
        developing = Browser(caller, browser.cookies)
        assert authorize(developing).status == 302


def test_only_a_trusted_proxy_can_say_that_a_request_came_over_tls(database: Database) -> None:
    for trusted, reason in (("10.0.0.0/8", "requires TLS"), ("127.0.0.1", "must be exactly")):
        with running(database, proxies=TrustedProxies([trusted])) as caller:
            assert reason in refusal(caller("POST", "/oauth2/token", headers=TLS))


def test_who_has_not_logged_in_does_that_first(browser: Browser) -> None:
    browser.cookies.clear()
    reply = authorize(browser, state="ü&", scope="x")
    page = browser.visit(reply.headers["location"])
    assert page_of(page).title == "Sign in"
    assert "form-action" not in page.headers["content-security-policy"]
    reply = browser.submit(page, username=ALICE.email, password=PASSWORD)
    assert reply.headers["location"].startswith(f"{BACK}?code=")
    assert query_of(reply)["state"] == quote("ü&")


def test_unsigned_terms_come_first(browser: Browser, database: Database) -> None:
    rows(database, "UPDATE users SET has_signed_terms = ? WHERE uuid = ?", False, ALICE.uuid)
    page = browser.visit(authorize(browser).headers["location"])
    assert page_of(page).title == "Terms of service"
    assert browser.submit(page).headers["location"].startswith(f"{BACK}?code=")


# A client that is not trusted needs the user's consent.


def test_a_state_that_is_too_long_for_a_redirect_is_refused(browser: Browser) -> None:
    reply = authorize(browser, state="a" * 3001)
    assert reply.status == 400
    assert b"state is too long" in reply.content
    assert query_of(authorize(browser, state="a" * 2500))["state"] == "a" * 2500


def test_a_scope_that_is_too_long_is_refused(browser: Browser) -> None:
    scope = "https://viewer.example.org/view"
    reply = authorize(browser, scope=scope.ljust(3001, "é"))
    assert reply.status == 400
    assert b"scope is too long. Send at most 3000 characters." in reply.content
    assert "code" in query_of(authorize(browser, scope=scope.ljust(3000, "é")))


def test_who_authorizes_a_client_again_and_again_has_the_newest_codes(browser: Browser) -> None:
    codes = [code_of(authorize(browser)) for _ in range(21)]
    assert "code must be an unused code" in refusal(exchange(browser, codes[0]))
    assert exchange(browser, codes[1]).status == exchange(browser, codes[-1]).status == 200


def test_people_are_asked_and_allow_it(browser: Browser) -> None:
    page = authorize(browser, "viewer", state="s", scope="https://viewer.example.org/<b>")
    found = page_of(page)
    assert (page.status, found.title) == (200, "Allow Viewer?")
    assert "https://viewer.example.org/<b>" in found.text
    assert ALICE.email in found.text
    assert "form-action 'self' https://viewer.example.org" in page.headers["content-security-policy"]
    reply = browser.submit(page)
    assert query_of(reply)["state"] == "s"
    assert exchange(browser, code_of(reply), basic("viewer", CLIENT_SECRET)).status == 200


def test_people_are_asked_and_do_not_allow_it(browser: Browser, database: Database) -> None:
    reply = browser.submit(authorize(browser, "viewer", state="s"), decision="deny")
    assert query_of(reply) == {"error": "access_denied", "state": "s", "iss": quote(BASE_URL, "")}
    assert all_rows(database)["oauth2_codes"] == []


def test_programs_are_given_a_description(browser: Browser) -> None:
    browser.headers["Accept"] = "*/*"
    described = authorize(browser, "viewer", scope="a b")
    assert described.headers["content-type"] == "application/json; charset=UTF-8"
    assert described.document == {"client": "viewer", "redirect_uri": BACK, "scope": "a", "state": None}
    form = {"response_type": "code", "client_id": "viewer", "scope": "a b"}
    assert refusal(browser.send("POST", AUTH, form), 403)
    allowed = browser.send("POST", AUTH, form, X_CSRF_Token=described.headers["x-csrf-token"])
    assert code_of(allowed)


def test_no_other_site_can_allow_it(browser: Browser) -> None:
    page = page_of(authorize(browser, "viewer"))
    assert refusal(browser.send("POST", AUTH, page.fields | {"csrf_token": "x"}), 403)
    assert refusal(browser.send("POST", AUTH, page.fields, Sec_Fetch_Site="cross-site"), 403)


def test_who_posts_without_a_login_logs_in_and_is_asked_again(browser: Browser) -> None:
    fields = page_of(authorize(browser, "viewer", state="s")).fields
    browser.cookies.clear()
    page = browser.visit(browser.send("POST", AUTH, fields).headers["location"])
    again = browser.submit(page, username=ALICE.email, password=PASSWORD)
    assert page_of(again).title == "Allow Viewer?"
    assert page_of(again).fields["state"] == "s"


# Clients, and what they know.


def test_a_public_client_proves_that_it_has_asked_itself(browser: Browser) -> None:
    assert "code_challenge" in refusal(authorize(browser, "app"))
    for verifier, status in (("", 400), (VERIFIER[::-1], 400), (VERIFIER, 200)):
        code = code_of(authorize(browser, "app", **CHALLENGE))
        more = {"client_id": "app"} | ({"code_verifier": verifier} if verifier else {})
        assert exchange(browser, code, credentials="", **more).status == status


def test_a_confidential_client_may(browser: Browser) -> None:
    code = code_of(authorize(browser, **CHALLENGE))
    assert "code_verifier" in refusal(exchange(browser, code))
    assert exchange(browser, code, code_verifier=VERIFIER).status == 200
    without = code_of(authorize(browser))
    assert "code_verifier" in refusal(exchange(browser, without, code_verifier=VERIFIER))


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "credentials",
    [
        "",
        "Basic",
        "Basic !!!",
        "Basic dHJ1c3RlZA==",
        "Bearer abc",
        basic("trusted", ""),
        basic("trusted", "wrong"),
        basic("viewer", CLIENT_SECRET),
        basic("nobody", "x"),
        basic("app", ""),
    ],
)
def test_a_confidential_client_must_show_its_secret(browser: Browser, credentials: str) -> None:
    code = code_of(authorize(browser))
    assert refusal(exchange(browser, code, credentials, client_id="trusted"))
    assert exchange(browser, code, client_id="trusted").status == 200


def test_credentials_of_another_client_are_refused_at_the_beginning_as_well(browser: Browser) -> None:
    query = urlencode({"response_type": "code", "client_id": "trusted"})
    for credentials, status in (
        (basic("viewer", CLIENT_SECRET), 400),
        (basic("trusted", "wrong"), 400),
        (basic("trusted", SECRET_WITH_COLON), 302),
        ("Basic !!!", 302),
    ):
        assert browser.send("GET", f"{AUTH}?{query}", Authorization=credentials).status == status


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("headers", "form"),
    [
        ({"Content-Type": f"{FORM}; charset=utf-8"}, {}),
        ({"Content-Type": "application/json"}, {}),
        ({"Content-Type": ""}, {}),
        ({}, {"grant_type": "password"}),
        ({}, {"grant_type": ""}),
        ({}, {"code": ""}),
        ({}, {"code": "x" * 60}),
        ({}, {"client_id": "viewer"}),
        ({}, {"redirect_uri": "\0"}),
    ],
)
def test_requests_for_tokens_that_make_no_sense(
    browser: Browser, headers: Mapping[str, str], form: Mapping[str, str]
) -> None:
    right = {"grant_type": "authorization_code", "code": code_of(authorize(browser))}
    sent = {"Content-Type": FORM, "Authorization": basic("trusted", SECRET_WITH_COLON), **TLS, **headers}
    reply = browser.caller("POST", "/oauth2/token", body=urlencode(right | dict(form)).encode(), headers=sent)
    assert refusal(reply)
    assert right["code"] not in json.dumps(reply.document)


def test_tokens_are_given_by_post_alone(standing_service: Caller) -> None:
    for method in ("GET", "PUT", "HEAD"):
        reply = standing_service(method, "/oauth2/token", headers=TLS)
        assert (reply.status, reply.headers["allow"]) == (405, "POST")


def test_how_long_a_token_counts_is_a_setting(browser: Browser, database: Database) -> None:
    load(database, StateDocument(settings=Settings(access_token_seconds=90)), LOADED)
    with running(database) as caller:
        again = Browser(caller, browser.cookies, headers=browser.headers)
        assert exchange(again, code_of(authorize(again))).document["expires_in"] == 90


def test_an_access_token_is_no_token_of_the_api(browser: Browser) -> None:
    token = exchange(browser, code_of(authorize(browser))).document["access_token"]
    assert browser.caller.get("/account/v1.0/quotas", token).status == 401


def test_the_client_library_finds_its_way(database: Database) -> None:
    viewer = OAuth2ClientEntry(
        identifier="app", secret="s", trusted=True, redirect_urls=["https://app.example/back"]
    )
    settings = Settings(oauth2_without_tls=True, access_token_seconds=600)
    load(database, StateDocument(settings=settings, oauth2_clients=[viewer]), LOADED)
    with listen(LOOPBACK, 0) as listener:
        base_url = f"http://{LOOPBACK}:{listener.getsockname()[1]}/astakos"
        register_own_services(database, base_url, LOADED)
        with serving(Service(database, base_url), listener):
            browser = Browser(Caller(base_url), base_url=base_url)
            browser.log_in(ALICE.email, PASSWORD)
            code = code_of(
                browser.send("GET", f"{base_url}/oauth2/auth?response_type=code&client_id=app&scope=/files")
            )
            with AstakosClient("", f"{base_url}/identity/v2.0") as client:
                given = client.get_token("authorization_code", "app", "s", code=code)
                found = client.validate_token(given["access_token"], belongs_to="/files/1")
                assert found["access"]["user"]["id"] == ALICE.uuid
                with pytest.raises(errors.NotFound):
                    client.validate_token(given["access_token"], belongs_to="/elsewhere")
                with pytest.raises(errors.BadRequest):
                    client.get_token("authorization_code", "app", "s", code=code)
