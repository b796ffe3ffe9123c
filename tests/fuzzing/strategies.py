"""What the fuzzer is made of: methods, targets, headers and bodies of requests, sound ones and others."""

import json
import re
from operator import itemgetter
from typing import Any

import hypothesis.strategies as st

from astakos.http.openapi import operations as there_are
from astakos.http.routes import all_routes
from service.world import ALICE, BOB, COMPUTE_TOKEN, LAB, STORAGE_TOKEN, VM, member_key, project_key

BASE = "/astakos"
BODY_LIMIT = 1 << 20
NUMBERS = (0, 1, -1, 2**31, 2**31 - 1, 2**32, 2**53, 2**63 - 1, 2**63, 2**64, -(2**63), -(2**63) - 1, 10**30)
ODD_NUMBERS = (
    "NaN",
    "Infinity",
    "-Infinity",
    "1e999",
    "-0",
    "-0.0",
    "1.0",
    "007",
    "0x10",
    "1" * 5000,
    "1e-400",
)
ODD_TEXTS = (
    "",
    "\0",
    "a\0b",
    "\ud800",
    "\udc00x",
    "\U0010ffff",
    "\ufeff",
    "\u202e",
    "İ",
    "ß" * 300,
    "x" * 5000,
    "'; DROP TABLE users; --",
    "%s%n%00",
    "../../../etc/passwd",
    "\r\nX-Auth-Token: x",
    "<script>",
    "user:",
    "project:",
    "system",
)
NAMES = (
    *member_key(ALICE),
    *project_key(),
    ALICE.uuid,
    ALICE.uuid.upper(),
    BOB.uuid,
    f"user:{BOB.uuid}",
    LAB,
    VM,
    "system",
)
SERIALS = (
    BOB.uuid,
    "0",
    "1",
    "2",
    "007",
    "9" * 19,
    "9" * 400,
    str(2**63),
    "-1",
    "1.0",
    "abc",
    "%D9%A1",
    "1%00",
    "",
)

texts = st.one_of(st.sampled_from(ODD_TEXTS), st.sampled_from([*filter(None, NAMES)]), st.text(max_size=8))
scalars = st.one_of(
    st.none(), st.booleans(), st.sampled_from(NUMBERS), st.floats(allow_nan=True, width=32), texts
)
anything: st.SearchStrategy[Any] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
names = st.sampled_from(NAMES) | scalars
SOUND = (
    {**member_key(ALICE)._asdict(), "quantity": 1},
    {**project_key()._asdict(), "quantity": 1},
    {**member_key(ALICE)._asdict(), "quantity": -1},
    {"holder": ALICE.uuid, "source": "system", "resource": VM, "quantity": 1},
)
PAIRS = tuple(
    [{**key._asdict(), "quantity": quantity} for key in (member_key(ALICE), project_key())]
    for quantity in (1, -1, 1000)
)
provisions = st.fixed_dictionaries(
    {"holder": names, "source": names, "resource": names, "quantity": st.sampled_from(NUMBERS) | scalars}
) | st.sampled_from(SOUND)
issues = st.fixed_dictionaries(
    {"provisions": st.lists(provisions, max_size=3) | anything},
    optional={
        "name": texts | scalars,
        "force": st.booleans() | scalars,
        "auto_accept": st.booleans() | scalars,
        # None that would end while the tables are compared.
        "ttl": st.sampled_from([None, 0, -1, 3600, 2**63, "1", 1e9]),
    },
)
serials = st.lists(st.sampled_from([*range(1, 30), *NUMBERS]) | scalars, max_size=4)
bulks = st.fixed_dictionaries(
    {"commissions": st.lists(issues | anything, max_size=3) | anything},
    optional={"all_or_none": st.booleans() | scalars},
)
usages = st.fixed_dictionaries(
    {"holder": names, "source": names, "resource": names, "usage": st.sampled_from(NUMBERS)}
)
reconciliations = st.fixed_dictionaries(
    {"usage": st.lists(usages | anything, max_size=3)},
    optional={"mend": st.booleans() | scalars, "name": texts},
)
settlements = st.fixed_dictionaries({"quantities": st.lists(provisions, max_size=2) | anything})
actions = st.dictionaries(st.sampled_from(["accept", "reject"]), serials | anything | settlements, min_size=1)
credentials = st.fixed_dictionaries(
    {
        "auth": st.one_of(
            st.fixed_dictionaries({"token": st.fixed_dictionaries({"id": texts | st.just(ALICE.token)})}),
            st.dictionaries(
                st.sampled_from(["token", "passwordCredentials", "tenantName", "tenantId"]),
                anything | st.dictionaries(st.sampled_from(["id", "username", "password"]), names),
            ),
            anything,
        )
    }
)
catalogues = st.dictionaries(
    st.sampled_from(["uuids", "displaynames"]),
    st.lists(st.sampled_from([ALICE.uuid, ALICE.email, BOB.email.upper()]) | texts, max_size=3) | anything,
    min_size=1,
)
documents = st.one_of(issues, bulks, reconciliations, actions, credentials, catalogues, anything)


