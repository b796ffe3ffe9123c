import pytest

from service.caller import ACCOUNT, COMMISSIONS, TOKENS, Caller
from service.world import ALICE, COMPUTE_TOKEN

RESOURCES = f"{ACCOUNT}/resources"
AUTHENTICATE = f"{ACCOUNT}/authenticate"
JSON = "application/json; charset=UTF-8"
XML = "application/xml; charset=UTF-8"


@pytest.mark.parametrize(
    ("query", "header", "status"),
    [
        ("", ALICE.token, 200),
        (f"?X-Auth-Token={ALICE.token}", None, 200),
        (f"?X-Auth-Token={ALICE.token}", "nonsense", 200),
        ("?X-Auth-Token=nonsense", ALICE.token, 401),
        ("?X-Auth-Token=", ALICE.token, 200),
        ("?x-auth-token=nonsense", ALICE.token, 200),
        ("?X-Auth-Token=nonsense&X-Auth-Token=" + ALICE.token, None, 200),
        ("", None, 401),
    ],
)
def test_a_token_in_the_query_beats_the_header(
    standing_service: Caller, query: str, header: str | None, status: int
) -> None:
    assert standing_service.get(AUTHENTICATE + query, header).status == status


def test_neither_cookies_nor_other_headers_are_tokens(standing_service: Caller) -> None:
    reply = standing_service(
        "GET",
        AUTHENTICATE,
        headers={
            "Cookie": f"_pithos2_a={ALICE.uuid}|{ALICE.token}",
            "Authorization": f"Basic {ALICE.token}",
        },
    )
    assert reply.status == 401


@pytest.mark.parametrize(
    ("suffix", "accept", "expected"),
    [
        ("", None, JSON),
        ("?format=json", None, JSON),
        ("?format=xml", None, XML),
        ("?format=json", "application/xml", JSON),
        ("?format=yaml", "application/xml", XML),
        ("?format=", "application/xml", XML),
        ("", "application/xml", XML),
        ("", "application/xml;q=0.1, application/json", XML),
        ("", "text/html, application/json, application/xml", JSON),
        ("", "application/json; charset=utf-8, application/xml", JSON),
        ("", "text/html, */*", JSON),
        ("", "", JSON),
        (".xml", "application/json", XML),
        (".json", "application/xml", JSON),
        (".xml?format=json", None, JSON),
    ],
)
def test_the_serialization_is_chosen_by_query_then_suffix_then_accept(
    standing_service: Caller, suffix: str, accept: str | None, expected: str
) -> None:
    headers = {} if accept is None else {"Accept": accept}
    reply = standing_service("GET", RESOURCES + suffix, headers=headers)
    assert reply.status == (400 if suffix.startswith(".") else 200)
    assert reply.headers["content-type"] == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("application/xml", "application/json"), XML),
        (("application/json", "application/xml"), JSON),
        (("text/html", "application/xml"), XML),
        (("application/xml", "text/html"), XML),
    ],
)
def test_several_headers_of_what_is_accepted_are_one_list(
    standing_service: Caller, values: tuple[str, ...], expected: str
) -> None:
    accept = "".join(f"Accept: {value}\r\n" for value in values)
    head = f"GET /astakos{RESOURCES} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{accept}\r\n"
    answer = standing_service.raw(head.encode())
    assert f"content-type: {expected}\r\n".encode() in answer


def test_what_has_no_xml_form_is_json_that_is_called_xml(standing_service: Caller) -> None:
    reply = standing_service.get(f"{RESOURCES}?format=xml")
    assert reply.headers["content-type"] == XML
    assert reply.document == standing_service.get(RESOURCES).document


def test_the_serialization_is_chosen_before_anything_is_refused(standing_service: Caller) -> None:
    for reply, fault in (
        (standing_service("PUT", f"{RESOURCES}?format=xml"), "notAllowed"),
        (standing_service.get(f"{AUTHENTICATE}?format=xml"), "unauthorized"),
        (standing_service.get("/account/v1.0/nothing?format=xml"), "badRequest"),
    ):
        assert reply.xml.tag.endswith("}" + fault)


