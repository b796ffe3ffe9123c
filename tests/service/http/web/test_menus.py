import json

import pytest

from service.browser import Browser, page_of
from service.caller import Caller
from service.world import ALICE, BASE_URL, PASSWORD

pytestmark = pytest.mark.every_engine

GET_SERVICES = "/ui/get_services"
GET_MENU = "/ui/get_menu"
SIGN_IN = [{"url": f"{BASE_URL}/ui/", "name": "Sign in"}]
MENU = [
    {
        "name": "storage",
        "url": "https://storage.example.org/ui",
        "order": 1,
        "verbose_name": "Files",
        "cloudbar": {"show": True, "title": "Storage"},
        "dashboard": {"show": True, "order": 1000, "description": ""},
    },
    {
        "name": "compute",
        "url": "https://compute.example.org/ui",
        "order": 2,
        "verbose_name": "Compute",
        "cloudbar": {"show": True, "title": "Compute"},
        "dashboard": {"show": True, "order": 5, "description": ""},
    },
    {
        "name": "retired",
        "url": None,
        "order": 1000,
        "verbose_name": "Retired",
        "cloudbar": {"show": True, "title": "Retired"},
        "dashboard": {"show": True, "order": 1000, "description": ""},
    },
    {
        "name": "astakos",
        "url": f"{BASE_URL}/ui",
        "order": 1000,
        "verbose_name": "Astakos",
        "cloudbar": {"show": False, "title": "Astakos"},
        "dashboard": {"show": True, "order": 1000, "description": ""},
    },
]


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
@pytest.mark.parametrize("token", [None, "nonsense"])
def test_the_menu_is_for_everybody_by_any_method(
    standing_service: Caller, method: str, token: str | None
) -> None:
    for path in (GET_SERVICES, GET_SERVICES + "/", GET_SERVICES + "?format=xml", GET_SERVICES + "?callback="):
        reply = standing_service(method, path, token)
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
        assert reply.document == MENU


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE"])
def test_who_has_not_logged_in_is_shown_where_to(standing_service: Caller, method: str) -> None:
    for path in (GET_MENU, GET_MENU + "/", GET_MENU + "?format=xml"):
        reply = standing_service(method, path, ALICE.token)
        assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
        assert reply.document == SIGN_IN
    forwarded = standing_service.get(GET_MENU, X_Forwarded_Host="evil.example")
    assert forwarded.document == SIGN_IN


def test_who_has_logged_in_is_shown_their_own_pages(service: Caller) -> None:
    browser = Browser(service)
    browser.log_in(ALICE.email, PASSWORD)
    menu = browser.send("GET", BASE_URL + GET_MENU).document
    assert menu == [
        {"url": f"{BASE_URL}/ui/", "name": ALICE.email},
        {"url": f"{BASE_URL}/ui/landing", "name": "Dashboard"},
        {"url": f"{BASE_URL}/ui/logout", "name": "Sign out"},
    ]
    titles = [page_of(browser.visit(entry["url"])).title for entry in menu]
    assert titles == ["Overview", "Overview", "Sign out"]
    on_page = browser.send("GET", BASE_URL + GET_MENU, Referer=f"{BASE_URL}/ui/landing?a=b").document
    assert [entry.get("is_active") for entry in on_page] == [None, True, None]


def test_if_cookie_and_session_disagree_the_menu_mends_that_first(service: Caller) -> None:
    browser = Browser(service)
    browser.log_in(ALICE.email, PASSWORD)
    browser.cookies["_pithos2_a"] = "another"
    address = f"{BASE_URL}{GET_MENU}?callback=f"
    reply = browser.send("GET", address)
    assert (reply.status, reply.headers["location"]) == (302, address)
    assert browser.cookies["_pithos2_a"].startswith(ALICE.uuid)
    assert browser.send("GET", address).content.startswith(b"f([")
    assert browser.send("POST", address).status == 200


def test_pages_are_at_hand_from_above(standing_service: Caller) -> None:
    reply = standing_service.get("/ui")
    assert (reply.status, reply.headers["location"]) == (301, "/astakos/ui/")
    assert standing_service.get("/ui/").headers["location"] == "/astakos/ui/login"
    reply = standing_service.get("/ui/landing")
    assert reply.headers["location"].startswith("/astakos/ui/login?next=")


@pytest.mark.parametrize("path", [GET_SERVICES, GET_MENU])
@pytest.mark.parametrize("callback", ["f", "$", "_1", "jQuery123.menu", "a.b.c"])
def test_with_a_callback_it_is_a_script(standing_service: Caller, path: str, callback: str) -> None:
    reply = standing_service.get(f"{path}?callback={callback}")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/javascript")
    text = reply.content.decode("ascii")
    assert text.startswith(callback + "(")
    assert text.endswith(")")
    assert json.loads(text[len(callback) + 1 : -1]) == (MENU if path == GET_SERVICES else SIGN_IN)


@pytest.mark.parametrize("path", [GET_SERVICES, GET_MENU])
@pytest.mark.parametrize(
    "callback", ["1", "alert(1)//", "a-b", "a..b", ".a", "<script>", "f%0a", "%C3%BC", "a+b"]
)
def test_a_callback_that_is_no_name_of_a_function_is_refused(
    standing_service: Caller, path: str, callback: str
) -> None:
    reply = standing_service.get(f"{path}?callback={callback}")
    assert (reply.status, reply.fault) == (400, "badRequest")


def test_head_has_the_headers_alone(standing_service: Caller) -> None:
    reply = standing_service("HEAD", GET_SERVICES)
    assert (reply.status, reply.content) == (200, b"")
