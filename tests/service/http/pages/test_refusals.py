"""Refusals to browsers are pages; programs get what they always got."""

import pytest

from service.browser import HTML, page_of
from service.caller import ACCOUNT, Caller

PROGRAM = "application/json"


@pytest.mark.parametrize(
    ("method", "path", "status", "title"),
    [
        ("GET", "/ui/nothing", 404, "Not found"),
        ("GET", "/nothing", 404, "Not found"),
        ("PUT", "/ui/login", 405, "This page takes no such request"),
        ("POST", "/docs", 405, "This page takes no such request"),
        ("GET", "/weblogin/login", 400, "That did not work"),
        ("GET", "/oauth2/auth", 400, "That did not work"),
    ],
)
def test_browsers_get_pages_with_a_way_back(
    standing_service: Caller, method: str, path: str, status: int, title: str
) -> None:
    reply = standing_service(method, path, headers={"Accept": HTML, "X-Request-Id": "asked-for-help"})
    assert reply.status == status
    page = page_of(reply)
    assert page.title == title
    assert "asked-for-help" in page.text
    assert "/astakos/ui/" in page.links()
    assert "script-src 'self'" in reply.headers["content-security-policy"]


def test_the_way_back_is_where_one_came_from_if_that_is_here(standing_service: Caller) -> None:
    def links(referer: str) -> list[str]:
        headers = {"Accept": HTML, "Referer": referer}
        return page_of(standing_service("GET", "/ui/nothing", headers=headers)).links()

    assert "/astakos/ui/overview?q=a" in links("https://accounts.example.org/astakos/ui/overview?q=a#x")
    for elsewhere in (
        "https://evil.example/",
        "https://evil.example/astakos/../x",
        "javascript:alert(1)",
        "[",
        "//[",
    ):
        assert not [link for link in links(elsewhere) if "evil" in link or "javascript" in link]


@pytest.mark.parametrize("accepted", [PROGRAM, HTML, "*/*"])
def test_calls_of_the_api_are_for_programs(standing_service: Caller, accepted: str) -> None:
    for path, status in (
        (f"{ACCOUNT}/quotas", 401),
        ("/account/nothing", 400),
        ("/identity/v3/users/x", 401),
    ):
        reply = standing_service.get(path, Accept=accepted)
        assert reply.status == status
        assert reply.headers["content-type"].startswith("application/json")


def test_programs_get_no_pages(standing_service: Caller) -> None:
    assert standing_service("PUT", "/docs", headers={"Accept": PROGRAM}).fault == "notAllowed"
    assert standing_service.get("/oauth2/auth").document["error"] == "generic_error"
    assert standing_service.get("/weblogin/login").headers["content-type"] == "text/plain; charset=utf-8"