def test_the_token_is_judged_before_the_body(standing_service: Caller) -> None:
    for path in (COMMISSIONS, f"{COMMISSIONS}/action", f"{COMMISSIONS}/7/action"):
        assert standing_service("POST", path, "nonsense", body=b"{").status == 401
        assert standing_service("POST", path, COMPUTE_TOKEN, body=b"{").status == 400


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 201),
        ("application/json; charset=utf-8", 201),
        ("Application/JSON", 400),
        ("text/json", 400),
        ("", 400),
        (None, 400),
    ],
)
def test_bodies_of_commissions_must_be_called_json(
    service: Caller, content_type: str | None, status: int
) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    reply = service("POST", COMMISSIONS, COMPUTE_TOKEN, body=b'{"provisions": []}', headers=headers)
    assert reply.status == status
    if status == 400:
        assert "Content-Type" in reply.message


@pytest.mark.parametrize(
    ("method", "path", "token"),
    [
        ("GET", RESOURCES, None),
        ("GET", AUTHENTICATE, ALICE.token),
        ("GET", AUTHENTICATE, None),
        ("GET", COMMISSIONS, COMPUTE_TOKEN),
        ("GET", f"{COMMISSIONS}/7", COMPUTE_TOKEN),
        ("POST", TOKENS, None),
        ("PUT", RESOURCES, None),
        ("GET", "/account/v1.0/nothing", None),
        ("GET", "/nothing", None),
    ],
)
def test_every_answer_forbids_caching_and_says_how_long_it_is(
    standing_service: Caller, method: str, path: str, token: str | None
) -> None:
    reply = standing_service(method, path, token)
    assert reply.headers["content-length"] == str(len(reply.content))
    assert reply.headers["cache-control"] == "no-cache, no-store, must-revalidate, max-age=0"
    assert reply.headers["vary"] == "X-Auth-Token, Authorization"
    assert reply.headers["expires"] == reply.headers["last-modified"]
    assert reply.headers["expires"].endswith(" GMT")
    assert "etag" not in reply.headers


def test_a_body_of_a_mebibyte_is_read_and_one_more_byte_is_too_much(standing_service: Caller) -> None:
    largest = b'{"provisions": 1, "x": "' + b"x" * (1024 * 1024 - 26) + b'"}'
    assert len(largest) == 1024 * 1024
    headers = {"Content-Type": "application/json"}
    reply = standing_service("POST", COMMISSIONS, COMPUTE_TOKEN, body=largest, headers=headers)
    assert reply.status == 400
    reply = standing_service("POST", COMMISSIONS, COMPUTE_TOKEN, body=largest + b" ", headers=headers)
    assert (reply.status, reply.fault) == (413, "overLimit")
    assert set(reply.document["overLimit"]) == {"code", "message", "details"}


def test_a_body_that_is_announced_too_large_is_refused_before_it_is_sent(standing_service: Caller) -> None:
    answer = standing_service.raw(
        f"POST /astakos{COMMISSIONS} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {COMPUTE_TOKEN}\r\n"
        "Content-Type: application/json\r\nContent-Length: 999999999\r\nConnection: close\r\n\r\n".encode()
    )
    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b'"overLimit"' in answer


def test_a_body_of_unknown_length_is_refused_when_it_has_become_too_large(standing_service: Caller) -> None:
    headers = {"Content-Type": "application/json"}
    pieces = (b" " * 65536 for _ in range(17))
    reply = standing_service("POST", COMMISSIONS, COMPUTE_TOKEN, body=pieces, headers=headers)
    assert (reply.status, reply.fault) == (413, "overLimit")


def test_a_caller_who_leaves_in_the_middle_of_a_body_harms_nobody(standing_service: Caller) -> None:
    before = standing_service.holdings(COMPUTE_TOKEN)
    head = (
        f"POST /astakos{COMMISSIONS} HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {COMPUTE_TOKEN}\r\n"
        "Content-Type: application/json\r\nContent-Length: 100\r\n\r\n"
    ).encode()
    standing_service.leave(head + b'{"provisions": [')
    assert standing_service.holdings(COMPUTE_TOKEN) == before
