"""Bodies of requests for the fuzzer: such as calls take, nearly such, and others."""

import json
from typing import Any

import hypothesis.strategies as st

from service.world import ALICE, BOB, LAB, VM, member_key, project_key

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
counts = st.sampled_from(["1", "2k", "inf", *NUMBERS])
definitions: dict[str, st.SearchStrategy[Any]] = {
    "owner": names,
    "homepage": texts | scalars,
    "description": texts | scalars,
    "comments": texts | scalars,
    "start_date": st.sampled_from(["2031-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59"]) | scalars,
    "join_policy": st.sampled_from(["auto", "moderated", "closed"]) | scalars,
    "leave_policy": st.sampled_from(["auto", "moderated", "closed"]) | scalars,
    "max_members": counts | scalars,
    "private": st.booleans() | scalars,
    "resources": st.dictionaries(
        st.just(VM) | texts,
        st.fixed_dictionaries({"project_capacity": counts, "member_capacity": counts}) | anything,
        max_size=2,
    )
    | anything,
}
domains = st.sampled_from(["a.example.org", "b.example.org", "lab.example.org", "a.example.abcdefg"])
ends = st.sampled_from(["2099-01-01T00:00:00Z", "9999-12-31T23:59:59-23:59", "2099-01-01T00:00:00", "2001"])
new_projects = st.fixed_dictionaries(
    {"name": domains | texts, "end_date": ends | scalars}, optional=definitions
) | st.builds(lambda name, end: {"name": name, "end_date": end}, domains, ends)
modifications = st.fixed_dictionaries(
    {}, optional={"name": domains | texts, "end_date": ends | scalars, **definitions}
) | st.sampled_from([{"max_members": "2k"}, {"join_policy": "auto"}])
application_decisions = st.fixed_dictionaries(
    {"app_id": st.integers(1, 20) | scalars}, optional={"reason": texts | scalars}
)
project_actions = st.one_of(
    st.dictionaries(
        st.sampled_from(["approve", "deny", "cancel", "dismiss"]),
        application_decisions | anything,
        min_size=1,
        max_size=2,
    ),
    st.dictionaries(
        st.sampled_from(["suspend", "unsuspend", "terminate", "reinstate"]),
        st.fixed_dictionaries({}, optional={"reason": texts | scalars}) | anything,
        max_size=2,
    ),
)
membership_requests = st.one_of(
    st.fixed_dictionaries({"join": st.fixed_dictionaries({"project": names}) | anything}),
    st.fixed_dictionaries(
        {
            "enroll": st.fixed_dictionaries(
                {"project": names}, optional={"user": st.sampled_from([ALICE.email, BOB.email]) | names}
            )
            | anything
        }
    ),
)
membership_actions = st.dictionaries(
    st.sampled_from(["leave", "cancel", "accept", "reject", "remove"]), texts | anything, max_size=2
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


documents = st.one_of(
    issues,
    bulks,
    reconciliations,
    actions,
    credentials,
    catalogues,
    modifications,
    project_actions,
    membership_requests,
    anything,
)


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
    b"--b\r\nContent-Disposition: form-data" + b";" * 32_000 + b"\r\n\r\n--b--\r\n",
    b"--b\r\nContent-Type: " + b"(" * 600 + b'\r\nContent-Disposition: form-data; name="a"\r\n\r\n\r\n--b--',
    b"--b\r\nContent-Type: message/rfc822\r\n\r\n" * 1000,
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
