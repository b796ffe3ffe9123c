"""Where responses differ from the original's on purpose: rows of `docs/compatibility.md`."""

import json
import socket
from urllib.parse import urlsplit

import pytest

from service.caller import ACCOUNT, COMMISSIONS, TOKENS, Caller
from service.world import ALICE, BOB, COMPUTE_TOKEN, VM, member_key

FORM = "application/x-www-form-urlencoded"
NOBODY = {"holder": "user:nobody", "source": None, "resource": VM, "quantity": 1}
TOO_MUCH = {**member_key(ALICE)._asdict(), "quantity": 2**64}
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", r'"\ud800"'])
def test_what_is_not_json_is_refused_even_where_it_is_ignored(standing_service: Caller, text: str) -> None:
    body = f'{{"auth": {{"token": {{"id": "{ALICE.token}"}}}}, "ignored": {text}}}'.encode()
    reply = standing_service("POST", TOKENS, body=body, headers=JSON)
    assert (reply.status, reply.fault) == (400, "badRequest")
    assert "truncated" not in reply.message


def test_a_chunked_body_without_length_is_read(standing_service: Caller) -> None:
    body = json.dumps({"uuids": [ALICE.uuid]}).encode()
    path = f"{ACCOUNT}/user_catalogs"
    reply = standing_service("POST", path, ALICE.token, body=iter([body]), headers=JSON)
    assert reply.document["uuid_catalog"] == {ALICE.uuid: ALICE.email}
    reply = standing_service("POST", TOKENS, body=iter([b"{}"]), headers=JSON)
    assert list(reply.document["access"]) == ["serviceCatalog"]


@pytest.mark.parametrize("project", [1, 1.5, True, ["x"], {"a": 1}])
def test_a_default_project_of_another_type_is_refused(standing_service: Caller, project: object) -> None:
    path = f"{ACCOUNT}/myaccount/default_project"
    reply = standing_service("POST", path, BOB.token, document={"project_id": project})
    assert (reply.status, reply.fault) == (400, "badRequest")


def test_the_name_is_checked_before_the_holdings(standing_service: Caller) -> None:
    for name, status in (("a\0b", 400), ("ok", 404)):
        document = {"name": name, "provisions": [NOBODY]}
        assert standing_service("POST", COMMISSIONS, COMPUTE_TOKEN, document=document).status == status


def test_a_semicolon_does_not_separate(standing_service: Caller) -> None:
    path = f"{ACCOUNT}/authenticate?x=1;X-Auth-Token={ALICE.token}"
    assert standing_service.get(path).status == 401


@pytest.mark.parametrize("content_type", ["multipart/form-data2", "application/x-www-form-urlencoded2"])
def test_the_types_of_forms_have_exact_names(standing_service: Caller, content_type: str) -> None:
    headers = {"Content-Type": content_type}
    reply = standing_service(
        "POST", f"{ACCOUNT}/feedback", BOB.token, body=b"feedback_msg=x", headers=headers
    )
    assert reply.status == 400


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/account/%ff", 400),
        ("/account/v1.0/quotas%zz", 400),
        ("/account/v1.0/%", 400),
        ("/identity/v2.0/tokens%00", 400),
        ("/%ff", 404),
    ],
)
def test_odd_escapes_in_paths_make_unknown_paths(standing_service: Caller, path: str, status: int) -> None:
    parts = urlsplit(standing_service.base_url)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as connection:
        request = f"GET {parts.path}{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        connection.sendall(request.encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.parametrize("path", ["/ui/get_menu", "/ui/get_services"])
def test_menus_need_no_proof(standing_service: Caller, path: str) -> None:
    reply = standing_service("POST", path, body=b"", headers={"Content-Type": FORM})
    assert reply.status == 200
    assert reply.content == standing_service.get(path).content


def test_blanks_between_accepted_types_do_not_hide_the_second(standing_service: Caller) -> None:
    reply = standing_service.get("/account/nothing", Accept="text/html, application/xml")
    assert reply.headers["content-type"] == "application/xml; charset=UTF-8"


@pytest.mark.parametrize(
    ("method", "path", "token", "document", "status"),
    [
        ("GET", f"{ACCOUNT}/quotas", "\xff", None, 401),
        ("GET", f"{ACCOUNT}/quotas?X-Auth-Token=%00", None, None, 401),
        ("POST", COMMISSIONS, COMPUTE_TOKEN, {"provisions": [{**NOBODY, "holder": "a\0b"}]}, 404),
        (
            "POST",
            COMMISSIONS,
            COMPUTE_TOKEN,
            {"provisions": [{**member_key(ALICE)._asdict(), "quantity": 2**64}]},
            413,
        ),
        ("POST", COMMISSIONS, COMPUTE_TOKEN, {"provisions": [{**NOBODY, "quantity": "1"}]}, 400),
    ],
)
def test_what_made_the_original_fail_is_refused_by_its_kind(
    standing_service: Caller, method: str, path: str, token: str | None, document: object, status: int
) -> None:
    body = None if document is None else json.dumps(document).encode()
    assert standing_service(method, path, token, body=body, headers=JSON).status == status


def test_authenticating_by_another_method_names_the_right_one(standing_service: Caller) -> None:
    reply = standing_service("POST", f"{ACCOUNT}/authenticate", ALICE.token)
    assert (reply.status, reply.headers["allow"]) == (405, "GET")


def test_the_dotted_capital_i_keeps_its_dot(standing_service: Caller) -> None:
    document = {"displaynames": ["İ@example.org"]}
    reply = standing_service("POST", f"{ACCOUNT}/user_catalogs", ALICE.token, document=document)
    assert (reply.status, reply.document["displayname_catalog"]) == (200, {})


@pytest.mark.parametrize("length", ["", "-1", "x", "1 1", "+1", "0x1"])
def test_a_length_that_is_not_a_number_ends_the_connection(standing_service: Caller, length: str) -> None:
    parts = urlsplit(standing_service.base_url)
    with socket.create_connection((parts.hostname or "", parts.port or 0)) as connection:
        head = f"POST {parts.path}{TOKENS} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
        connection.sendall(head.encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"badRequest"' in answer
