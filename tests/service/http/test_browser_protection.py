"""What browsers are told to make of responses: every response, whatever its route and status."""

import socket
from urllib.parse import urlsplit

import pytest

from astakos.http.routes import TABLE
from astakos.http.routing import VARIABLE
from service.caller import ACCOUNT, TOKENS, Caller, Reply
from service.world import ALICE

PATHS = sorted({VARIABLE.sub("1", name) for name in TABLE.routes})
QUERIES = ["", "?format=xml", "?callback=f", "?next=javascript:x", "?client_id=x&response_type=code"]


def assert_protected(reply: Reply) -> None:
    assert reply.all("x-content-type-options") == ["nosniff"]
    if not reply.headers["content-type"].startswith("text/html"):
        return
    (policy,) = reply.all("content-security-policy")
    rules = dict(rule.strip().partition(" ")[::2] for rule in policy.split(";"))
    assert (rules["default-src"], rules["frame-ancestors"], rules["base-uri"]) == ("'none'",) * 3
    assert "unsafe" not in policy
    assert reply.all("referrer-policy") == ["same-origin"]
    assert reply.all("x-frame-options") == ["DENY"]


@pytest.mark.parametrize("path", PATHS)
def test_on_every_path(standing_service: Caller, path: str) -> None:
    for query in QUERIES:
        for method in ("GET", "HEAD", "POST", "BREW"):
            for accepted in ("text/html", "application/json"):
                assert_protected(standing_service(method, path + query, headers={"Accept": accepted}))


@pytest.mark.parametrize("path", ["/nothing", "/account/nothing", "/identity/v3/nothing", "/ui/nothing"])
def test_on_paths_that_do_not_exist(standing_service: Caller, path: str) -> None:
    assert_protected(standing_service.get(path))


def test_outside_of_the_path_of_the_base_url(standing_service: Caller) -> None:
    reply = Caller(standing_service.base_url.removesuffix("/astakos")).get("/elsewhere")
    assert (reply.status, reply.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert_protected(reply)


def test_on_answers_with_content_of_others(standing_service: Caller) -> None:
    assert_protected(standing_service.get(f"{ACCOUNT}/quotas", ALICE.token))
    document = {"auth": {"token": {"id": ALICE.token}}}
    assert_protected(standing_service("POST", f"{TOKENS}?format=xml", document=document))


def test_on_what_is_no_request(standing_service: Caller) -> None:
    parts = urlsplit(standing_service.base_url)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as connection:
        connection.sendall(b"nonsense\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b"\r\nx-content-type-options: nosniff\r\n" in answer
