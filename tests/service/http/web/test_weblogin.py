from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote, unquote

import pytest

from astakos.administration.load import load
from astakos.administration.state_document import Settings, StateDocument
from astakos.storage.protocol import Database
from astakosclient import get_token_from_cookie
from service.browser import KNOWN_BROWSER, SESSION, Browser, page_of, query_of
from service.caller import ACCOUNT, Caller
from service.command import astakos
from service.installation import all_rows, rows, running
from service.world import ALICE, BASE_URL, LOADED, PASSWORD

pytestmark = pytest.mark.every_engine

WEBLOGIN = f"{BASE_URL}/weblogin/login"
TO_PITHOS = f"{WEBLOGIN}?next=pithos%3A%2F%2Fhome%3Fa%3Db%23top"


@pytest.fixture
def browser(service: Caller) -> Browser:
    return Browser(service)


@pytest.fixture
def logged_in(browser: Browser) -> Browser:
    browser.log_in(ALICE.email, PASSWORD)
    return browser


@pytest.fixture
def configured(database: Database) -> Iterator[Browser]:
    """The same with other settings."""
    settings = Settings(
        weblogin_next=["https://files.example.org"], cookie_name="shared", cookie_domain="example.org"
    )
    load(database, StateDocument(settings=settings), LOADED)
    with running(database) as caller:
        yield Browser(caller)


class Received:
    """The request that a page of another component gets."""

    def __init__(self, cookies: dict[str, str]) -> None:
        self.COOKIES = cookies


def test_a_component_is_given_uuid_and_token_after_a_login(browser: Browser, service: Caller) -> None:
    page = browser.visit(TO_PITHOS)
    assert page_of(page).title == "Sign in"
    assert "form-action 'self' pithos: pithosdev:" in page.headers["content-security-policy"]
    reply = browser.submit(page, username=ALICE.email, password=PASSWORD)
    assert reply.status == 302
    location = reply.headers["location"]
    assert location.startswith(f"pithos://home?uuid={ALICE.uuid}&token=")
    assert location.endswith("#top")
    token = query_of(reply)["token"]
    assert service.get(f"{ACCOUNT}/authenticate", token).document["uuid"] == ALICE.uuid
    assert reply.headers["referrer-policy"] == "same-origin"
    assert browser.visit(TO_PITHOS).headers["location"] == location, "the same, as long as one is logged in"


@pytest.mark.parametrize("query", ["", "?next=", "?next", "?nxet=pithos://home"])
def test_without_next_there_is_nowhere_to_go(standing_service: Caller, query: str) -> None:
    reply = standing_service.get(f"/weblogin/login{query}")
    assert (reply.status, reply.headers["content-type"]) == (400, "text/plain; charset=utf-8")


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "following",
    [
        "https://evil.example/",
        "http://evil.example/",
        "//evil.example",
        "/astakos/ui/landing",
        "javascript:alert(1)",
        "pithos\\://home",
        "pithos://home\r\nSet-Cookie: a=b",
        "pithos://home\x00",
        "\tpithos://home",
        "nothing",
    ],
)
def test_tokens_go_to_no_other_place(logged_in: Browser, following: str) -> None:
    reply = logged_in.send("GET", f"{WEBLOGIN}?next={quote(following, safe='')}")
    assert (reply.status, page_of(reply).title) == (403, "You cannot do this")
    assert "location" not in reply.headers
    program = replace(logged_in, headers={})
    reply = program.send("GET", f"{WEBLOGIN}?next={quote(following, safe='')}")
    assert (reply.status, reply.headers["content-type"]) == (403, "text/plain; charset=utf-8")


@pytest.mark.parametrize("method", ["POST", "PUT", "HEAD", "DELETE"])
def test_other_methods_are_refused(standing_service: Caller, method: str) -> None:
    reply = standing_service(method, "/weblogin/login?next=pithos://home")
    assert (reply.status, reply.headers["allow"]) == (405, "GET")


def test_slashes_are_where_they_were(standing_service: Caller) -> None:
    assert standing_service.get("/weblogin/login/?next=pithos://home").status == 404
    assert standing_service.get("/weblogin/").status == 404
    reply = standing_service.get("/weblogin")
    assert (reply.status, reply.headers["location"]) == (301, "/astakos/weblogin/")


