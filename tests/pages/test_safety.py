"""What pages keep out: forms of other sites, texts that would run, notes that nobody left, other people."""

import re
from html import unescape

import pytest

from astakos.http.pages.page_kinds import Action, Page, PageForPeople
from astakos.http.routes import TABLE
from pages.scene import ADA, PASSWORD, ROOT, Person, Scene
from service.browser import Browser, page_of
from service.caller import Reply
from service.installation import rows

EVIL = "\"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}'"


def browser_of(scene: Scene, person: Person = ADA) -> Browser:
    browser = Browser(scene.caller, base_url=scene.base_url)
    assert browser.log_in(person.email, PASSWORD).status == 200
    return browser


def get(browser: Browser, path: str) -> Reply:
    return browser.send("GET", f"{browser.base_url}{path}")


def proof_of(browser: Browser) -> str:
    return page_of(get(browser, "/ui/overview")).fields["csrf_token"]


def actions() -> list[str]:
    return [
        route.template
        for route in TABLE.routes.values()
        for handler in [route.methods.get("POST")]
        if isinstance(handler, PageForPeople) and isinstance(handler.handler, Action)
    ]


def path_of(template: str) -> str:
    return re.sub(r"{\w+}", "1", template)


@pytest.mark.parametrize("path", [path_of(template) for template in actions()])
def test_no_action_runs_without_its_own_form(scene: Scene, path: str) -> None:
    browser = browser_of(scene, ROOT)
    address, proof = f"{scene.base_url}{path}", proof_of(browser)
    before = rows(scene.database, "SELECT count(*), max(id) FROM events")
    for form, headers in (
        ({}, {}),
        ({"csrf_token": "x" * 43}, {}),
        ({"csrf_token": proof_of(browser_of(scene))}, {}),
        ({"csrf_token": proof}, {"Origin": "https://evil.example"}),
        ({"csrf_token": proof}, {"Sec_Fetch_Site": "cross-site"}),
    ):
        reply = browser.send("POST", address, {"confirmed": "yes", **form}, **headers)
        assert reply.status == 403
        assert page_of(reply).title.startswith("You cannot do this")
    stranger = Browser(scene.caller, base_url=scene.base_url)
    reply = stranger.send("POST", address, {"csrf_token": proof, "confirmed": "yes"})
    assert reply.headers["location"].startswith(f"{scene.base_url}/ui/login?next=")
    assert rows(scene.database, "SELECT count(*), max(id) FROM events") == before


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("/ui/projects/apply/send", "/ui/projects/apply"),
        ("/ui/access/keys/make", "/ui/access"),
        ("/ui/projects/a%0d%0ab/join", "/ui/projects/a%0D%0Ab"),
        ("/ui/appearance", "/ui/"),
        ("/ui/admin/commissions/resolve", "/ui/admin/commissions"),
    ],
)
def test_an_address_that_only_takes_forms_leads_to_their_page(scene: Scene, address: str, page: str) -> None:
    reply = get(browser_of(scene, ROOT), address)
    assert reply.status == 302
    assert reply.headers["location"].startswith(f"{scene.base_url}{page}")
    assert "\n" not in reply.headers["location"]


@pytest.mark.parametrize(
    "template",
    [
        route.template
        for route in TABLE.routes.values()
        for handler in route.methods.values()
        if isinstance(handler, PageForPeople) and getattr(handler.handler, "for_administrators", False)
    ],
)
def test_pages_of_administrators_do_not_exist_for_others(scene: Scene, template: str) -> None:
    browser = browser_of(scene)
    form = {"csrf_token": proof_of(browser)}
    for method, sent in (("GET", None), ("POST", form)):
        reply = browser.send(method, f"{scene.base_url}{path_of(template)}", sent)
        assert reply.status in (404, 405)
        assert ROOT.email not in reply.content.decode()
    assert "Administration" not in get(browser, "/ui/overview").content.decode()


def test_every_page_asks_who_comes(scene: Scene) -> None:
    stranger = Browser(scene.caller, base_url=scene.base_url)
    for route in TABLE.routes.values():
        handler = route.methods.get("GET")
        if isinstance(handler, PageForPeople) and isinstance(handler.handler, Page):
            path = path_of(route.template)
            reply = get(stranger, f"{path}?a=b")
            assert reply.headers["location"].startswith(f"{scene.base_url}/ui/login?next="), path
            assert path.replace("/", "%2F") in reply.headers["location"]


def test_texts_that_would_run_are_texts(scene: Scene) -> None:
    rows(scene.database, "UPDATE users SET first_name = ?, email = ? WHERE uuid = ?", EVIL, EVIL, ADA.uuid)
    rows(scene.database, "UPDATE resources SET description = ?, unit = ?", EVIL, EVIL)
    rows(scene.database, "UPDATE projects SET name = ? WHERE NOT system_project", EVIL)
    rows(scene.database, "UPDATE components SET name = name || ?", EVIL)
    rows(scene.database, "UPDATE resolved_commissions SET name = ?", EVIL)
    browser = browser_of(scene)
    rows(scene.database, "UPDATE sessions SET agent = ?, origin = ?", EVIL, EVIL)
    for path in (
        "/ui/overview",
        "/ui/overview?q=%22%3E%3Cscript%3E",
        "/ui/resources/compute.vm",
        "/ui/join",
        "/ui/access",
        "/ui/account",
    ):
        reply = get(browser, path)
        assert reply.status == 200
        text = reply.content.decode()
        assert not re.findall(r"<script(?! src=\"/astakos/ui/static/)", text)
        assert not re.findall(r"<[^>]*\son\w+=", markup_alone(text))
    assert EVIL in unescape(get(browser, "/ui/overview").content.decode())


def markup_alone(text: str) -> str:
    """The markup without the values of attributes."""
    return re.sub(r'"[^"]*"', '""', text)


def test_a_note_that_no_action_has_left_is_not_shown(scene: Scene) -> None:
    browser = browser_of(scene)
    for value in ("U2VuZCB5b3VyIHBhc3N3b3Jk", "U2VuZA.0" * 3, ".", "é.é", "U2VuZA." + "0" * 64):
        browser.cookies["astakos_flash"] = value
        assert 'class="flash"' not in get(browser, "/ui/overview").content.decode()


def test_the_appearance_is_one_of_three(scene: Scene) -> None:
    browser = browser_of(scene)
    address, proof = f"{scene.base_url}/ui/appearance", proof_of(browser)
    assert browser.send("POST", address, {"csrf_token": proof, "theme": EVIL}).status == 400
    for following in ("//evil.example", "https://evil.example/", "/../x", "javascript:alert(1)"):
        reply = browser.send("POST", address, {"csrf_token": proof, "theme": "dark", "next": following})
        assert reply.headers["location"] == f"{scene.base_url}/ui/overview"
    assert 'data-theme="dark"' in get(browser, "/ui/overview").content.decode()
    browser.cookies["astakos_theme"] = EVIL
    assert 'data-theme="auto"' in get(browser, "/ui/overview").content.decode()
