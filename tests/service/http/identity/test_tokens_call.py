import asyncio
import json
from typing import Any

import pytest

from astakos.http.application import Application
from astakos.http.request import Answer
from astakos.service.service import Service
from astakos.storage.protocol import Database
from service.caller import TOKENS, Caller
from service.world import (
    ALICE,
    BASE_URL,
    BOB,
    CHLOE,
    COMPUTE_TOKEN,
    DORA,
    EDGAR,
    FAY,
    GREG,
    HUGO,
    LAB,
    UNKNOWN_TOKEN,
    UNKNOWN_UUID,
)

pytestmark = pytest.mark.every_engine

NAMESPACE = "{http://docs.openstack.org/identity/api/v2.0}"
SNF = "{http://synnefo.org/api/v1.0}"

CATALOG = [
    {
        "name": "compute_api",
        "type": "compute",
        "endpoints_links": [],
        "endpoints": [
            {
                "versionId": "v2.0",
                "publicURL": "https://compute.example.org/v2.0",
                "region": "default",
                "SNF:uiURL": "https://compute.example.org/ui",
            },
            {
                "versionId": "v2.1",
                "publicURL": "https://compute.example.org/v2.1",
                "region": "default",
                "SNF:uiURL": "https://compute.example.org/ui",
                "SNF:exposeVersion": "True",
            },
        ],
    },
    {
        "name": "storage_api",
        "type": "object-store",
        "endpoints_links": [],
        "endpoints": [
            {
                "versionId": "v1",
                "publicURL": "https://storage.example.org/v1",
                "region": "default",
                "SNF:uiURL": "https://storage.example.org/ui",
            }
        ],
    },
    *(
        {
            "name": name,
            "type": kind,
            "endpoints_links": [],
            "endpoints": [
                {
                    "versionId": version,
                    "publicURL": f"{BASE_URL}/{path}",
                    "region": "default",
                    "SNF:uiURL": f"{BASE_URL}/ui",
                    "SNF:exposeVersion": "True",
                    **({"SNF:webloginURL": f"{BASE_URL}/weblogin"} if path == "weblogin" else {}),
                }
            ],
        }
        for name, kind, path, version in (
            ("astakos_account", "account", "account/v1.0", "v1.0"),
            ("astakos_identity", "identity", "identity/v2.0", "v2.0"),
            ("astakos_weblogin", "astakos_weblogin", "weblogin", ""),
            ("astakos_oauth2", "astakos_auth", "oauth2", ""),
        )
    ),
]


def by_token(token: object, **auth: object) -> dict[str, Any]:
    return {"auth": {"token": {"id": token}, **auth}}


def by_password(username: object, password: object, **auth: object) -> dict[str, Any]:
    return {"auth": {"passwordCredentials": {"username": username, "password": password}, **auth}}


def test_the_catalogue_is_for_everybody(standing_service: Caller) -> None:
    reply = standing_service("POST", TOKENS)
    assert (reply.status, reply.document) == (200, {"access": {"serviceCatalog": CATALOG}})


@pytest.mark.parametrize("token", [None, "nonsense", EDGAR.token, ALICE.token])
@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_without_a_body_neither_token_nor_content_type_count(
    standing_service: Caller, token: str | None, content_type: str
) -> None:
    reply = standing_service("POST", TOKENS, token, headers={"Content-Type": content_type})
    assert (reply.status, list(reply.document["access"])) == (200, ["serviceCatalog"])


def test_only_the_header_says_whether_there_is_a_body(standing_service: Caller) -> None:
    body = iter([b'{"auth": {"token": {"id": "', ALICE.token.encode(), b'"}}}'])
    reply = standing_service("POST", TOKENS, body=body, headers={"Content-Type": "application/json"})
    assert (reply.status, list(reply.document["access"])) == (200, ["serviceCatalog"])
    head = f"POST /astakos{TOKENS} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    answer = standing_service.raw(head)
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b'"serviceCatalog"' in answer


@pytest.mark.parametrize("length", ["abc", "-5", "+3", "1.5"])
def test_a_length_that_is_no_number_is_refused_where_messages_are_told_apart(
    standing_service: Caller, length: str
) -> None:
    head = f"POST /astakos{TOKENS} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n\r\n"
    answer = standing_service.raw(head.encode() + b'{"auth": {}}')
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"serviceCatalog" not in answer


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("length", [b"", b"abc", b"-5", b"+3", b"1.5", "٣".encode(), b"0", b"00"])
def test_a_length_that_is_no_number_means_no_body_where_the_server_lets_it_through(
    database: Database, length: bytes
) -> None:
    headers = [(b"content-type", b"application/json"), (b"content-length", length)]
    answer = asyncio.run(answered(database, headers))
    assert answer.status == 200
    assert list(json.loads(answer.body)["access"]) == ["serviceCatalog"]


