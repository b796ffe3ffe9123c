"""The page on which users join projects with the codes of invitations."""

import logging

import pytest

from astakos.storage.protocol import Database
from service.browser import Browser, page_of
from service.caller import Caller
from service.http.projects.test_invitations import invite
from service.installation import rows
from service.world import ALICE, BASE_URL, BOB, HALTED, PASSWORD

pytestmark = pytest.mark.every_engine
JOIN = f"{BASE_URL}/ui/join"


@pytest.fixture
def browser(service: Caller, database: Database) -> Browser:
    """Alice's, who is not a member of the project that is halted."""
    rows(
        database,
        "UPDATE memberships SET state = 'removed' WHERE user_id = (SELECT id FROM users WHERE uuid = ?) "
        "AND project_id = (SELECT id FROM projects WHERE uuid = ?)",
        ALICE.uuid,
        HALTED,
    )
    return Browser(service)


def test_who_has_a_code_joins_after_seeing_what(
    browser: Browser, service: Caller, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    rows_of_halted = invite(service, HALTED, BOB)
    code = rows_of_halted["invitation"]
    asked = browser.log_in(ALICE.email, PASSWORD, JOIN)
    assert page_of(asked).title == "Join a project"
    shown = browser.submit(asked, invitation=f" {code} ")
    found = page_of(shown)
    assert (shown.status, found.title) == (200, "Join this project?")
    assert "halted.example.org" in found.text
    assert BOB.email in found.text
    assert service.get("/account/v1.0/projects/memberships", ALICE.token).status == 200
    joined = browser.submit(shown)
    assert (joined.status, "You are a member of halted.example.org." in page_of(joined).text) == (200, True)
    again = browser.submit(shown)
    assert (again.status, page_of(again).text) == (200, page_of(joined).text)
    assert code.partition("-")[2] not in caplog.text


def test_a_code_that_others_have_used_up_is_refused(
    browser: Browser, service: Caller, database: Database
) -> None:
    code = invite(service, HALTED, BOB)["invitation"]
    rows(database, "UPDATE project_invitations SET uses = max_uses")
    asked = browser.log_in(ALICE.email, PASSWORD, JOIN)
    refused = browser.submit(asked, invitation=code, confirmed="yes")
    assert (refused.status, "used up" in page_of(refused).text) == (409, True)


def test_who_has_not_logged_in_does_so_first(browser: Browser) -> None:
    reply = browser.send("GET", JOIN)
    assert reply.status == 302
    assert reply.headers["location"].startswith(f"{BASE_URL}/ui/login?next=")


def test_who_has_not_signed_the_terms_does_so_first(browser: Browser, database: Database) -> None:
    rows(database, "UPDATE users SET has_signed_terms = ? WHERE uuid = ?", False, ALICE.uuid)
    browser.log_in(ALICE.email, PASSWORD)
    assert browser.send("GET", JOIN).headers["location"].startswith(f"{BASE_URL}/ui/terms?next=")


def test_wrong_codes_are_refused_and_counted(browser: Browser) -> None:
    browser.headers["X-Forwarded-For"] = "192.0.2.1"
    page = browser.log_in(ALICE.email, PASSWORD, JOIN)
    for _ in range(10):
        refused = browser.submit(page, invitation="1-" + "x" * 43)
        assert (refused.status, "no such invitation" in page_of(refused).text) == (404, True)
        assert page_of(refused).element("invitation")["aria-describedby"] == "invitation-error"
    limited = browser.submit(page, invitation="1-" + "x" * 43)
    assert limited.status == 429
    assert int(limited.headers["retry-after"]) > 0


def test_no_other_site_makes_a_browser_join(browser: Browser, service: Caller) -> None:
    code = invite(service, HALTED, BOB)["invitation"]
    page = browser.log_in(ALICE.email, PASSWORD, JOIN)
    form = {"invitation": code, "confirmed": "yes"}
    assert browser.send("POST", JOIN, form).status == 403
    assert (
        browser.send("POST", JOIN, page_of(page).fields | form, Origin="https://evil.example").status == 403
    )
    assert service.get(f"/account/v1.0/projects/{HALTED}/invitations", BOB.token).document[0]["uses"] == 0