def as_json(document: Any) -> bytes:
    """As a careless program writes it: with NaN, and with halves of characters."""
    return json.dumps(document).encode("ascii")


def _twice(document: Any) -> bytes:
    """Every key of an object twice, first with null, then as it is."""
    if not isinstance(document, dict):
        return as_json(document)
    twice = [(as_json(str(key)), value) for key, one in document.items() for value in (b"null", as_json(one))]
    return b"{" + b", ".join(b"%b: %b" % pair for pair in twice) + b"}"


def _nested(document: Any, depth: int) -> bytes:
    return b'{"provisions": ' + b"[" * depth + as_json(document) + b"]" * depth + b"}"


ODD_BODIES = (
    b"",
    b" ",
    b"\0",
    b"null",
    b"\xff\xfe",
    b'\xef\xbb\xbf{"provisions": []}',
    b'{"provisions": [], "name": "\xed\xa0\x80"}',
    b'{"provisions": [',
    b'{"a": ' * 5000,
    b"[" * 100_000,
    '{"provisions": []}'.encode("utf-16"),
    b"feedback_msg=a&feedback_data=%00",
    b"feedback_msg=%ff&feedback_data=" + b"x" * 1000,
    b"feedback_msg&&&=&=;=%zz" + b"&a=b" * 2000,
    b'--b\r\nContent-Disposition: form-data; name="feedback_msg"\r\n\r\n\xff\r\n--b--\r\n',
    b'--b\r\nContent-Disposition: form-data; name="feedback_msg\r\n\r\n' + b"--b" * 500,
    b"--b\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n--b--\r\n--b--",
    b'{"auth": {"token": {"id": "' + b"x" * 100_000 + b'"}}}',
    b'{"provisions": [], "name": "' + b"x" * 5000 + b'"}',
    b"x" * (BODY_LIMIT + 1),
)
bodies = st.one_of(
    st.lists(st.sampled_from(SOUND), max_size=4).map(lambda found: as_json({"provisions": found})),
    st.sampled_from(PAIRS).map(lambda found: as_json({"provisions": found, "name": "sound"})),
    documents.map(as_json),
    documents.map(as_json),
    documents.map(_twice),
    st.builds(_nested, anything, st.sampled_from([1, 100, 1000, 20_000])),
    st.builds(
        lambda number: (
            b'{"provisions": [{"holder": "a", "source": null, "resource": "r", "quantity": %b}]}'
            % number.encode()
        ),
        st.sampled_from(ODD_NUMBERS),
    ),
    st.sampled_from(ODD_BODIES),
    st.binary(max_size=40),
    st.none(),
)

operations = st.sampled_from(sorted((found.path, found.method) for found in there_are(all_routes())))


def _filled(path: str, serial: str) -> str:
    return BASE + re.sub(r"{\w+}", lambda _: serial, path)


def _quoted(text: str) -> str:
    """Percent-encoded, halves of characters as well."""
    return "".join(f"%{byte:02x}" for byte in text.encode("utf-8", "surrogatepass"))


