import pytest

from service.caller import Caller
from service.world import ALICE, BASE_URL

pytestmark = pytest.mark.every_engine

SELF = {"rel": "self", "href": f"{BASE_URL}/identity/v2.0/"}
VERSION = {"id": "v2.0", "status": "CURRENT", "updated": "2014-04-17T00:00:00Z", "links": [SELF]}
SELF_3 = {"rel": "self", "href": f"{BASE_URL}/identity/v3/"}
VERSION_3 = {"id": "v3.0", "status": "stable", "updated": "2013-03-06T00:00:00Z", "links": [SELF_3]}
DETAILED = VERSION | {
    "links": [SELF, {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"}],
    "media_types": [
        {"base": "application/json", "type": "application/vnd.openstack.identity-v2.0+json"},
    ],
}


@pytest.mark.parametrize("token", [None, "nonsense", ALICE.token])
def test_the_versions_are_for_everybody(standing_service: Caller, token: str | None) -> None:
    reply = standing_service.get("/identity/", token)
    assert (reply.status, reply.document) == (200, {"versions": {"values": [VERSION, VERSION_3]}})
    for path in ("/identity/v2.0", "/identity/v2.0/"):
        reply = standing_service.get(path, token)
        assert (reply.status, reply.document) == (200, {"version": DETAILED})


@pytest.mark.parametrize(
    ("path", "same"),
    [
        ("/identity/.json", "/identity/"),
        ("/identity/v2.0.json", "/identity/v2.0"),
        ("/identity/v2.0/.json", "/identity/v2.0"),
    ],
)
def test_a_path_that_asks_for_json_is_answered_alike(standing_service: Caller, path: str, same: str) -> None:
    reply = standing_service.get(path, Accept="application/xml")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json; charset=UTF-8")
    assert reply.content == standing_service.get(same).content
    refused = standing_service("POST", path)
    assert (refused.status, refused.headers["allow"]) == (405, "GET")


def test_asking_for_one_version_changes_nothing_in_the_list(standing_service: Caller) -> None:
    before = standing_service.get("/identity/").content
    for _ in range(2):
        assert standing_service.get("/identity/v2.0").document == {"version": DETAILED}
    assert standing_service.get("/identity/").content == before


def test_the_list_is_found_with_its_slash_only(standing_service: Caller) -> None:
    reply = standing_service.get("/identity")
    assert (reply.status, reply.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert standing_service.get("/identity//").status == 400


@pytest.mark.parametrize("path", ["/identity/", "/identity/v2.0"])
def test_there_is_no_xml_of_versions_so_that_json_is_labelled_as_it(
    standing_service: Caller, path: str
) -> None:
    reply = standing_service.get(path, Accept="application/xml")
    assert reply.headers["content-type"] == "application/xml; charset=UTF-8"
    assert reply.content == standing_service.get(path).content


@pytest.mark.parametrize(
    "path", ["/identity/v4", "/identity/v2.0/tenants", "/identity/v2.0.jsonp", "/identity/v2.0.json/"]
)
def test_other_versions_are_not_known(standing_service: Caller, path: str) -> None:
    reply = standing_service.get(path)
    assert (reply.status, reply.fault) == (400, "badRequest")


@pytest.mark.parametrize("path", ["/identity/v3", "/identity/v3/"])
def test_version_3_tells_of_itself(standing_service: Caller, path: str) -> None:
    reply = standing_service.get(path, Accept="application/xml")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    media_types = [{"base": "application/json", "type": "application/vnd.openstack.identity-v3+json"}]
    assert reply.document == {"version": VERSION_3 | {"media_types": media_types}}