def test_force_asks_for_the_password_again(logged_in: Browser, service: Caller) -> None:
    before = query_of(logged_in.send("GET", TO_PITHOS))["token"]
    page = logged_in.visit(f"{TO_PITHOS}&force", Sec_Fetch_Site="same-origin")
    assert page_of(page).title == "Sign in"
    assert "force" not in page_of(page).fields["next"]
    assert not logged_in.is_logged_in()
    assert service.get(f"{ACCOUNT}/authenticate", before).status == 401
    after = query_of(logged_in.submit(page, username=ALICE.email, password=PASSWORD))["token"]
    assert after != before


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("flag", ["force=1", "renew=1", "force=false", "renew=0"])
def test_a_flag_with_a_value_does_not_count(logged_in: Browser, service: Caller, flag: str) -> None:
    before = query_of(logged_in.send("GET", TO_PITHOS))["token"]
    assert query_of(logged_in.send("GET", f"{TO_PITHOS}&{flag}"))["token"] == before
    assert service.get(f"{ACCOUNT}/authenticate", ALICE.token).status == 200


@pytest.mark.parametrize("flag", ["renew", "renew="])
def test_renew_replaces_the_token_and_closes_all_other_sessions(
    logged_in: Browser, service: Caller, flag: str
) -> None:
    other = Browser(service)
    other.log_in(ALICE.email, PASSWORD)
    before = query_of(logged_in.send("GET", TO_PITHOS))["token"]
    of_other = query_of(other.send("GET", TO_PITHOS))["token"]
    reply = logged_in.send("GET", f"{TO_PITHOS}&{flag}", Sec_Fetch_Site="same-origin")
    assert reply.status == 302
    token = query_of(reply)["token"]
    for old in (before, of_other, ALICE.token):
        assert service.get(f"{ACCOUNT}/authenticate", old).status == 401
    assert service.get(f"{ACCOUNT}/authenticate", token).document["uuid"] == ALICE.uuid
    assert not other.is_logged_in()
    assert logged_in.is_logged_in()
    assert query_of(logged_in.send("GET", TO_PITHOS))["token"] == token
    logged_in.submit(logged_in.visit(f"{BASE_URL}/ui/logout"))
    assert service.get(f"{ACCOUNT}/authenticate", token).status == 200, "it is the user's own token now"


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("site", ["cross-site", "same-site", "none", ""])
@pytest.mark.parametrize("flag", ["renew", "force", "renew&force"])
def test_a_link_of_another_site_changes_nothing_until_the_user_agrees(
    logged_in: Browser, service: Caller, database: Database, site: str, flag: str
) -> None:
    token = query_of(logged_in.send("GET", TO_PITHOS))["token"]
    before = all_rows(database)
    page = logged_in.visit(f"{TO_PITHOS}&{flag}", Sec_Fetch_Site=site)
    assert (page.status, page_of(page).title) == (200, "Continue?")
    assert page_of(page).action == "/astakos/weblogin/confirm", (
        "at whatever host the browser knows the service"
    )
    assert "form-action 'self' pithos:" in page.headers["content-security-policy"]
    assert ALICE.email in page_of(page).text
    assert all_rows(database) == before
    reply = logged_in.submit(page)
    assert service.get(f"{ACCOUNT}/authenticate", token).status == 401
    if flag == "renew":
        assert reply.headers["location"].startswith("pithos://home?uuid=")
    else:
        assert page_of(reply).title == "Sign in"


def test_the_page_that_asks_can_not_be_skipped(logged_in: Browser, database: Database) -> None:
    fields = page_of(logged_in.visit(f"{TO_PITHOS}&renew")).fields
    confirm = f"{BASE_URL}/weblogin/confirm"
    before = all_rows(database)
    for forged in ({"csrf_token": ""}, {"csrf_token": "A" * 43}):
        assert logged_in.send("POST", confirm, fields | forged).status == 403
    assert logged_in.send("POST", confirm, fields, Sec_Fetch_Site="cross-site").status == 403
    assert logged_in.send("POST", confirm, fields | {"next": "https://evil.example"}).status == 403
    assert logged_in.send("POST", confirm, fields | {"next": ""}).status == 400
    assert logged_in.send("GET", confirm).status == 405
    assert all_rows(database) == before


def test_a_login_that_another_site_asked_for_is_no_consent_to_a_renewal(
    browser: Browser, service: Caller
) -> None:
    page = browser.visit(f"{TO_PITHOS}&renew", Sec_Fetch_Site="cross-site")
    browser.headers["Sec-Fetch-Site"] = "same-origin"
    asked = browser.submit(page, username=ALICE.email, password=PASSWORD)
    assert page_of(asked).title == "Continue?"
    assert service.get(f"{ACCOUNT}/authenticate", ALICE.token).status == 200
    assert browser.submit(asked).headers["location"].startswith("pithos:")
    assert service.get(f"{ACCOUNT}/authenticate", ALICE.token).status == 401