async def answered(database: Database, headers: list[tuple[bytes, bytes]]) -> Answer:
    """What the application answers to a request that comes straight to it, without a server of HTTP."""
    service = Service(database, BASE_URL)
    application = Application(service)
    request = application.request_of("POST", f"/astakos{TOKENS}".encode(), dict(headers), None)
    request.body_has_come(b"{}")
    answer = await application.respond(request)
    service.close()
    return answer


@pytest.mark.parametrize("credentials", [by_token(ALICE.token), by_password(ALICE.uuid, ALICE.token)])
def test_a_token_is_answered_by_who_holds_it(standing_service: Caller, credentials: object) -> None:
    reply = standing_service.post(TOKENS, None, credentials)
    assert reply.status == 200
    access = reply.document["access"]
    assert set(access) == {"token", "user", "serviceCatalog"}
    assert access["serviceCatalog"] == CATALOG
    assert access["token"] == {
        "id": ALICE.token,
        "expires": "2099-01-02T03:04:05.000678+00:00",
        "tenant": {"id": ALICE.uuid, "name": "Alice Archer"},
    }
    user = access["user"]
    assert sorted(user.pop("projects")) == sorted([ALICE.uuid, LAB])
    assert user == {
        "id": ALICE.uuid,
        "name": "Alice Archer",
        "roles_links": [],
        "roles": [{"id": "1", "name": "staff"}, {"id": "2", "name": "admin-api"}],
    }


def test_times_without_a_fraction_have_none(standing_service: Caller) -> None:
    token = standing_service.post(TOKENS, None, by_token(BOB.token)).document["access"]["token"]
    assert token["expires"] == "2099-01-02T03:04:05+00:00"


def test_names_are_ascii_on_the_wire(standing_service: Caller) -> None:
    reply = standing_service.post(TOKENS, None, by_token(CHLOE.token))
    assert reply.content.isascii()
    user = reply.document["access"]["user"]
    assert (user["name"], user["roles"]) == ("Chloé Ångström", [])


REFUSED: dict[str, tuple[Any, int]] = {
    # Neither form is complete.
    "an empty object": ({}, 400),
    "auth empty": ({"auth": {}}, 400),
    "a token without id": ({"auth": {"token": {}}}, 400),
    "no username": ({"auth": {"passwordCredentials": {"password": ALICE.token}}}, 400),
    "no password": ({"auth": {"passwordCredentials": {"username": ALICE.uuid}}}, 400),
    "credentials null": ({"auth": {"passwordCredentials": None}}, 400),
    # The token is null.
    "token null": (by_token(None), 400),
    "password null": (by_password(ALICE.uuid, None), 400),
    "both null": (by_password(None, None), 400),
    # The token is unknown.
    "unknown": (by_token(UNKNOWN_TOKEN), 401),
    "unknown as a password": (by_password(ALICE.uuid, UNKNOWN_TOKEN), 401),
    "empty": (by_token(""), 401),
    "zero": (by_token(0), 401),
    "a number": (by_token(12345), 401),
    "false": (by_token(False), 401),
    "a list": (by_token([]), 401),
    "an object": (by_token({}), 401),
    "a component's": (by_token(COMPUTE_TOKEN), 401),
    "unknown beats the tenant": (by_token(UNKNOWN_TOKEN, tenantName=UNKNOWN_UUID), 401),
    "not ASCII": (by_token("tökén"), 401),
    # The user may not call.
    "inactive": (by_token(HUGO.token), 401),
    "not moderated": (by_token(DORA.token), 401),
    "rejected": (by_token(GREG.token), 401),
    "expired": (by_token(EDGAR.token), 401),
    "terms unsigned": (by_token(FAY.token), 401),
    "expired as a password": (by_password(EDGAR.uuid, EDGAR.token), 401),
    # The username is that of somebody else.
    "another's uuid": (by_password(BOB.uuid, ALICE.token), 401),
    "a mail address": (by_password(ALICE.email, ALICE.token), 401),
    "username empty": (by_password("", ALICE.token), 401),
    "username a number": (by_password(1, ALICE.token), 401),
    "another's uuid beats the tenant": (by_password(BOB.uuid, ALICE.token, tenantName="x"), 401),
    # The tenant is another one.
    "another tenant": (by_token(ALICE.token, tenantName=BOB.uuid), 400),
    "tenant a project": (by_token(ALICE.token, tenantName=LAB), 400),
    "tenant a number": (by_password(ALICE.uuid, ALICE.token, tenantName=1), 400),
    "tenant a list": (by_token(ALICE.token, tenantName=["x"]), 400),
    # Where the original broke down.
    "null": (None, 400),
    "a body that is a list": ([], 400),
    "a body that is a text": ("auth", 400),
    "auth a list": ({"auth": []}, 400),
    "auth null": ({"auth": None}, 400),
    "auth a text": ({"auth": ALICE.token}, 400),
    "token a text": ({"auth": {"token": ALICE.token}}, 400),
    "token a list": ({"auth": {"token": [ALICE.token]}}, 400),
    "credentials a list": ({"auth": {"passwordCredentials": [1]}}, 400),
}