QUERY_NAMES = (
    "format",
    "X-Auth-Token",
    "user",
    "project",
    "holder",
    "source",
    "resource",
    "serial",
    "since",
    "until",
    "outcome",
    "limit",
    "cursor",
    "callback",
    "belongsTo",
)
QUERY_VALUES = (
    "",
    "json",
    "xml",
    "1",
    "1000",
    "1001",
    "-1",
    "1.1",
    "9" * 18 + "." + "9" * 18,
    "9" * 5000,
    "ACCEPT",
    "2031-02-03T04:05:06%2b00:00",
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00%2b23:59",
    "2031-02-03",
    "%00",
    "%ff",
    "%ed%a0%80",
    "%",
    "%zz",
    "a" * 3000,
    "," * 3000,
    "alert(1)",
    "f.g",
    "1_0",
    "%D9%A1",
    ALICE.uuid,
    ALICE.token,
    COMPUTE_TOKEN,
    LAB,
    VM,
)
pairs = st.tuples(
    st.sampled_from(QUERY_NAMES) | texts.map(_quoted), st.sampled_from(QUERY_VALUES) | texts.map(_quoted)
)
queries = st.lists(pairs, max_size=3).map(lambda found: "&".join(f"{name}={value}" for name, value in found))
ODD_TARGETS = (
    b"/",
    b"*",
    b"//",
    b"/astakos",
    b"/astakos/",
    b"/astakos/account/../identity/v2.0/tokens",
    b"/astakos/account/%00",
    b"/astakos/%2e%2e/%2e%2e/etc/passwd",
    b"http://other.example.org/astakos/account/v1.0/quotas",
    b"/astakos/account/v1.0/quotas#fragment",
    b"/astakos/account/v1.0/quotas?" + b"&" * 2000,
    b"/astakos/account/v1.0/service_quotas?user=" + b"a," * 20_000,
    b"/astakos/account/" + b"x" * 20_000,
    b"/astakos/account/v1.0/\xff",
    b"/astakos/" + b"../" * 500,
    b"/astakos/identity/v2.0/tokens.xml",
    b"?",
    b"?a=b",
    b"astakos/account/v1.0/quotas",
)
METHODS = (b"GET", b"POST", b"PUT", b"DELETE", b"HEAD", b"OPTIONS", b"PATCH", b"TRACE", b"LOCK")


def _call(operation: tuple[str, str], serial: str, end: str, query: str) -> tuple[bytes, bytes]:
    path, method = operation
    return method.encode(), f"{_filled(path, serial)}{end}{query and '?'}{query}".encode("ascii")


sound_calls = st.builds(
    _call,
    operations | operations.filter(lambda operation: operation[1] == "POST"),
    st.sampled_from(SERIALS),
    st.sampled_from(["", "", "/"]),
    st.just("") | queries,
)
calls = st.one_of(
    sound_calls,
    sound_calls,
    sound_calls,
    st.builds(
        _call,
        st.tuples(operations.map(itemgetter(0)), st.sampled_from(METHODS).map(bytes.decode)),
        st.sampled_from(SERIALS),
        st.sampled_from(["", "//", ".json", ".xml", "%2f", "x"]),
        queries,
    ),
    st.tuples(st.sampled_from(METHODS), st.sampled_from(ODD_TARGETS)),
)

TOKENS = (
    ALICE.token,
    ALICE.token,
    BOB.token,
    COMPUTE_TOKEN,
    COMPUTE_TOKEN,
    COMPUTE_TOKEN,
    STORAGE_TOKEN,
    "",
    "nobody's",
    "x" * 10_000,
    "\xff",
)
ODD_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"Accept", b"application/xml"),
    (b"Accept", b",;,=;q=" * 200),
    (b"Accept", b"*/*;q=\xff"),
    (b"Idempotency-Key", b""),
    (b"Idempotency-Key", b"a key"),
    (b"Idempotency-Key", b"\xe9" * 255),
    (b"Idempotency-Key", b"k" * 256),
    (b"X-Request-Id", b"an id"),
    (b"X-Request-Id", b"\x80" * 10),
    (b"X-Request-Id", b"i" * 10_000),
    (b"Expect", b"100-continue"),
    (b"Connection", b"close"),
    (b"Upgrade", b"h2c"),
    (b"Content-Encoding", b"gzip"),
    (b"Transfer-Encoding", b"identity"),
    (b"Cookie", b"=;=;" * 500),
    (b"Authorization", b"Basic ////"),
    (b"X-Forwarded-For", b"::1, \x01"),
    (b"X" * 5000, b"1"),
    (b"Range", b"bytes=0-0"),
)
CONTENT_TYPES = (
    b"application/json",
    b"application/json",
    b"application/json",
    b"application/json; charset=utf-7",
    b"application/x-www-form-urlencoded",
    b"multipart/form-data; boundary=b",
    b"multipart/form-data",
    b"multipart/form-data; boundary=" + b"b" * 300,
    b'multipart/form-data; boundary="',
    b"application/xml",
    b"\xff/\xff",
    b"",
)


