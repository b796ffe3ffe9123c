"""Forms that are sent twice: whatever they make, they make it once, and the second answer leads to it."""

import re
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser as Chromium

from astakos.clock import DAY, now
from astakos.http.pages.page_kinds import Action, PageForPeople
from astakos.http.routes import TABLE
from astakos.projects.project import Policy
from astakos.storage.tables import destinations
from pages.chromium import ChromiumVisitor, Kind
from pages.chromium import page_of as chromium_page
from pages.project_scene import approved
from pages.scene import ADA, GRACE, LAB, PASSWORD, ROOT, TOKENS, Person, Scene
from pages.visitors import log_in
from service.browser import Browser, page_of
from service.installation import rows

TOLD = "You have already sent this form."
SECRET = re.compile(r'<code id="secret">([^<]+)</code>')
EVENTS = "SELECT count(*) FROM events"
NEW_KEY = {"name": "laptop", "expires": ""}
GRANT = {"resource": TOKENS, "amount": "1000", "project": ADA.uuid}
PROJECT = {
    "name": "cats.example.org",
    "end_date": "2041-06-30",
    "join_policy": "moderated",
    "leave_policy": "auto",
    "max_members": "5",
}


class Case(NamedTuple):
    """A form: who sends it, from which page, and what is filled in; `prepare` makes what it needs."""

    person: Person
    page: str
    action: str
    fields: Mapping[str, str]
    prepare: Callable[[Scene], str] = lambda _: ""


def own_key(scene: Scene) -> str:
    browser = browser_of(scene, ADA)
    fields = proof(browser, "/ui/access/keys/new") | NEW_KEY
    page = browser.send("POST", f"{scene.base_url}/ui/access/keys/make", fields).content.decode()
    (text,) = SECRET.findall(page)
    return str(text)[:13]


def open_project(scene: Scene) -> str:
    return approved(scene, GRACE, "open.example.org", join_policy=Policy.MODERATED)


def webhook(scene: Scene) -> str:
    hook = destinations.Destination("hook", "https://hook.example.org/", (), 1, None, now(), 0)
    scene.database.change(lambda connection: destinations.add(connection, hook))
    return "hook"


COMPONENT = "/ui/admin/services/components/compute"
SERVICES = "/ui/admin/services"
LAB_PAGE = f"/ui/projects/{LAB}"
ADA_PAGE = f"/ui/admin/users/{ADA.uuid}"
ALL_TOKENS = {"name": "x", "service": "compute", "scale": "0", "system_default": "1", "project_default": "1"}
RESOURCE = {**ALL_TOKENS, "name": "compute.gpu", "max_debt": "0"}

CASES: Mapping[str, Case] = {
    "/ui/access/keys/make": Case(ADA, "/ui/access/keys/new", "/ui/access/keys/make", NEW_KEY),
    "/ui/access/keys/rotate": Case(
        ADA, "/ui/access/keys/{}", "/ui/access/keys/rotate", {"key": "{}", "overlap": "0"}, own_key
    ),
    "/ui/account/address/ask": Case(
        ADA,
        "/ui/account/address",
        "/ui/account/address/ask",
        {"email": "new@example.org", "present": PASSWORD},
    ),
    "/ui/admin/users/{uuid}/grant/give": Case(ROOT, ADA_PAGE, f"{ADA_PAGE}/grant/give", GRANT),
    "/ui/projects/{uuid}/grant/give": Case(ROOT, LAB_PAGE, f"{LAB_PAGE}/grant/give", GRANT),
    "/ui/projects/{uuid}/invitations/make": Case(
        GRACE, f"{LAB_PAGE}/invitations", f"{LAB_PAGE}/invitations/make", {"uses": "3", "days": "3"}
    ),
    "/ui/projects/apply/send": Case(ADA, "/ui/projects/apply", "/ui/projects/apply/send", PROJECT),
    "/ui/projects/{uuid}/change/send": Case(
        GRACE,
        f"{LAB_PAGE}/change",
        f"{LAB_PAGE}/change/send",
        {**PROJECT, "name": "lab.example.org", "max_members": "7"},
    ),
    "/ui/projects/{uuid}/members/enroll": Case(
        GRACE, f"{LAB_PAGE}/members", f"{LAB_PAGE}/members/enroll", {"address": ROOT.email}
    ),
    "/ui/projects/{uuid}/join": Case(ADA, "/ui/projects/{}", "/ui/projects/{}/join", {}, open_project),
    "/ui/admin/users/invite/new": Case(
        ROOT,
        "/ui/admin/users/invite",
        "/ui/admin/users/invite/new",
        {"email": "new@example.org", "way": "show", "days": "1"},
    ),
    "/ui/admin/users/{uuid}/link/make": Case(
        ROOT, f"{ADA_PAGE}/link", f"{ADA_PAGE}/link/make", {"way": "show", "days": "1"}
    ),
    f"{SERVICES}/new-component/register": Case(
        ROOT, f"{SERVICES}/new-component", f"{SERVICES}/new-component/register", {"name": "storage"}
    ),
    f"{SERVICES}/components/{{name}}/new-service/register": Case(
        ROOT, f"{COMPONENT}/new-service", f"{COMPONENT}/new-service/register", {"name": "images"}
    ),
    f"{SERVICES}/components/{{name}}/token": Case(ROOT, COMPONENT, f"{COMPONENT}/token", {"overlap": "1"}),
    f"{SERVICES}/new-resource/register": Case(
        ROOT, f"{SERVICES}/new-resource", f"{SERVICES}/new-resource/register", RESOURCE
    ),
    f"{SERVICES}/save-new-meter/{{resource}}": Case(
        ROOT,
        f"{SERVICES}/new-meter/compute.vm",
        f"{SERVICES}/save-new-meter/compute.vm",
        {"kind": "budget", "unit": "week", "every": "1", "limit": "9"},
    ),
    "/ui/admin/webhooks/{name}/test": Case(
        ROOT, "/ui/admin/webhooks/{}", "/ui/admin/webhooks/{}/test", {}, webhook
    ),
}


