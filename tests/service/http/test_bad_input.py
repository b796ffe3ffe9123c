"""No input whatever brings the service down, and none that is refused changes anything."""

import json
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from service.caller import ACCOUNT, COMMISSIONS, TOKENS, Caller
from service.world import ALICE, BOB, COMPUTE_TOKEN, LAB, VM, member_key, project_key

pytestmark = pytest.mark.ledger

U, P = member_key(ALICE), project_key()
ENTRY = json.dumps({**U._asdict(), "quantity": 1})
DEEP = 100_000

NO_JSON: dict[str, bytes] = {
    "nothing": b"",
    "blanks": b"   ",
    "half an object": b'{"provisions": [',
    "two values": b"{}{}",
    "a trailing comma": b'{"provisions": [],}',
    "single quotes": b"{'provisions': []}",
    "a comment": b"{} // nothing",
    "NaN": b'{"provisions": [{"holder": "a", "source": null, "resource": "r", "quantity": NaN}]}',
    "Infinity": b'{"provisions": [], "x": Infinity}',
    "-Infinity": b'{"provisions": [], "x": -Infinity}',
    "a number with leading zeros": b'{"provisions": [], "x": 007}',
    "a hexadecimal number": b'{"provisions": [], "x": 0x10}',
    "invalid UTF-8": b'{"provisions": [], "name": "\xff\xfe"}',
    "a surrogate in UTF-8": b'{"provisions": [], "name": "\xed\xa0\x80"}',
    "overlong UTF-8": b'{"provisions": [], "name": "\xc0\xaf"}',
    "UTF-16": '{"provisions": []}'.encode("utf-16"),
    "a lone surrogate": b'{"provisions": [], "name": "\\ud800"}',
    "a lone surrogate that is ignored": b'{"provisions": [], "x": "\\ud800"}',
    "a low surrogate": b'{"provisions": [], "name": "\\udc00 x"}',
    "a raw NUL": b'{"provisions": [], "name": "\0"}',
    "a raw line break": b'{"provisions": [], "name": "\n"}',
    "an unknown escape": b'{"provisions": [], "name": "\\x41"}',
    "deep lists": b"[" * DEEP,
    "deep objects": b'{"a": ' * DEEP,
    "deep provisions": b'{"provisions": ' + b"[" * DEEP,
    "deep holders": b'{"provisions": [{"holder": ' + b"[" * DEEP,
    "a byte": b"\x00",
    "a form": b"provisions=1",
    "XML": b"<provisions/>",
}
BODY_OF_JSON = (
    (COMMISSIONS, COMPUTE_TOKEN),
    (f"{COMMISSIONS}/action", COMPUTE_TOKEN),
    (f"{COMMISSIONS}/1/action", COMPUTE_TOKEN),
    (f"{ACCOUNT}/user_catalogs", ALICE.token),
    (f"{ACCOUNT}/service/user_catalogs", COMPUTE_TOKEN),
    (TOKENS, None),
)


@pytest.mark.parametrize("case", NO_JSON)
def test_what_is_no_json_is_a_bad_request_that_says_so(standing_service: Caller, case: str) -> None:
    before = standing_service.holdings(COMPUTE_TOKEN)
    for path, token in BODY_OF_JSON:
        if path == TOKENS and not NO_JSON[case]:
            continue
        reply = standing_service(
            "POST", path, token, body=NO_JSON[case], headers={"Content-Type": "application/json"}
        )
        assert (reply.status, reply.fault) == (400, "badRequest")
        assert reply.message
        assert len(reply.content) < 1000
    assert standing_service.holdings(COMPUTE_TOKEN) == before
    assert standing_service.pending(COMPUTE_TOKEN) == []