@pytest.mark.parametrize("case", REFUSED)
def test_credentials_that_do_not_count_are_refused(standing_service: Caller, case: str) -> None:
    document, status = REFUSED[case]
    reply = standing_service.post(TOKENS, None, document)
    assert (reply.status, reply.fault) == (status, {400: "badRequest", 401: "unauthorized"}[status])
    assert reply.document[reply.fault].keys() == {"code", "message", "details"}
    for person in (ALICE, BOB, EDGAR):
        assert person.token not in reply.content.decode()


@pytest.mark.parametrize(
    "document",
    [
        by_token(ALICE.token, tenantName=ALICE.uuid),
        by_token(ALICE.token, tenantName=""),
        by_token(ALICE.token, tenantName=None),
        by_password(None, ALICE.token),
        by_password(ALICE.uuid, ALICE.token, tenantName=ALICE.uuid),
        # The first form wins where it is complete.
        {**by_token(ALICE.token)["auth"], "passwordCredentials": {"username": "x", "password": "y"}},
        # An incomplete first form leads to the second.
        {"token": {}, **by_password(ALICE.uuid, ALICE.token)["auth"]},
    ],
)
def test_credentials_that_count(standing_service: Caller, document: dict[str, Any]) -> None:
    reply = standing_service.post(TOKENS, None, document if "auth" in document else {"auth": document})
    assert reply.status == 200
    assert reply.document["access"]["user"]["id"] == ALICE.uuid


@pytest.mark.parametrize("content_type", ["application/xml", "text/plain", ""])
def test_credentials_must_be_json(standing_service: Caller, content_type: str) -> None:
    reply = standing_service(
        "POST", TOKENS, body=b"<auth><token/></auth>", headers={"Content-Type": content_type}
    )
    assert (reply.status, reply.fault) == (400, "badRequest")


def test_the_answer_as_xml_is_well_formed_for_parsers_that_know_namespaces(standing_service: Caller) -> None:
    reply = standing_service("POST", f"{TOKENS}?format=xml", document=by_token(ALICE.token))
    assert reply.headers["content-type"] == "application/xml; charset=UTF-8"
    access = reply.xml
    assert access.tag == NAMESPACE + "access"
    assert [child.tag.removeprefix(NAMESPACE) for child in access] == ["token", "user", "serviceCatalog"]
    token, user, catalog = access
    assert token.attrib == {"id": ALICE.token, "expires": "2099-01-02T03:04:05.000678+00:00"}
    assert [child.attrib for child in token] == [{"id": ALICE.uuid, "name": "Alice Archer"}]
    assert user.attrib == {"id": ALICE.uuid, "name": "Alice Archer"}
    assert [role.attrib["name"] for role in user.iter(NAMESPACE + "role")] == ["staff", "admin-api"]
    assert [service.attrib for service in catalog] == [
        {"name": service["name"], "type": service["type"]} for service in CATALOG
    ]
    endpoint = catalog[0][1]
    assert endpoint.tag == NAMESPACE + "endpoint"
    assert endpoint.attrib == {
        "versionId": "v2.1",
        "publicURL": "https://compute.example.org/v2.1",
        "region": "default",
        SNF + "uiURL": "https://compute.example.org/ui",
        SNF + "exposeVersion": "True",
    }


def test_the_catalogue_as_xml_holds_neither_token_nor_user(standing_service: Caller) -> None:
    access = standing_service("POST", TOKENS, headers={"Accept": "application/xml"}).xml
    assert [child.tag for child in access] == [NAMESPACE + "serviceCatalog"]


def test_a_refusal_as_xml_is_well_formed(standing_service: Caller) -> None:
    reply = standing_service("POST", f"{TOKENS}?format=xml", document=by_token(UNKNOWN_TOKEN))
    assert reply.status == 401
    fault = reply.xml
    assert (fault.tag, fault.attrib) == (NAMESPACE + "unauthorized", {"code": "401"})
    message, details = fault
    assert (message.tag, details.tag) == (NAMESPACE + "message", NAMESPACE + "details")
    assert message.text
    assert not details.text
