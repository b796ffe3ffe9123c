"""Methods, targets and headers of requests for the fuzzer, sound ones and others."""

import re
from operator import itemgetter

import hypothesis.strategies as st

from astakos.http.openapi.document import operations as there_are
from astakos.http.routes import all_methods
from fuzzing.bodies import (
    actions,
    administration,
    as_json,
    bulks,
    catalogues,
    credentials,
    issues,
    logins,
    membership_actions,
    membership_requests,
    modifications,
    names,
    new_projects,
    people,
    project_actions,
    reconciliations,
    sound_issues,
    texts,
)
from service.world import ALICE, BOB, CHLOE, COMPUTE_TOKEN, LAB, STORAGE_TOKEN, VM

BASE = "/astakos"
SERIALS = (
    BOB.uuid,
    LAB,
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


operations = st.sampled_from(sorted((found.path, found.method) for found in there_are(all_methods())))


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
    "mode",
    "state",
    "owner",
    "name",
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
    CHLOE.token,
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
    st.sampled_from([ALICE.token, CHLOE.token, COMPUTE_TOKEN, COMPUTE_TOKEN]),
    st.just(b"application/json"),
    st.just([]),
)
heads = sound_heads | st.builds(
    _headers,
    st.sampled_from(TOKENS) | st.none(),
    st.sampled_from(CONTENT_TYPES) | st.none(),
    st.lists(st.sampled_from(ODD_HEADERS), max_size=2),
)


ACCOUNT = "/account/v1.0"
PROJECTS = f"{ACCOUNT}/projects"
BODIES = (
    ("POST", f"{ACCOUNT}/commissions", sound_issues),
    ("POST", f"{ACCOUNT}/commissions", issues),
    ("POST", f"{ACCOUNT}/commissions/bulk", bulks),
    ("POST", f"{ACCOUNT}/commissions/action", actions),
    ("POST", f"{ACCOUNT}/commissions/{{serial}}/action", actions),
    ("POST", f"{ACCOUNT}/reconcile", reconciliations),
    ("POST", f"{ACCOUNT}/user_catalogs", catalogues),
    ("POST", f"{ACCOUNT}/service/user_catalogs", catalogues),
    ("POST", f"{ACCOUNT}/myaccount/default_project", st.fixed_dictionaries({"project_id": names})),
    ("POST", PROJECTS, new_projects),
    ("PUT", f"{PROJECTS}/{{id}}", modifications),
    ("POST", f"{PROJECTS}/{{id}}/action", project_actions),
    ("POST", f"{PROJECTS}/memberships", membership_requests),
    ("POST", f"{PROJECTS}/memberships/{{serial}}/action", membership_actions),
    ("POST", "/identity/v2.0/tokens", credentials),
    ("POST", "/identity/v2.0/users", people),
    ("POST", "/identity/v2.0/users/{id}/action", administration),
    ("POST", "/identity/v3/auth/tokens", logins),
)
fitting = st.one_of(
    [
        st.tuples(
            st.builds(
                _call,
                st.just((path, method)),
                st.sampled_from(SERIALS),
                st.just(""),
                st.just(""),
            ),
            sound_heads,
            documents.map(as_json),
        )
        for method, path, documents in BODIES
    ]
)
"""Calls with the bodies that are meant for them, so that most are refused late, if at all."""