@pytest.mark.parametrize("levels", [1_000, 10_000, DEEP])
@pytest.mark.parametrize(
    ("path", "token", "body", "status"),
    [
        (f"{ACCOUNT}/user_catalogs", ALICE.token, '{"x": DEEP}', 200),
        (f"{ACCOUNT}/user_catalogs", ALICE.token, '{"uuids": DEEP}', 200),
        (f"{COMMISSIONS}/1/action", COMPUTE_TOKEN, '{"reject": DEEP}', 404),
        (f"{COMMISSIONS}/1/action", COMPUTE_TOKEN, '{"accept": DEEP}', 404),
        (TOKENS, None, '{"auth": {"token": {"id": DEEP}}}', 401),
        (TOKENS, None, '{"auth": {"passwordCredentials": {"username": DEEP, "password": "x"}}}', 401),
        (TOKENS, None, f'{{"auth": {{"token": {{"id": "{ALICE.token}"}}, "tenantName": DEEP}}}}', 400),
    ],
)
def test_what_is_too_deep_for_python_is_refused_and_else_read_like_any_other_value(
    standing_service: Caller, path: str, token: str | None, body: str, status: int, levels: int
) -> None:
    """Python 3.11 reads fewer than 1,000 levels; each later version reads more."""
    content = body.replace("DEEP", "[" * levels + "]" * levels).encode()
    headers = {"Content-Type": "application/json"}
    reply = standing_service("POST", path, token, body=content, headers=headers)
    assert reply.status in (status, 400)
    if reply.status == 400:
        assert reply.fault == "badRequest"
        assert "nests too deeply" in reply.message or status == 400
    assert len(reply.content) < 1000


def test_of_equal_keys_the_last_counts(service: Caller) -> None:
    body = f'{{"provisions": 1, "name": "a", "provisions": [{ENTRY}], "name": "b"}}'.encode()
    headers = {"Content-Type": "application/json"}
    reply = service("POST", COMMISSIONS, COMPUTE_TOKEN, body=body, headers=headers)
    assert reply.status in (201, 400)
    body = f'{{"name": "a", "provisions": [], "provisions": [{ENTRY}], "name": "b"}}'.encode()
    reply = service("POST", COMMISSIONS, COMPUTE_TOKEN, body=body, headers=headers)
    assert reply.status == 201
    info = service.get(f"{COMMISSIONS}/{reply.document['serial']}", COMPUTE_TOKEN).document
    assert (info["name"], len(info["provisions"])) == ("b", 1)


def test_a_byte_order_mark_is_no_part_of_json(standing_service: Caller) -> None:
    reply = standing_service(
        "POST",
        COMMISSIONS,
        COMPUTE_TOKEN,
        body=b'\xef\xbb\xbf{"provisions": 1}',
        headers={"Content-Type": "application/json"},
    )
    assert reply.status == 400


def test_a_number_of_very_many_digits_is_no_crash(standing_service: Caller) -> None:
    for digits in (
        b"9" * 4300,
        b"9" * 100_000,
        b"-" + b"9" * 100_000,
        b"1e" + b"9" * 100,
        b"0." + b"0" * 9999,
    ):
        body = b'{"provisions": [' + ENTRY.encode().replace(b": 1}", b": " + digits + b"}") + b"]}"
        reply = standing_service(
            "POST", COMMISSIONS, COMPUTE_TOKEN, body=body, headers={"Content-Type": "application/json"}
        )
        assert reply.status in (400, 413)
        assert reply.document


def test_thousands_of_provisions_are_one_commission(service: Caller) -> None:
    charges = [(U, 1), (P, 1), (U, -1), (P, -1)] * 1500
    serial = service.issued(COMPUTE_TOKEN, *charges)
    assert len(service.get(f"{COMMISSIONS}/{serial}", COMPUTE_TOKEN).document["provisions"]) == 2


def test_paths_that_are_no_paths_are_refused(standing_service: Caller) -> None:
    for path in (
        "/account/../identity/v2.0/tokens",
        "/account/%00",
        "/account/%ff%fe",
        "/account/" + "x" * 20_000,
    ):
        assert standing_service.get(path).status == 400
    for path in ("/%00", "/..%2f..%2fetc/passwd", "/" + "x" * 20_000, "/%ff"):
        assert standing_service.get(path).status == 404


