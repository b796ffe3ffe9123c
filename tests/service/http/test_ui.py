import json

import pytest

from service.caller import Caller
from service.world import BASE_URL

pytestmark = pytest.mark.every_engine

GET_SERVICES = "/ui/get_services"
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


@pytest.mark.parametrize("callback", ["f", "$", "_1", "jQuery123.menu", "a.b.c"])
def test_with_a_callback_it_is_a_script(standing_service: Caller, callback: str) -> None:
    reply = standing_service.get(f"{GET_SERVICES}?callback={callback}")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/javascript")
    text = reply.content.decode("ascii")
    assert text.startswith(callback + "(")
    assert text.endswith(")")
    assert json.loads(text[len(callback) + 1 : -1]) == MENU


@pytest.mark.parametrize(
    "callback", ["1", "alert(1)//", "a-b", "a..b", ".a", "<script>", "f%0a", "%C3%BC", "a+b"]
)
def test_a_callback_that_is_no_name_of_a_function_is_refused(standing_service: Caller, callback: str) -> None:
    reply = standing_service.get(f"{GET_SERVICES}?callback={callback}")
    assert (reply.status, reply.fault) == (400, "badRequest")


def test_head_has_the_headers_alone(standing_service: Caller) -> None:
    reply = standing_service("HEAD", GET_SERVICES)
    assert (reply.status, reply.content) == (200, b"")
