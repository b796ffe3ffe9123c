import re
from collections.abc import Callable, Iterator
from typing import TypeVar
from urllib.parse import parse_qs, quote, urlsplit

import pytest

from astakos.clock import MICROSECONDS
from astakos.service.password_pool import PasswordPool
from astakos.storage.protocol import Connection, Database
from service.browser import KNOWN_BROWSER, SESSION, Browser, page_of
from service.caller import ACCOUNT, Caller
from service.command import astakos
from service.installation import all_rows, opened, rows, running
from service.timing import Clock
from service.world import ALICE, BASE_URL, BOB, HUGO, PASSWORD

pytestmark = pytest.mark.every_engine

T = TypeVar("T")

LOGIN = f"{BASE_URL}/ui/login"
LANDING = f"{BASE_URL}/ui/overview"
LOADING = ("script", "link", "img", "iframe")


@pytest.fixture
def browser(service: Caller) -> Browser:
    return Browser(service)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def timed(database: Database, clock: Clock) -> Iterator[Browser]:
    with running(database, now=clock) as caller:
        yield Browser(caller)


def test_who_logs_in_sees_the_landing_page(browser: Browser) -> None:
    page = browser.log_in(f" {ALICE.email.upper()} ", PASSWORD)
    assert page.status == 200
    text = page_of(page).text
    assert "Welcome, Alice Archer" in text
    assert ALICE.uuid in text
    services = [link for link in page_of(page).links() if link.startswith("https:")]
    assert services == ["https://storage.example.org/ui", "https://compute.example.org/ui"]
    assert page_of(browser.visit(f"{BASE_URL}/ui/")).text == text
    assert browser.send("GET", LOGIN).headers["location"] == LANDING


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    ("email", "password"),
    [
        (ALICE.email, PASSWORD + "x"),
        (ALICE.email, PASSWORD.upper()),
        (ALICE.email, ""),
        (ALICE.email, ALICE.token),
        (ALICE.uuid, PASSWORD),
        (BOB.email, PASSWORD),
        (BOB.email, ""),
        ("nobody@example.org", PASSWORD),
        ("", PASSWORD),
        ("alice\0@example.org", PASSWORD),
        (ALICE.email, "x" * 5000),
        ("x" * 5000, PASSWORD),
    ],
)
def test_whatever_is_wrong_is_refused_in_the_same_words(browser: Browser, email: str, password: str) -> None:
    page = browser.log_in(email, password)
    assert page.status == 403
    found = page_of(page)
    assert "The username or password is wrong." in found.text
    assert found.element("password")["aria-describedby"] == "error"
    assert found.element("error")["role"] == "alert"
    assert SESSION not in browser.cookies
    assert not browser.is_logged_in()
    assert password == "" or password.encode() not in page.content


def test_who_is_not_active_is_told_so_once_the_password_is_right(
    browser: Browser, database: Database
) -> None:
    given = astakos(database, "user", "password", HUGO.email, stdin="hugo's own password\n")
    assert given.status == 0
    assert "not active" in page_of(browser.log_in(HUGO.email, "hugo's own password")).text
    assert "is wrong" in page_of(browser.log_in(HUGO.email, PASSWORD)).text
    assert not browser.is_logged_in()


def test_the_form_is_fit_for_everybody(browser: Browser) -> None:
    page = page_of(browser.visit(LOGIN))
    labels = {attributes["for"] for name, attributes in page.elements if name == "label"}
    assert labels == {"username", "password"}
    assert page.element("username")["autocomplete"] == "username"
    assert page.element("password")["autocomplete"] == "current-password"
    assert page.element("password")["type"] == "password"
    assert "autofocus" in page.element("username")
    assert page.title == "Sign in"
    loaded = [one.get("src") or one.get("href", "") for name, one in page.elements if name in LOADING]
    assert loaded
    assert all(address.startswith("/astakos/ui/") for address in loaded)


def test_what_was_typed_is_shown_again_and_harms_nobody(browser: Browser) -> None:
    page = browser.log_in('"><script>alert(1)</script>', "wrong")
    assert b"<script>" not in page.content
    assert page_of(page).fields["username"] == '"><script>alert(1)</script>'


def test_cookies_of_a_login_are_kept_to_where_they_belong(browser: Browser) -> None:
    browser.send("GET", LOGIN)
    form = page_of(browser.visit(LOGIN)).fields
    browser.send("POST", LOGIN, form | {"username": ALICE.email, "password": PASSWORD})
    session, shared, known = browser.set_cookies
    for line, name, path in ((session, SESSION, "/astakos/"), (known, KNOWN_BROWSER, "/")):
        ending = r"(Expires=[^;]+ GMT|Max-Age=\d+); HttpOnly; SameSite=Lax; Secure"
        assert re.fullmatch(rf"{name}=[\w-]{{43}}; Path={path}; {ending}", line)
    assert re.fullmatch(
        rf"_pithos2_a={ALICE.uuid}%7C[\w-]{{43}}; Path=/; Expires=[^;]+ GMT; SameSite=Lax; Secure", shared
    )