def _headers(
    token: str | None, content_type: bytes | None, more: list[tuple[bytes, bytes]]
) -> tuple[tuple[bytes, bytes], ...]:
    found = [] if token is None else [(b"X-Auth-Token", token.encode("latin-1"))]
    found += [] if content_type is None else [(b"Content-Type", content_type)]
    return (*found, *more)


sound_heads = st.builds(
    _headers,
    st.sampled_from([ALICE.token, COMPUTE_TOKEN, COMPUTE_TOKEN]),
    st.just(b"application/json"),
    st.just([]),
)
heads = sound_heads | st.builds(
    _headers,
    st.sampled_from(TOKENS) | st.none(),
    st.sampled_from(CONTENT_TYPES) | st.none(),
    st.lists(st.sampled_from(ODD_HEADERS), max_size=2),
)
sound_issues = st.builds(
    lambda provisions, *options: (
        {"provisions": provisions} | dict(zip(("force", "auto_accept"), options, strict=True))
    ),
    st.lists(st.sampled_from(SOUND), max_size=3) | st.sampled_from(PAIRS),
    st.booleans(),
    st.booleans(),
)
people = st.fixed_dictionaries(
    {
        "user": st.dictionaries(
            st.sampled_from(["username", "first_name", "last_name", "password", "affiliation", "metadata"]),
            st.sampled_from(["new@example.org", "New"]) | anything,
        )
    }
)
administration = st.dictionaries(
    st.sampled_from(["activate", "deactivate", "renewToken", "signTerms", "setDefaultProject"]),
    st.fixed_dictionaries({}, optional={"reason": scalars, "project_id": names}) | anything,
    max_size=2,
)
logins = st.fixed_dictionaries(
    {
        "auth": st.fixed_dictionaries(
            {
                "identity": st.fixed_dictionaries(
                    {"methods": st.lists(st.sampled_from(["token", "password"]) | texts, max_size=2)},
                    optional={
                        "token": st.fixed_dictionaries({"id": texts | st.just(ALICE.token)}) | anything,
                        "password": st.fixed_dictionaries(
                            {
                                "user": st.dictionaries(
                                    st.sampled_from(["id", "name", "password", "domain"]),
                                    st.sampled_from([ALICE.uuid, ALICE.email, ALICE.token]) | anything,
                                )
                            }
                        ),
                    },
                )
                | anything
            },
            optional={
                "scope": st.fixed_dictionaries({"project": st.fixed_dictionaries({"id": names})}) | anything
            },
        )
    }
)
ACCOUNT = "/account/v1.0"
BODIES = (
    (f"{ACCOUNT}/commissions", sound_issues),
    (f"{ACCOUNT}/commissions", issues),
    (f"{ACCOUNT}/commissions/bulk", bulks),
    (f"{ACCOUNT}/commissions/action", actions),
    (f"{ACCOUNT}/commissions/{{serial}}/action", actions),
    (f"{ACCOUNT}/reconcile", reconciliations),
    (f"{ACCOUNT}/user_catalogs", catalogues),
    (f"{ACCOUNT}/service/user_catalogs", catalogues),
    (f"{ACCOUNT}/myaccount/default_project", st.fixed_dictionaries({"project_id": names})),
    ("/identity/v2.0/tokens", credentials),
    ("/identity/v2.0/users", people),
    ("/identity/v2.0/users/{id}/action", administration),
    ("/identity/v3/auth/tokens", logins),
)
fitting = st.one_of(
    [
        st.tuples(
            st.builds(_call, st.just((path, "POST")), st.sampled_from(SERIALS), st.just(""), st.just("")),
            sound_heads,
            documents.map(as_json),
        )
        for path, documents in BODIES
    ]
)
"""Calls with the bodies that are meant for them, so that most are refused late, if at all."""

