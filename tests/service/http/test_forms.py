"""Forms, on the page that anybody can reach: strangers send them, so their cost is bounded."""

import asyncio
import sys
from types import FrameType
from typing import Any

import pytest

from astakos.http.dialects.newest import NEWEST
from astakos.http.faults import BadRequest
from astakos.http.forms import DECODED_AT_ONCE, FORM_LIMIT, MOST_FIELDS, read_form
from astakos.http.request import BODY_LIMIT, Request
from service.browser import KNOWN_BROWSER
from service.caller import ACCOUNT, Caller
from service.world import BOB

URL_ENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=b"
NAMED = b'Content-Disposition: form-data; name="a"'
BEGUN = b"--b\r\n" + NAMED + b"\r\n\r\n"
END = b"\r\n--b--\r\n"
VISITED = f"{KNOWN_BROWSER}={'s' * 43}"
"""The cookie of a browser that has been here."""


def filled(pattern: bytes, size: int = FORM_LIMIT) -> bytes:
    """A pattern again and again."""
    return pattern * (size // len(pattern))


HOSTILE: dict[str, bytes] = {
    "a header of semicolons": b"--b\r\nContent-Disposition: form-data"
    + filled(b";", 32_000)
    + b"\r\n\r\n"
    + END,
    "a header of quotes": b"--b\r\n" + NAMED + filled(b'; x="', 32_000) + b"\r\n\r\n" + END,
    "a header of backslashes": b"--b\r\n" + NAMED + b'; x="' + filled(b"\\", 32_000) + b"\r\n\r\n" + END,
    "a header of encoded words": b"--b\r\nA: " + filled(b"=?utf-8?q?a?= ", 60_000) + b"\r\n\r\n" + END,
    "a header of comments": b"--b\r\nContent-Type: " + b"(" * 600 + b"\r\n" + NAMED + b"\r\n\r\nx" + END,
    "many headers": b"--b\r\n" + filled(b"A: b\r\n", 60_000) + b"\r\n" + END,
    "a folded header": b"--b\r\n" + NAMED + b"\r\n folded: x\r\n\r\nx" + END,
    "nested messages": filled(b"--b\r\nContent-Type: message/rfc822\r\n\r\n", 60_000),
    "many parts": filled(BEGUN + b"\r\n", 60_000) + END,
    "many ends that are none": BEGUN + filled(b"\r\n--bx", 60_000),
    "many ends with blanks": BEGUN + b"x\r\n--b" + filled(b" ", 60_000),
    "many line ends": BEGUN + filled(b"\r\n", 60_000),
    "only line ends": filled(b"\r\n", 60_000),
    "no last boundary": BEGUN + b"x\r\n",
    "line feeds for line ends": (BEGUN + b"x" + END).replace(b"\r\n", b"\n"),
    "line feeds in a part's head": b"--b\r\n" + NAMED + b"\n\nx" + END,
    "a part without a name": b"--b\r\nContent-Disposition: form-data\r\n\r\nx" + END,
    "a part without a disposition": b"--b\r\nContent-Type: text/plain\r\n\r\nx" + END,
    "a part of another disposition": b'--b\r\nContent-Disposition: attachment; name="a"\r\n\r\nx' + END,
    "a file": b"--b\r\n" + NAMED + b'; filename="a.txt"\r\n\r\nx' + END,
    "a file without a name": b"--b\r\n" + NAMED + b'; filename=""\r\n\r\nx' + END,
    "a length that is wrong": b"--b\r\n" + NAMED + b"\r\nContent-Length: 2\r\n\r\nx" + END,
    "a length of many digits": b"--b\r\n" + NAMED + b"\r\nContent-Length: " + b"9" * 490 + b"\r\n\r\nx" + END,
    "text that is not UTF-8": BEGUN + b"\xff" + END,
    "a name that is not UTF-8": BEGUN.replace(b'"a"', b'"\xff"') + b"x" + END,
}
BOUNDARIES = [
    "",
    "; boundary=",
    '; boundary=""',
    "; boundary=" + "b" * 71,
    "; boundary=b;" + ";" * 300,
    '; boundary="b',
]


def request_with(body: bytes, content_type: str) -> Request:
    request = Request("POST", b"/", {b"content-type": content_type.encode("latin-1")}, NEWEST)
    request.body_has_come(body)
    return request


async def _turns_of_others(request: Request) -> int:
    turns = 0

    async def other() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    others = asyncio.create_task(other())
    await read_form(request)
    others.cancel()
    return turns


def calls_of(request: Request) -> int:
    """How many functions reading a form calls."""
    calls = 0

    def count(_frame: FrameType, event: str, _argument: Any) -> None:
        nonlocal calls
        calls += event in {"call", "c_call"}

    async def read() -> None:
        sys.setprofile(count)
        try:
            await read_form(request)
        except BadRequest:
            pass
        finally:
            sys.setprofile(None)

    asyncio.run(read())
    return calls


@pytest.mark.parametrize("case", HOSTILE)
def test_a_malformed_multipart_form_is_refused_on_a_page_that_anybody_reaches(
    standing_service: Caller, case: str
) -> None:
    headers = {"Content-Type": MULTIPART, "Cookie": VISITED}
    reply = standing_service("POST", "/ui/login", body=HOSTILE[case], headers=headers)
    assert reply.status == 400
    assert reply.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("case", HOSTILE)
def test_it_costs_a_few_calls_whatever_is_in_it(case: str) -> None:
    assert calls_of(request_with(HOSTILE[case], MULTIPART)) < 3000


@pytest.mark.parametrize("ending", BOUNDARIES)
def test_a_boundary_must_be_one(standing_service: Caller, ending: str) -> None:
    reply = standing_service(
        "POST",
        f"{ACCOUNT}/feedback",
        BOB.token,
        body=BEGUN.replace(b'"a"', b'"feedback_msg"') + b"x" + END,
        headers={"Content-Type": "multipart/form-data" + ending},
    )
    assert (reply.status, reply.fault) == (400, "badRequest")


@pytest.mark.parametrize(
    "body",
    [b"a&" * MOST_FIELDS, b"&" * MOST_FIELDS, b"a&" * (FORM_LIMIT // 2), b"a=1&b=" + b"&" * 1000],
)
def test_a_form_of_too_many_fields_is_refused(standing_service: Caller, body: bytes) -> None:
    headers = {"Content-Type": URL_ENCODED, "Cookie": VISITED}
    assert standing_service("POST", "/ui/login", body=body, headers=headers).status == 400
    assert calls_of(request_with(body, URL_ENCODED)) < 300


@pytest.mark.parametrize("path", ["/ui/login", "/oauth2/auth", "/oauth2/token"])
def test_a_larger_form_than_a_page_has_is_not_read(standing_service: Caller, path: str) -> None:
    headers = {"Content-Type": URL_ENCODED, "Cookie": VISITED, "X-Forwarded-Proto": "https"}
    body = b"a=" + b"x" * FORM_LIMIT
    assert standing_service("POST", path, body=body, headers=headers).status == 413


@pytest.mark.parametrize("headers", [{"Cookie": VISITED, "Sec-Fetch-Site": "cross-site"}, {}])
def test_a_form_that_its_head_shows_to_be_from_elsewhere_is_not_parsed(
    standing_service: Caller, headers: dict[str, str]
) -> None:
    headers = {**headers, "Content-Type": MULTIPART}
    assert standing_service("POST", "/ui/login", body=b"not a form", headers=headers).status == 403


@pytest.mark.parametrize("pattern", [b"%41", b"%zz", b"a%", b"%%", b"%C3%A4", "ä%41".encode()])
def test_others_have_their_turns_while_a_large_form_is_decoded(pattern: bytes) -> None:
    body = b"a=" + filled(pattern, BODY_LIMIT - 2)
    assert asyncio.run(_turns_of_others(request_with(body, URL_ENCODED))) >= BODY_LIMIT // DECODED_AT_ONCE - 1


@pytest.mark.parametrize("shift", range(-4, 4))
def test_an_escape_where_the_decoding_pauses_is_decoded(shift: int) -> None:
    before = "x" * (DECODED_AT_ONCE + shift)
    body = b"a=" + before.encode() + b"%C3%A4+%zz%"
    assert asyncio.run(read_form(request_with(body, URL_ENCODED))) == {"a": before + "ä %zz%"}


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (b"", {}),
        (b"&&", {}),
        (b"a", {"a": ""}),
        (b"=", {"": ""}),
        (b"a=1=2", {"a": "1=2"}),
        (b"a;b=1", {"a;b": "1"}),
        (b"a+b=c+d%2B", {"a b": "c d+"}),
        (b"a=1&a=2", {"a": "2"}),
        (b"a=%zz%4", {"a": "%zz%4"}),
        ("a=ä%C3%A4".encode(), {"a": "ää"}),
    ],
)
def test_an_url_encoded_form_is_read_as_browsers_write_it(body: bytes, fields: dict[str, str]) -> None:
    assert asyncio.run(read_form(request_with(body, URL_ENCODED))) == fields


@pytest.mark.parametrize(
    ("content_type", "body", "fields"),
    [
        (MULTIPART, BEGUN + b"x" + END, {"a": "x"}),
        (MULTIPART, BEGUN + END, {"a": ""}),
        (MULTIPART, BEGUN + b"\r\n--\r\n--c\n" + END, {"a": "\r\n--\r\n--c\n"}),
        (MULTIPART, BEGUN + b"1\r\n" + BEGUN + b"2" + END, {"a": "2"}),
        (MULTIPART, BEGUN.replace(b'"a"', b"a") + b"x" + END, {"a": "x"}),
        (MULTIPART, BEGUN.replace(b'"a"', b'"%22a%0D"') + b"x" + END, {'"a\r': "x"}),
        (MULTIPART, b"--b--\r\n", {}),
        (MULTIPART, BEGUN + b"x" + END + b"what follows", {"a": "x"}),
        ('multipart/form-data; Boundary="b"; charset=utf-8', BEGUN + b"x" + END, {"a": "x"}),
        (
            "Multipart/Form-Data; boundary=" + "b" * 70,
            (BEGUN + b"x" + END).replace(b"--", b"--" + b"b" * 69),
            {"a": "x"},
        ),
        (
            MULTIPART,
            b"--b\r\n" + NAMED + b"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n" + "ä".encode() + END,
            {"a": "ä"},
        ),
    ],
)
def test_a_multipart_form_is_read_as_browsers_write_it(
    content_type: str, body: bytes, fields: dict[str, str]
) -> None:
    assert asyncio.run(read_form(request_with(body, content_type))) == fields