def test_without_flags_a_link_of_another_site_leads_on(logged_in: Browser) -> None:
    assert (
        logged_in.send("GET", TO_PITHOS, Sec_Fetch_Site="cross-site")
        .headers["location"]
        .startswith("pithos:")
    )


def test_a_session_that_ends_at_that_moment_is_not_renewed(
    logged_in: Browser, service: Caller, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deciding(_uri: str, _allowed: object) -> bool:
        astakos(database, "user", "password", ALICE.email, stdin="another password")
        return True

    monkeypatch.setattr("astakos.http.web.weblogin.is_allowed_next", deciding)
    reply = logged_in.send("GET", f"{TO_PITHOS}&renew", Sec_Fetch_Site="same-origin")
    assert reply.headers["location"].startswith(f"{BASE_URL}/ui/login?")
    assert rows(database, "SELECT token_hash FROM users WHERE uuid = ?", ALICE.uuid) == [(None,)]
    assert rows(database, "SELECT count(*) FROM sessions") == [(0,)]


def test_unsigned_terms_come_first(logged_in: Browser, service: Caller, database: Database) -> None:
    rows(database, "UPDATE users SET has_signed_terms = ? WHERE uuid = ?", False, ALICE.uuid)
    page = logged_in.visit(TO_PITHOS)
    assert page_of(page).title == "Terms of service"
    assert "once you agree" in page_of(logged_in.visit(f"{BASE_URL}/ui/landing")).text
    reply = logged_in.submit(page)
    assert reply.headers["location"].startswith("pithos://home?")
    assert service.get(f"{ACCOUNT}/authenticate", query_of(reply)["token"]).status == 200


def test_the_cookie_is_what_other_components_read(logged_in: Browser, service: Caller) -> None:
    token = get_token_from_cookie(Received(logged_in.cookies), "_pithos2_a")
    assert token == query_of(logged_in.send("GET", TO_PITHOS))["token"]
    assert unquote(logged_in.cookies["_pithos2_a"]).partition("|")[0] == ALICE.uuid
    assert service.get(f"{ACCOUNT}/authenticate", token or "").status == 200


@pytest.mark.parametrize("held", [None, "", "x", f"{ALICE.uuid}%7C{ALICE.token}"])
def test_a_cookie_that_does_not_agree_with_the_session_is_set_first(
    logged_in: Browser, held: str | None
) -> None:
    right = logged_in.cookies.pop("_pithos2_a")
    if held is not None:
        logged_in.cookies["_pithos2_a"] = held
    reply = logged_in.send("GET", TO_PITHOS)
    assert (reply.status, reply.headers["location"]) == (302, TO_PITHOS)
    assert logged_in.cookies["_pithos2_a"] == right
    assert logged_in.send("GET", TO_PITHOS).headers["location"].startswith("pithos:")


def test_without_a_session_it_is_ended_first(browser: Browser) -> None:
    browser.cookies["_pithos2_a"] = f"{ALICE.uuid}%7C{ALICE.token}"
    reply = browser.send("GET", TO_PITHOS)
    assert (reply.status, reply.headers["location"]) == (302, TO_PITHOS)
    assert "_pithos2_a" not in browser.cookies
    assert browser.send("GET", TO_PITHOS).headers["location"].startswith(f"{BASE_URL}/ui/login")


def test_a_browser_that_does_not_take_the_cookie_is_not_sent_around_in_circles(logged_in: Browser) -> None:
    logged_in.cookies.pop("_pithos2_a")
    assert logged_in.send("GET", TO_PITHOS).headers["location"] == TO_PITHOS
    logged_in.cookies.pop("_pithos2_a")
    assert logged_in.send("GET", TO_PITHOS).headers["location"].startswith("pithos:")


def test_name_domain_and_places_are_settings(configured: Browser) -> None:
    configured.log_in(ALICE.email, PASSWORD)
    assert "shared" in configured.cookies
    assert "_pithos2_a" not in configured.cookies
    assert configured.send("GET", TO_PITHOS).status == 403
    reply = configured.send("GET", f"{WEBLOGIN}?next=https://files.example.org/view")
    assert reply.headers["location"].startswith(f"https://files.example.org/view?uuid={ALICE.uuid}&token=")
    (shared,) = [line for line in configured.set_cookies if line.startswith("shared=")]
    assert "; Domain=example.org; " in shared


def test_there_may_be_no_cookie_at_all(database: Database) -> None:
    load(database, StateDocument(settings=Settings(cookie_name="")), LOADED)
    with running(database) as caller:
        browser = Browser(caller)
        browser.log_in(ALICE.email, PASSWORD)
        assert browser.cookies.keys() == {SESSION, KNOWN_BROWSER}
        assert browser.send("GET", TO_PITHOS).headers["location"].startswith("pithos:")