# What is no HTTP, or hardly; whatever becomes of it, it names nothing that there is, and is refused.

REFUSED = as_json(
    {"provisions": [{"holder": "nobody", "source": None, "resource": "nothing", "quantity": 1}]}
)
START = b"POST /astakos/account/v1.0/commissions HTTP/1.1"
COMMON = (
    b"Host: x",
    b"X-Auth-Token: " + COMPUTE_TOKEN.encode(),
    b"Content-Type: application/json",
)
START_LINES = (
    START,
    START,
    START.replace(b"1.1", b"1.0"),
    START.replace(b"1.1", b"0.9"),
    START.replace(b"1.1", b"2.0"),
    START.replace(b"HTTP/1.1", b""),
    START.replace(b" ", b"\t"),
    START.replace(b"POST", b"post"),
    START.replace(b"POST ", b"POST  "),
    START.replace(b"/commissions", b"/\x00"),
    b"CONNECT x:1 HTTP/1.1",
    b"PRI * HTTP/2.0\r\n\r\nSM",
    b"GET http://[::1/astakos HTTP/1.1",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    b"",
    b"\r\n\r\n" + START,
)
LENGTH = b"Content-Length: %d" % len(REFUSED)
FRAMINGS = (
    (LENGTH,),
    (LENGTH, LENGTH),
    (LENGTH, b"Content-Length: 1"),
    (b"Content-Length: -1",),
    (b"Content-Length: 0x10",),
    (b"Content-Length: " + b"9" * 5000,),
    (b"Content-Length: +5",),
    (b"Content-Length: 5, 5",),
    (b"Content-Length:",),
    (b"Content-Length: 99999999",),
    (b"Transfer-Encoding: chunked",),
    (b"Transfer-Encoding: chunked", LENGTH),
    (b"Transfer-Encoding: gzip, chunked",),
    (b"Transfer-Encoding: chunked, identity",),
    (b"Transfer-Encoding:\x0bchunked",),
    (b"Transfer-Encoding: xchunked",),
    (b"Expect: 100-continue", LENGTH),
    (b"Expect: what", LENGTH),
    (b"Upgrade: websocket", b"Connection: Upgrade", LENGTH),
)
ODD_LINES = (
    b"X",
    b": x",
    b" folded",
    b"X : y",
    b"X: a\x00b",
    b"X: a\rb",
    b"X: a\nY: b",
    b"\xff: \xff",
    b"X: " + b"y" * 70_000,
    b"X: " + b"y" * 400_000,
    b"\r\n".join(b"X-%d: y" % number for number in range(2000)),
)
CHUNK = b"%x\r\n%b\r\n" % (len(REFUSED), REFUSED)
CONTENTS = (
    REFUSED,
    CHUNK + b"0\r\n\r\n",
    CHUNK + b"0\r\nTrailer: x\r\n\r\n",
    CHUNK + b"-1\r\n\r\n",
    b"1" * 20 + b"\r\n",
    b"ffffffffffffffff\r\nx",
    b"1;" + b"e" * 20_000 + b"\r\nx\r\n0\r\n\r\n",
    b"1\r\nx\r\n" * 2000 + b"0\r\n\r\n",
    b"0\r\n\r\n",
    b"\r\n\r\n\r\n",
    b"",
)


def _framed(start: bytes, framing: tuple[bytes, ...], odd: list[bytes], content: bytes, end: bytes) -> bytes:
    return end.join([start, *COMMON, *framing, *odd, b""]) + end + content


messages = st.builds(
    _framed,
    st.sampled_from(START_LINES),
    st.sampled_from(FRAMINGS),
    st.lists(st.sampled_from(ODD_LINES), max_size=2),
    st.sampled_from(CONTENTS),
    st.sampled_from([b"\r\n", b"\r\n", b"\r\n", b"\n", b"\r"]),
)
streams = st.one_of(
    messages,
    st.lists(messages, min_size=2, max_size=4).map(b"".join),
    st.builds(lambda message, length: message[:length], messages, st.integers(0, 300)),
    st.binary(max_size=60),
)
