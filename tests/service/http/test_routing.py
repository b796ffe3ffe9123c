import pytest

from service.caller import ACCOUNT, COMMISSIONS, TOKENS, Caller
from service.world import ALICE, COMPUTE_TOKEN

CALLS = {
    TOKENS: "POST",
    f"{TOKENS}/some/id": "GET",
    "/identity/v2.0": "GET",
    f"{ACCOUNT}/authenticate": "GET",
    f"{ACCOUNT}/myaccount/default_project": "POST",
    f"{ACCOUNT}/user_catalogs": "POST",
    f"{ACCOUNT}/service/user_catalogs": "POST",
    f"{ACCOUNT}/feedback": "POST",
    f"{ACCOUNT}/resources": "GET",
    f"{ACCOUNT}/quotas": "GET",
    f"{ACCOUNT}/service_quotas": "GET",
    f"{ACCOUNT}/service_project_quotas": "GET",
    COMMISSIONS: "GET,POST",
    f"{COMMISSIONS}/action": "POST",
    f"{COMMISSIONS}/7": "GET",
    f"{COMMISSIONS}/7/action": "POST",
}
METHODS = ("GET", "POST", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS")
FOR_USERS = ("authenticate", "myaccount/default_project", "user_catalogs", "feedback", "quotas")
FOR_COMPONENTS = (
    "service/user_catalogs",
    "service_quotas",
    "service_project_quotas",
    "commissions",
    "commissions/action",
    "commissions/7",
    "commissions/7/action",
)


def method_of(path: str) -> str:
    return CALLS[path].partition(",")[0]


@pytest.mark.parametrize(
    ("method", "path"),
    [(method, path) for path in CALLS for method in METHODS if method not in CALLS[path].split(",")],
)
def test_other_methods_are_refused_whoever_asks_and_the_right_ones_are_named(
    standing_service: Caller, method: str, path: str
) -> None:
    reply = standing_service(method, path)
    assert reply.status == 405
    assert reply.headers["allow"] == CALLS[path]
    if method != "HEAD":
        assert reply.fault == "notAllowed"
        assert reply.document["notAllowed"]["code"] == 405


@pytest.mark.parametrize("path", CALLS)
def test_every_call_is_answered_in_the_form_that_is_asked_for(standing_service: Caller, path: str) -> None:
    for query, headers in (("?format=xml", {}), ("", {"Accept": "application/xml"})):
        for slash in ("", "/"):
            reply = standing_service("DELETE", path + slash + query, headers=headers)
            assert reply.headers["content-type"] == "application/xml; charset=UTF-8"
            assert reply.xml.attrib == {"code": "405"}
    for query, headers in (("?format=json", {"Accept": "application/xml"}), ("", {"Accept": "*/*"})):
        reply = standing_service("DELETE", path + query, headers=headers)
        assert (reply.headers["content-type"], reply.fault) == (
            "application/json; charset=UTF-8",
            "notAllowed",
        )


@pytest.mark.parametrize("path", [path for path in CALLS if path != "/identity/v2.0"])
def test_a_suffix_chooses_the_form_and_names_no_call(standing_service: Caller, path: str) -> None:
    # Whatever follows its path, an access token has it as a part of its name.
    expected = "itemNotFound" if path.endswith("some/id") else "badRequest"
    method = method_of(path)
    assert standing_service(method, path + ".json", headers={"Accept": "application/xml"}).fault == expected
    assert standing_service(method, path + ".xml").xml.tag.endswith("}" + expected)


@pytest.mark.parametrize("path", CALLS)
def test_a_trailing_slash_makes_no_difference(standing_service: Caller, path: str) -> None:
    method = method_of(path)
    plain, slashed = standing_service(method, path), standing_service(method, path + "/")
    assert (plain.status, plain.content) == (slashed.status, slashed.content)
    # A slash may be a part of an access token.
    assert standing_service(method, path + "//").status == (404 if path.endswith("some/id") else 400)


@pytest.mark.parametrize("name", FOR_USERS)
def test_calls_for_users_know_no_component(standing_service: Caller, name: str) -> None:
    path = f"{ACCOUNT}/{name}"
    for token in (None, "", "nonsense", COMPUTE_TOKEN):
        reply = standing_service(method_of(path), path, token)
        assert (reply.status, reply.fault) == (401, "unauthorized")


@pytest.mark.parametrize("name", FOR_COMPONENTS)
def test_calls_for_components_know_no_user(standing_service: Caller, name: str) -> None:
    path = f"{ACCOUNT}/{name}"
    for token in (None, "", "nonsense", ALICE.token):
        reply = standing_service(method_of(path), path, token)
        assert (reply.status, reply.fault) == (401, "unauthorized")


@pytest.mark.parametrize(
    "path",
    [
        "/account/",
        "/account/v1.0",
        "/account/v1.0/",
        "/account/v2.0/quotas",
        "/account/v1.0/nothing",
        "/account/v1.0/service/feedback",
        "/account/v1.0/Quotas",
        f"{COMMISSIONS}/abc",
        f"{COMMISSIONS}/-1",
        f"{COMMISSIONS}/1.0",
        f"{COMMISSIONS}/%D9%A1",
        f"{COMMISSIONS}/7/accept",
        f"{COMMISSIONS}/7/action/more",
        "/identity/v4/tokens",
        "/identity/v2.0/tokens.json",
    ],
)
def test_below_the_prefixes_of_the_api_an_unknown_path_is_a_bad_request(
    standing_service: Caller, path: str
) -> None:
    for method in ("GET", "POST", "PUT"):
        reply = standing_service(method, path)
        assert (reply.status, reply.fault) == (400, "badRequest")


@pytest.mark.parametrize(
    "path", ["/account", "/identity", "/nothing", "/accounts/v1.0/quotas", "/ui/nothing"]
)
def test_elsewhere_an_unknown_path_is_a_page_that_says_so(standing_service: Caller, path: str) -> None:
    reply = standing_service.get(path)
    assert reply.status == 404
    assert reply.headers["content-type"].startswith("text/html")
    assert reply.content.startswith(b"<!DOCTYPE html>")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", ["/", "/astakos", "/astakos/"])
def test_the_root_and_the_base_url_lead_to_the_pages_for_people(
    standing_service: Caller, method: str, path: str
) -> None:
    reply = Caller(standing_service.base_url.removesuffix("/astakos"))(method, path)
    assert (reply.status, reply.headers["location"], reply.content) == (301, "/astakos/ui/", b"")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
@pytest.mark.parametrize("path", ["/ui", "/weblogin"])
def test_pages_for_people_lead_to_where_their_slash_is(
    standing_service: Caller, method: str, path: str
) -> None:
    reply = standing_service(method, path)
    assert (reply.status, reply.headers["location"], reply.content) == (301, f"/astakos{path}/", b"")
    assert standing_service(method, f"{path}/").status != 301
    assert standing_service(method, f"{path}//").status == 404


@pytest.mark.parametrize("path", ["//", "/ui", "/astakosx/account/v1.0/resources", "/account/v1.0/resources"])
def test_nothing_is_answered_outside_of_the_path_of_the_base_url(standing_service: Caller, path: str) -> None:
    reply = Caller(standing_service.base_url.removesuffix("/astakos")).get(path)
    assert reply.status == 404
    assert reply.headers["content-type"].startswith("text/html")