def test_what_is_no_http_is_refused(standing_service: Caller) -> None:
    for request in (
        b"nonsense\r\n\r\n",
        b"POST /astakos/identity/v2.0/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /astakos/identity/v2.0/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n",
    ):
        assert standing_service.raw(request).startswith(b"HTTP/1.1 400 ")
    assert standing_service.get(f"{ACCOUNT}/resources").status == 200


NAMES: st.SearchStrategy[Any] = (
    st.sampled_from(
        [U.holder, U.source, P.holder, U.resource, "system", ALICE.uuid, BOB.uuid, LAB, VM, "", "\0", None]
    )
    | st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10)
)
INTEGERS = st.integers(-20, 20) | st.sampled_from(
    [2**31, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63), -(2**63) - 1, 10**30, -(10**30)]
)
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=6,
)
PROVISIONS = st.fixed_dictionaries(
    {"holder": NAMES, "source": NAMES, "resource": NAMES, "quantity": INTEGERS}, optional={"more": ANYTHING}
)
SOUND = st.fixed_dictionaries(
    {"provisions": st.lists(PROVISIONS, max_size=4)},
    optional={
        "name": st.text(st.characters(exclude_categories=[]), max_size=10),
        "force": st.booleans(),
        "auto_accept": st.booleans(),
    },
)
KNOWN_KEYS = st.sampled_from(["provisions", "name", "force", "auto_accept", "x"])
CROOKED = st.dictionaries(
    KNOWN_KEYS, ANYTHING | st.lists(ANYTHING | PROVISIONS, max_size=3) | PROVISIONS, max_size=5
)


@settings(max_examples=400)
@given(document=SOUND | CROOKED | ANYTHING)
def test_any_json_is_answered_and_what_is_refused_changes_nothing(service: Caller, document: Any) -> None:
    pending = service.pending(COMPUTE_TOKEN)
    reply = service.post(COMMISSIONS, COMPUTE_TOKEN, document)
    assert reply.status in (201, 400, 404, 413)
    found = reply.document
    if reply.status == 201:
        serial = found["serial"]
        if document.get("auto_accept"):
            assert service.pending(COMPUTE_TOKEN) == pending
        else:
            assert service.pending(COMPUTE_TOKEN) == [*pending, serial]
            assert service.act(COMPUTE_TOKEN, serial, "reject") == 200
    else:
        assert found[reply.fault]["code"] == reply.status
        assert service.pending(COMPUTE_TOKEN) == pending
        assert service.issue(COMPUTE_TOKEN, (U, -(2**62))).status == 413


@settings(max_examples=150)
@given(document=SOUND | CROOKED | ANYTHING)
def test_a_refused_commission_leaves_all_figures(standing_service: Caller, document: Any) -> None:
    # The unknown resource makes sure that it is refused.
    if isinstance(document, dict) and isinstance(document.get("provisions"), list):
        unknown = {"holder": U.holder, "source": U.source, "resource": "unknown", "quantity": 1}
        document["provisions"].append(unknown)
    before = standing_service.holdings(COMPUTE_TOKEN)
    reply = standing_service.post(COMMISSIONS, COMPUTE_TOKEN, document)
    assert reply.status in (400, 404, 413)
    assert standing_service.holdings(COMPUTE_TOKEN) == before


@settings(max_examples=100)
@given(document=ANYTHING | st.dictionaries(st.sampled_from(["accept", "reject", "auth", "uuids"]), ANYTHING))
def test_the_other_calls_answer_any_json_too(standing_service: Caller, document: Any) -> None:
    for path, token in BODY_OF_JSON[1:]:
        assert standing_service.post(path, token, document).status in (200, 400, 401, 404)