def test_nothing_that_a_browser_holds_is_stored(browser: Browser, database: Database) -> None:
    browser.log_in(ALICE.email, PASSWORD)
    stored = repr(all_rows(database))
    token = browser.cookies["_pithos2_a"].partition("%7C")[2]
    for secret in (browser.cookies[SESSION], browser.cookies[KNOWN_BROWSER], token):
        assert secret
        assert secret not in stored


def test_the_token_of_a_session_is_one_of_the_user_and_leaves_their_own_alone(
    browser: Browser, service: Caller
) -> None:
    browser.log_in(ALICE.email, PASSWORD)
    token = browser.cookies["_pithos2_a"].partition("%7C")[2]
    found = service.get(f"{ACCOUNT}/authenticate", token).document
    assert (found["uuid"], found["auth_token"]) == (ALICE.uuid, token)
    assert service.get(f"{ACCOUNT}/authenticate", ALICE.token).status == 200
    assert service.get(f"{ACCOUNT}/authenticate", browser.cookies[SESSION]).status == 401
    browser.submit(browser.visit(f"{BASE_URL}/ui/logout"))
    assert service.get(f"{ACCOUNT}/authenticate", token).status == 401
    assert service.get(f"{ACCOUNT}/authenticate", ALICE.token).status == 200


def test_a_session_ends_and_its_token_with_it(timed: Browser, clock: Clock) -> None:
    timed.log_in(ALICE.email, PASSWORD)
    token = timed.cookies["_pithos2_a"].partition("%7C")[2]
    clock.ahead = (14 * 24 * 3600 - 60) * MICROSECONDS
    assert timed.is_logged_in()
    assert timed.caller.get(f"{ACCOUNT}/authenticate", token).status == 200
    clock.ahead += 120 * MICROSECONDS
    assert not timed.is_logged_in()
    assert timed.caller.get(f"{ACCOUNT}/authenticate", token).status == 401


def test_sessions_count_in_every_process(browser: Browser, database: Database) -> None:
    browser.log_in(ALICE.email, PASSWORD)
    with running(opened(database)) as other:
        elsewhere = Browser(other, dict(browser.cookies))
        assert elsewhere.is_logged_in()
        elsewhere.submit(elsewhere.visit(f"{BASE_URL}/ui/logout"))
    assert not browser.is_logged_in()


def test_each_browser_has_a_session_of_its_own(browser: Browser, service: Caller) -> None:
    other = Browser(service)
    browser.log_in(ALICE.email, PASSWORD)
    other.log_in(ALICE.email, PASSWORD)
    assert browser.cookies["_pithos2_a"] != other.cookies["_pithos2_a"]
    other.submit(other.visit(f"{BASE_URL}/ui/logout"))
    assert not other.is_logged_in()
    assert browser.is_logged_in()


def test_logging_in_anew_ends_the_session_of_before(browser: Browser, database: Database) -> None:
    form = page_of(browser.visit(LOGIN)).fields
    for _ in range(2):
        browser.send("POST", LOGIN, form | {"username": ALICE.email, "password": PASSWORD})
        browser.cookies.pop("_pithos2_a")
        form = form | {"csrf_token": _proof(browser)}
    assert len(all_rows(database)["sessions"]) == 1


def _proof(browser: Browser) -> str:
    """What the login form would hold, if it were shown to one who has logged in."""
    without = {name: value for name, value in browser.cookies.items() if name == KNOWN_BROWSER}
    return page_of(Browser(browser.caller, without).visit(LOGIN)).fields["csrf_token"]


def test_a_new_token_or_password_ends_all_sessions(browser: Browser, database: Database) -> None:
    browser.log_in(ALICE.email, PASSWORD)
    astakos(database, "user", "token", ALICE.email)
    assert not browser.is_logged_in()
    browser.log_in(ALICE.email, PASSWORD)
    astakos(database, "user", "password", ALICE.email, stdin="another password\n")
    assert not browser.is_logged_in()
    browser.log_in(ALICE.email, "another password")
    assert browser.is_logged_in()


