"""What a user can use, and that nobody sees what is another's."""

from typing import Any

import pytest

from astakos.http.dialects.v0_14 import V0_14
from astakos.storage.protocol import Database
from service.caller import Caller
from service.http.keystone.asking import DOMAIN, V3
from service.installation import running
from service.world import ALICE, BASE_URL, BOB, COMPUTE_TOKEN, EDGAR, HALTED, LAB, UNKNOWN_UUID

pytestmark = pytest.mark.every_engine

LISTS = ("/auth/catalog", "/auth/projects", "/auth/domains", "/projects", "/domains")
ONE = (f"/projects/{LAB}", "/domains/default", f"/users/{ALICE.uuid}", f"/users/{ALICE.uuid}/projects")


def get(service: Caller, path: str, token: str | None = ALICE.token) -> Any:
    reply = service.get(V3 + path, token)
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json"), reply.content
    return reply.document


@pytest.mark.parametrize("path", [*LISTS, *ONE])
def test_a_users_token_is_needed(standing_service: Caller, path: str) -> None:
    get(standing_service, path)
    get(standing_service, path + "/")
    for token in (None, "nonsense", EDGAR.token, COMPUTE_TOKEN):
        reply = standing_service.get(V3 + path, token)
        assert (reply.status, reply.document["error"]["title"]) == (401, "Unauthorized")
    reply = standing_service("POST", V3 + path, ALICE.token)
    assert (reply.status, reply.headers["allow"]) == (405, "GET")
    assert reply.document["error"]["title"] == "Method Not Allowed"


@pytest.mark.parametrize("path", [*LISTS, *ONE])
def test_links_lead_to_where_they_stand(standing_service: Caller, path: str) -> None:
    document = get(standing_service, path)
    links = document.get("links") or next(iter(document.values()))["links"]
    assert links["self"] == BASE_URL + V3 + path


@pytest.mark.parametrize("path", ["/auth/projects", "/projects", f"/users/{ALICE.uuid}/projects"])
def test_the_projects_are_those_that_the_user_can_draw_from(standing_service: Caller, path: str) -> None:
    projects = get(standing_service, path)["projects"]
    assert [project["id"] for project in projects] == [ALICE.uuid, LAB]
    lab = projects[1]
    assert (lab["name"], lab["description"]) == ("lab.example.org", "Where things are tried")
    assert (lab["enabled"], lab["domain_id"], lab["is_domain"]) == (True, "default", False)
    assert get(standing_service, f"/projects/{LAB}") == {"project": lab}
    assert get(standing_service, f"{path}?name=lab.example.org")["projects"] == [lab]
    assert get(standing_service, f"{path}?name=lab")["projects"] == []


@pytest.mark.parametrize(
    "path",
    [
        f"/projects/{UNKNOWN_UUID}",
        f"/projects/{HALTED}",
        f"/projects/{BOB.uuid}",
        f"/users/{BOB.uuid}",
        f"/users/{BOB.uuid}/projects",
        f"/users/{UNKNOWN_UUID}",
        "/users/%00",
        "/domains/another",
        "/users",
        f"/projects/{LAB}/projects/x",
        "/auth",
        "/auth/tokens/x",
        "/roles",
        "//",
    ],
)
def test_what_is_not_there_or_not_the_callers_is_not_found(standing_service: Caller, path: str) -> None:
    reply = standing_service.get(V3 + path, ALICE.token)
    assert (reply.status, reply.document["error"]["title"]) == (404, "Not Found")


def test_a_user_sees_themselves(standing_service: Caller) -> None:
    user = get(standing_service, f"/users/{BOB.uuid}", BOB.token)["user"]
    assert (user["id"], user["name"], user["email"]) == (BOB.uuid, BOB.email.lower(), BOB.email)
    assert (user["enabled"], user["default_project_id"]) == (True, BOB.uuid)


@pytest.mark.parametrize("path", ["/auth/domains", "/domains"])
def test_there_is_one_domain(standing_service: Caller, path: str) -> None:
    (domain,) = get(standing_service, path)["domains"]
    assert DOMAIN.items() <= domain.items()
    assert get(standing_service, "/domains/default") == {"domain": domain}
    assert get(standing_service, f"{path}?name=Default")["domains"] == [domain]
    assert get(standing_service, f"{path}?name=other")["domains"] == []


def test_a_path_that_only_begins_alike_is_not_of_this_api(standing_service: Caller) -> None:
    reply = standing_service.get("/identity/v3x", ALICE.token)
    assert (reply.status, reply.fault) == (400, "badRequest")


def test_where_0_14_is_spoken_this_api_is_the_same(database: Database, service: Caller) -> None:
    with running(database, dialect=V0_14) as old:
        reply = old("PUT", f"{V3}/auth/tokens", ALICE.token)
        assert (reply.status, reply.headers["allow"]) == (405, "POST,GET,HEAD,DELETE")
        for path in LISTS[1:]:
            assert get(old, path) == get(service, path)
        identity = [one for one in get(old, "/auth/catalog")["catalog"] if one["type"] == "identity"]
        assert [endpoint["url"] for endpoint in identity[0]["endpoints"]] == [BASE_URL + V3] * 3
