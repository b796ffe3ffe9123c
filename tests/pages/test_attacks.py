"""Hostile texts wherever a user or a service can leave one, on every page that anybody can reach."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

import pytest
from selectolax.lexbor import LexborHTMLParser

from astakos.administration.grants import GrantPlace, Terms, add_grant
from astakos.administration.journal import Journal
from astakos.clock import now
from astakos.events.event import OPERATOR
from astakos.http.pages.page_kinds import Page, PageForPeople
from astakos.http.pages.page_routes import PAGE_ROUTES
from astakos.storage.protocol import Connection
from astakos.storage.tables import deliveries, destinations
from astakos.storage.tables.destinations import Destination
from pages.scene import ADA, COMPUTE_TOKEN, GRACE, LAB, PASSWORD, ROOT, TOKENS, Person, Scene, charge
from service.browser import Browser, page_of
from service.caller import Reply
from service.installation import rows

EVIL = "\"><script>alert(1)</script><img src=x onerror=alert(2)>{{ 7 * 7 }}'</textarea></title>"
RUNS = "javascript:alert(1)//"
FORMULA = "=HYPERLINK(0)"
TEXTS: Mapping[str, tuple[str, ...]] = {
    "users": ("first_name", "last_name"),
    "components": ("name",),
    "projects": ("homepage", "description", "comments"),
    "resources": ("unit", "description"),
    "pending_commissions": ("name",),
    "resolved_commissions": ("name",),
    "grants": ("note",),
    "api_keys": ("name",),
    "oauth2_clients": ("name",),
    "project_applications": ("name", "homepage", "description", "comments"),
    "sessions": ("agent", "origin"),
    "events": ("reason", "origin"),
    "user_records": ("deactivated_reason", "rejected_reason", "affiliation"),
    "deliveries": ("recipient", "error"),
    "feedback": ("message", "data"),
}
ADDRESSES: Mapping[str, tuple[str, ...]] = {
    "components": ("ui_url", "base_url"),
    "projects": ("homepage",),
    "oauth2_clients": ("url",),
}
SAME_PAGE = 4
"""How many addresses of one page are visited, with different queries or variables."""
MOST_VISITS = 150


@dataclass
class Walk:
    """What somebody reaches who follows all links.

    Attributes:
        replies: The answers by their address below the base URL.
        templates: The paths of the pages as routes name them.
    """

    replies: dict[str, Reply] = field(default_factory=dict)
    templates: set[str] = field(default_factory=set)


def templates() -> list[str]:
    return [
        route.template
        for route in PAGE_ROUTES
        for handler in [route.methods.get("GET")]
        if isinstance(handler, PageForPeople) and isinstance(handler.handler, Page)
    ]


def matches(template: str, path: str) -> bool:
    return re.fullmatch(re.sub(r"{\w+}", ".+", template), path) is not None


def template_of(path: str) -> str | None:
    found = [template for template in templates() if matches(template, path)]
    return min(found, key=lambda template: (template.count("{"), -len(template)), default=None)


def browser_of(scene: Scene, person: Person) -> Browser:
    browser = Browser(scene.caller, base_url=scene.base_url)
    assert browser.log_in(person.email, PASSWORD).status == 200
    return browser


def guesses(scene: Scene) -> Iterator[str]:
    """Addresses of pages that have a variable, in case no link leads there."""
    keys = [str(one[0]) for one in rows(scene.database, "SELECT prefix FROM api_keys")]
    serials = [str(one[0]) for one in rows(scene.database, "SELECT serial FROM pending_commissions")]
    values = [ADA.uuid, GRACE.uuid, LAB, "hook", "compute.vm", "compute", "models", *keys, *serials, "1", "2"]
    for template in templates():
        for value in values if "{" in template else [""]:
            yield re.sub(r"{\w+}", quote(value), template)


def walk(scene: Scene, browser: Browser, person: Person) -> Walk:
    """Follows all links from all pages, a few of each kind."""
    found = Walk()
    visited: dict[str, int] = {}
    waiting = list(guesses(scene))
    own = f"{urlsplit(scene.base_url).path}/ui/"
    while waiting and len(found.replies) < MOST_VISITS:
        address = waiting.pop()
        template = template_of(address.partition("?")[0])
        if template is None or address in found.replies or visited.get(template, 0) >= SAME_PAGE:
            continue
        reply = browser.send("GET", f"{scene.base_url}{address}")
        assert reply.status < 500, address
        if reply.status != 200:
            continue
        visited[template] = visited.get(template, 0) + 1
        found.replies[address] = reply
        found.templates.add(template)
        if reply.headers["content-type"].startswith("text/html"):
            for link in LexborHTMLParser(reply.content.decode()).css("a[href]"):
                target = (link.attributes["href"] or "").partition("#")[0]
                if target.startswith(own):
                    waiting.append(target.removeprefix(urlsplit(scene.base_url).path))
    assert found.replies, person
    return found


def poison(scene: Scene, texts: Mapping[str, tuple[str, ...]], value: str) -> None:
    for table, columns in texts.items():
        for column in columns:
            if (table, column) in {("components", "name"), ("sessions", "origin")}:
                # Names stay apart, and this one is read as an address.
                continue
            rows(scene.database, f"UPDATE {table} SET {column} = ?", value)


def live(scene: Scene) -> None:
    """Makes something of each kind that texts belong to."""
    charge(scene, COMPUTE_TOKEN, (ADA.holding("compute.ram"), 1), settles=False)
    token = "token-of-Ada".ljust(43, "-")
    made = scene.caller("POST", "/account/v1.0/keys", token, document={"name": EVIL})
    assert made.status in (200, 201), made.content
    scene.database.change(_failing)
    scene.database.change(_granted)
    wanted = {"name": "evil.example.org", "resources": {}, "end_date": "2031-01-01T00:00:00Z"}
    assert scene.caller("POST", "/account/v1.0/projects", token, document=wanted).status in (200, 201)


def _granted(connection: Connection) -> None:
    with Journal(connection, OPERATOR, now()) as journal:
        for place in (GrantPlace(ADA.uuid, None, TOKENS), GrantPlace(None, LAB, TOKENS)):
            add_grant(connection, journal, place, Terms(5, now()), now())


def _failing(connection: Connection) -> None:
    destinations.add(connection, Destination("hook", "https://hook.example.org/", (), 1, None, 0, 0))
    deliveries.plan(connection, "hook", [(1, "")], 0)
    claimed = deliveries.claim(connection, "hook", 0, 1)
    assert claimed is not None
    deliveries.settle(connection, claimed, deliveries.DeliveryState.DEAD, 0, now(), EVIL)


def assert_private(address: str, headers: Mapping[str, str]) -> None:
    assert "no-store" in headers["cache-control"], address
    assert headers["x-content-type-options"] == "nosniff", address
    if headers["content-type"].startswith("text/html"):
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy, address
        assert "script-src 'self';" in policy, address
        assert "frame-ancestors 'none'" in policy, address
        assert "form-action 'self'" in policy, address
        assert headers["x-frame-options"] == "DENY", address
        assert headers["referrer-policy"] == "same-origin", address


def assert_harmless(address: str, reply: Reply) -> None:
    page = LexborHTMLParser(reply.content.decode())
    for script in page.css("script"):
        assert not script.text().strip(), address
        assert "/ui/static/" in (script.attributes.get("src") or ""), address
    assert not page.css("style, iframe, object, embed, base, meta[http-equiv]"), address
    for element in page.css("*"):
        for name, value in element.attributes.items():
            assert not name.startswith("on"), (address, name)
            assert name != "style", (address, value)
            if name in {"href", "src", "action", "formaction", "hx-get", "hx-post"}:
                scheme = urlsplit((value or "").strip()).scheme
                assert scheme in {"", "http", "https", "mailto"}, (address, value)
        if element.tag == "img":
            assert (element.attributes.get("src") or "").endswith("/ui/logo"), address


def test_no_text_runs_on_any_page_and_each_is_private(scene: Scene) -> None:
    live(scene)
    browsers = {person: browser_of(scene, person) for person in (ADA, GRACE, ROOT)}
    poison(scene, TEXTS, EVIL)
    rows(scene.database, "UPDATE components SET name = name || ?", EVIL)
    poison(scene, ADDRESSES, RUNS)
    menu = json.dumps({"verbose_name": EVIL, "url": RUNS})
    rows(scene.database, "UPDATE components SET menu = ?", menu)
    reached = set()
    for person, browser in browsers.items():
        found = walk(scene, browser, person)
        reached |= found.templates
        shown = 0
        for address, reply in found.replies.items():
            assert_private(address, reply.headers)
            if reply.headers["content-type"].startswith("text/html"):
                assert_harmless(address, reply)
                shown += "{{ 7 * 7 }}" in reply.content.decode()
        assert shown >= 2
    assert set(templates()) <= reached, "no link leads there: let the scene have what these pages show"


def test_files_hold_no_formulas(scene: Scene) -> None:
    live(scene)
    poison(scene, TEXTS, FORMULA)
    found = walk(scene, browser_of(scene, ROOT), ROOT)
    found.replies.update(walk(scene, browser_of(scene, ADA), ADA).replies)
    files = [one for one in found.replies.values() if one.headers["content-type"].startswith("text/csv")]
    assert files
    assert not any(re.search(r'(?m)(^|,)"?=', one.content.decode()) for one in files)


def test_what_an_administrator_looks_at_does_not_exist_for_a_user(scene: Scene) -> None:
    live(scene)
    ada = browser_of(scene, ADA)
    addresses = [one for one in guesses(scene) if one.startswith("/ui/admin/")]
    assert addresses
    for address in addresses:
        assert ada.send("GET", f"{scene.base_url}{address}").status == 404, address


def test_the_holding_of_somebody_else_does_not_exist(scene: Scene) -> None:
    ada = browser_of(scene, ADA)
    for query in (f"project={GRACE.uuid}", f"project={GRACE.uuid}&csv=charges", "project=%27%20OR%201=1"):
        address = f"{scene.base_url}/ui/resources/compute.vm?{query}"
        assert ada.send("GET", address).status == 404, address


@pytest.mark.parametrize(
    "following",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "http://127.0.0.1@evil.example/",
        "%0d%0aSet-Cookie:%20a=b",
    ],
)
def test_logging_in_leads_nowhere_else(scene: Scene, following: str) -> None:
    browser = Browser(scene.caller, base_url=scene.base_url)
    form = page_of(browser.send("GET", f"{scene.base_url}/ui/login?next={quote(following)}")).fields
    sent = {**form, "next": following, "username": ADA.email, "password": PASSWORD}
    reply = browser.send("POST", f"{scene.base_url}/ui/login", sent)
    assert "a" not in browser.cookies
    location = reply.headers.get("location", scene.base_url)
    assert location.startswith(f"{scene.base_url}/"), location


def test_what_an_action_says_adds_no_header(scene: Scene) -> None:
    browser = browser_of(scene, ROOT)
    proof = page_of(browser.send("GET", f"{scene.base_url}/ui/overview")).fields["csrf_token"]
    sent = {"csrf_token": proof, "value": f"Cloud\r\nSet-Cookie: injected=1\r\n\r\n{EVIL}"}
    reply = browser.send("POST", f"{scene.base_url}/ui/admin/settings/service_name", sent)
    assert reply.status < 500
    assert "injected" not in browser.cookies
    assert "<script>alert" not in browser.send("GET", f"{scene.base_url}/ui/overview").content.decode()