def test_a_user_who_is_no_more_active_is_not_logged_in(browser: Browser, database: Database) -> None:
    browser.log_in(ALICE.email, PASSWORD)
    rows(database, "UPDATE users SET is_active = ? WHERE uuid = ?", False, ALICE.uuid)
    assert not browser.is_logged_in()


def test_a_login_takes_two_transactions(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    changes: list[object] = []
    change = database.change

    def counted(work: Callable[[Connection], T]) -> T:
        changes.append(work)
        return change(work)

    monkeypatch.setattr(database, "change", counted)
    with running(database) as caller:
        browser = Browser(caller)
        browser.visit(LOGIN)
        changes.clear()
        browser.log_in(ALICE.email, PASSWORD)
        made = len(changes)
        assert browser.is_logged_in()
    assert made == 2, "the attempt is counted, then uncounted as the session begins"
    assert rows(database, "SELECT max(count) FROM login_attempts") == [(0,)]


@pytest.mark.parametrize(
    "change",
    [
        ("UPDATE users SET password_hash = 'another' WHERE uuid = ?", ALICE.uuid),
        ("UPDATE users SET is_active = ? WHERE uuid = ?", False, ALICE.uuid),
    ],
    ids=["new password", "deactivated"],
)
def test_a_login_that_is_under_way_does_not_survive_what_ends_it(
    browser: Browser, database: Database, monkeypatch: pytest.MonkeyPatch, change: tuple[str, object]
) -> None:
    def checking(_stored: str, _password: str) -> bool:
        rows(database, *change)
        return True

    monkeypatch.setattr("astakos.service.password_pool.password_matches", checking)
    assert browser.log_in(ALICE.email, PASSWORD).status == 403
    assert all_rows(database)["sessions"] == []
    assert not browser.is_logged_in()


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("secret", ["", "x", "x" * 43, "é", "x" * 4000, "a|b", '"', "%00"])
def test_made_up_sessions_are_none(browser: Browser, secret: str) -> None:
    browser.cookies[SESSION] = secret
    assert not browser.is_logged_in()


def test_a_link_alone_logs_nobody_out(browser: Browser) -> None:
    browser.log_in(ALICE.email, PASSWORD)
    page = browser.visit(f"{BASE_URL}/ui/logout")
    assert "You are signed in as alice@example.org" in page_of(page).text
    assert browser.is_logged_in()
    ended = browser.submit(page)
    assert "You have signed out." in page_of(ended).text
    assert not {SESSION, "_pithos2_a"} & browser.cookies.keys()
    assert browser.send("GET", f"{BASE_URL}/ui/logout").headers["location"] == LOGIN


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "forged",
    [
        {"csrf_token": ""},
        {"csrf_token": "x"},
        {"csrf_token": "A" * 43},
    ],
)
def test_forms_of_other_sites_are_refused(browser: Browser, service: Caller, forged: dict[str, str]) -> None:
    right = {"username": ALICE.email, "password": PASSWORD, "next": ""}
    form = page_of(browser.visit(LOGIN)).fields
    assert browser.send("POST", LOGIN, form | right | forged).status == 403
    assert Browser(service).send("POST", LOGIN, form | right).status == 403, "another browser's form"
    for site in ("cross-site", "same-site"):
        assert browser.send("POST", LOGIN, form | right, Sec_Fetch_Site=site).status == 403
    assert not browser.is_logged_in()
    browser.log_in(ALICE.email, PASSWORD)
    assert browser.send("POST", f"{BASE_URL}/ui/logout", forged).status == 403
    assert browser.send("POST", f"{BASE_URL}/ui/logout", {"csrf_token": form["csrf_token"]}).status == 403
    assert browser.is_logged_in()


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("origin", ["https://evil.example", "https://sibling.example.org", "null"])
def test_forms_of_other_origins_are_refused_even_with_the_proof(browser: Browser, origin: str) -> None:
    form = page_of(browser.visit(LOGIN)).fields | {"username": ALICE.email, "password": PASSWORD}
    assert browser.send("POST", LOGIN, form, Origin=origin).status == 403
    assert browser.send("POST", LOGIN, form, Origin="https://accounts.example.org").status == 302
    logout = page_of(browser.visit(f"{BASE_URL}/ui/logout")).fields
    assert browser.send("POST", f"{BASE_URL}/ui/logout", logout, Origin=origin).status == 403
    assert browser.is_logged_in()


def test_a_session_of_another_browser_proves_nothing(browser: Browser, service: Caller) -> None:
    """A sibling host can set the session's cookie, but not the browser's."""
    attacker = Browser(service)
    attacker.log_in(BOB.email, "x")
    attacker.log_in(ALICE.email, PASSWORD)
    form = page_of(attacker.visit(f"{BASE_URL}/ui/logout")).fields
    without = Browser(service, {SESSION: attacker.cookies[SESSION]})
    assert not without.is_logged_in()
    browser.visit(LOGIN)
    browser.cookies[SESSION] = attacker.cookies[SESSION]
    assert browser.send("POST", f"{BASE_URL}/ui/logout", form).status == 403