def browser_of(scene: Scene, person: Person) -> Browser:
    browser = Browser(scene.caller, base_url=scene.base_url)
    browser.log_in(person.email, PASSWORD)
    return browser


def proof(browser: Browser, path: str) -> dict[str, str]:
    """What the forms of a page carry, hidden, besides what people fill in."""
    page = browser.send("GET", f"{browser.base_url}{path}")
    assert page.status == 200, path
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.content.decode())
    return dict(hidden)


def making() -> set[str]:
    return {
        route.template
        for route in TABLE.routes.values()
        for handler in [route.methods.get("POST")]
        if isinstance(handler, PageForPeople)
        and isinstance(handler.handler, Action)
        and handler.handler.makes
    }


def filled(scene: Scene, case: Case) -> tuple[Browser, str, dict[str, str]]:
    """A browser in which the form is filled in, where it goes, and what it holds."""
    made = case.prepare(scene)
    browser = browser_of(scene, case.person)
    fields = proof(browser, case.page.format(made))
    fields |= {name: value.format(made) for name, value in case.fields.items()}
    return browser, f"{scene.base_url}{case.action.format(made)}", fields


def counted(scene: Scene) -> object:
    return rows(scene.database, EVENTS), rows(scene.database, "SELECT count(*) FROM idempotency_keys")


def test_each_action_that_makes_something_is_tried() -> None:
    assert making() == set(CASES)


@pytest.mark.parametrize("template", CASES)
def test_what_a_form_makes_it_makes_once(scene: Scene, template: str) -> None:
    browser, address, fields = filled(scene, CASES[template])
    before = counted(scene)
    first = browser.send("POST", address, fields)
    assert first.status in (200, 302), first.content.decode()
    after = counted(scene)
    assert after != before
    for _ in range(2):
        again = browser.send("POST", address, fields)
        assert again.status == 302, again.content.decode()
        page = browser.send("GET", again.headers["location"])
        assert page.status == 200
        assert TOLD in page_of(page).text
        assert counted(scene) == after


def test_a_secret_is_not_shown_again(scene: Scene) -> None:
    browser, address, fields = filled(scene, CASES["/ui/access/keys/make"])
    page = browser.send("POST", address, fields).content.decode()
    (secret,) = SECRET.findall(page)
    second = browser.visit(browser.send("POST", address, fields).headers["location"]).content.decode()
    assert TOLD in second
    assert "replace it below" in second
    assert secret not in second
    assert all(secret not in str(row) for row in rows(scene.database, "SELECT * FROM idempotency_keys"))


def test_sent_by_two_at_the_same_time_it_makes_one(scene: Scene) -> None:
    browser, address, fields = filled(scene, CASES["/ui/admin/users/{uuid}/grant/give"])
    cookies = dict(browser.cookies)

    def send(_: int) -> int:
        return (
            Browser(scene.caller, dict(cookies), base_url=scene.base_url).send("POST", address, fields).status
        )

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(send, range(8))) == {302}
    assert rows(scene.database, "SELECT count(DISTINCT number) FROM grants") == [(1,)]


def test_a_form_that_made_nothing_can_be_corrected_and_sent(scene: Scene) -> None:
    browser, address, fields = filled(scene, CASES["/ui/admin/users/invite/new"])
    refused = browser.send("POST", address, {**fields, "email": ADA.email})
    assert refused.status == 422
    assert "There is a user with this address already." in refused.content.decode()
    assert "new@example.org has been added." in browser.send("POST", address, fields).content.decode()


def test_others_who_know_the_number_make_their_own(scene: Scene) -> None:
    _, address, fields = filled(scene, CASES["/ui/access/keys/make"])
    for person in (ADA, GRACE):
        browser = browser_of(scene, person)
        own = proof(browser, "/ui/access/keys/new")
        sent = browser.send("POST", address, {**own, **NEW_KEY, "sending": fields["sending"]})
        assert sent.status == 200
    assert rows(scene.database, "SELECT count(*) FROM api_keys") == [(2,)]


@pytest.mark.parametrize("sending", ["", "x", -2 * DAY, 2 * DAY], ids=["none", "no number", "old", "future"])
def test_a_form_of_long_ago_is_sent_when_the_reader_says_so(scene: Scene, sending: str | int) -> None:
    browser, address, fields = filled(scene, CASES["/ui/access/keys/make"])
    number = sending if isinstance(sending, str) else f"{now() + sending}-{'0' * 32}"
    asked = browser.send("POST", address, {**fields, "sending": number})
    assert "Send this form?" in page_of(asked).text
    assert rows(scene.database, "SELECT count(*) FROM api_keys") == [(0,)]
    made = browser.submit(asked)
    assert "Your new key" in page_of(made).text
    assert rows(scene.database, "SELECT name FROM api_keys") == [("laptop",)]


@pytest.mark.browser
def test_a_second_click_is_not_sent(scene: Scene, browser: Chromium) -> None:
    kind = Kind("desktop")
    with chromium_page(browser, kind, scene.base_url) as page:
        log_in(ChromiumVisitor(scene, page, kind), ADA, "/ui/access/keys/new")
        page.get_by_label("Name", exact=True).fill("laptop")
        page.get_by_role("button", name="Make key").dblclick(no_wait_after=True)
        page.wait_for_url("**/keys/make")
        assert page.locator("h1").inner_text() == "Your new key"
    assert rows(scene.database, "SELECT count(*) FROM api_keys") == [(1,)]