def test_one_without_cookies_is_told_what_is_missing(service: Caller) -> None:
    page = Browser(service).send("POST", LOGIN, {"username": ALICE.email, "password": PASSWORD})
    assert page.status == 403
    assert "Your browser must accept cookies" in page_of(page).text


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "following",
    [
        "https://evil.example/",
        "//evil.example/astakos/ui",
        "/\\evil.example",
        "javascript:alert(1)",
        "pithos://x",
    ],
)
def test_the_login_leads_to_no_other_site(browser: Browser, following: str) -> None:
    form = page_of(browser.visit(LOGIN)).fields | {"next": following}
    reply = browser.send("POST", LOGIN, form | {"username": ALICE.email, "password": PASSWORD})
    assert (reply.status, reply.headers["location"]) == (302, LANDING)


def test_the_login_leads_back_to_where_one_came_from(browser: Browser) -> None:
    following = f"{BASE_URL}/ui/terms?next=%2Fastakos%2Fui%2Flanding"
    page = browser.log_in(ALICE.email, PASSWORD, following)
    assert page_of(page).title == "Terms of service"


def test_a_redirect_to_the_login_fits_into_the_buffers_of_proxies_whatever_was_asked_for(
    browser: Browser,
) -> None:
    address = f"{BASE_URL}/ui/overview?search={'%C4%80' * 5000}"
    reply = browser.send("GET", address)
    assert (reply.status, reply.headers["location"]) == (302, LOGIN)
    # Without an address to come back to, the login leads to the overview.
    page = browser.log_in(ALICE.email, PASSWORD, address)
    assert page_of(page).action == "/astakos/ui/logout"
    assert browser.is_logged_in()
    assert browser.send("GET", f"{LOGIN}?next={quote(address)}").headers["location"] == LANDING
    browser.cookies["_pithos2_a"] = "another"
    assert browser.send("GET", address).status == 200, "a cookie is set right by a shorter redirect"


def test_bad_requests_for_pages_are_answered_with_pages(browser: Browser) -> None:
    browser.visit(LOGIN)
    reply = browser.send("POST", LOGIN, {"a": "b"}, Content_Type="application/json")
    assert reply.status == 400
    assert page_of(reply).title == "That did not work"
    assert browser.send("PUT", LOGIN).headers["allow"] == "GET,HEAD,POST"


@pytest.mark.parametrize("base_url", ["http://localhost:8000/astakos", "http://[::1]:8000/astakos"])
def test_the_pages_work_at_another_host_than_that_of_the_base_url(service: Caller, base_url: str) -> None:
    browser = Browser(service, base_url=base_url)
    page = browser.log_in(ALICE.email, PASSWORD)
    assert page_of(page).action == "/astakos/ui/logout"
    assert browser.is_logged_in()
    assert page_of(browser.submit(page)).title == "Signed out"
    assert not browser.is_logged_in()
    for path in ("/ui/", "/ui/landing", "/ui/logout", "/weblogin/login?next=pithos://home"):
        leads_to = browser.send("GET", f"{base_url}{path}").headers["location"]
        assert leads_to.startswith(f"{base_url}/ui/login")


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize(
    "path", ["ui/resources/%C4%80", "ui/projects/%0D%0AX:%20y", "ui/resources/a%3Fb%23c"]
)
def test_a_browser_is_led_back_to_the_address_that_it_asked_for(browser: Browser, path: str) -> None:
    address = f"{BASE_URL}/{path}?a=%C4%80"
    browser.cookies["_pithos2_a"] = "another"
    reply = browser.send("GET", address)
    assert (reply.status, reply.headers["location"]) == (302, address)
    login = browser.send("GET", address).headers["location"]
    assert parse_qs(urlsplit(login).query) == {"next": [address]}


def test_a_browser_in_which_the_user_has_logged_in_is_known_when_the_password_is_checked(
    service: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    known: list[bool] = []

    async def matches(*_: object, is_suspect: bool, is_known: bool) -> bool:
        known.append(is_known)
        return True

    monkeypatch.setattr(PasswordPool, "matches", matches)
    browser = Browser(service)
    for email in (ALICE.email, ALICE.email, BOB.email):
        browser.log_in(email, PASSWORD)
        browser.submit(browser.visit(f"{BASE_URL}/ui/logout"))
    assert known == [False, True, False]
