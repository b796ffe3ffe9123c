from collections.abc import Mapping
from typing import Any

import pytest
from tools.write_openapi import STORED, current_document

from astakos.http.openapi.common_parts import HEADERS, PATH_PARAMETERS
from astakos.http.openapi.document import operations
from astakos.http.routes import all_methods
from service.caller import Caller
from service.world import BASE_URL

HOW = "say what it takes and answers with @described(...) on its handler; see http/openapi/description.py"


@pytest.fixture(scope="module")
def document(standing_service: Caller) -> dict[str, Any]:
    reply = standing_service.get("/openapi.json")
    assert (reply.status, reply.headers["content-type"]) == (200, "application/json")
    found: dict[str, Any] = reply.document
    return found


def described(document: Mapping[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (path, method.upper()): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_every_operation_of_every_route_is_described(document: dict[str, Any]) -> None:
    there_are = {(operation.path, operation.method) for operation in operations(all_methods())}
    missing = there_are - described(document).keys()
    assert not missing, HOW
    assert described(document).keys() == there_are


def test_what_stands_in_a_path_is_described(document: dict[str, Any]) -> None:
    for (path, _), operation in described(document).items():
        for name in (part[1:-1] for part in path.split("/") if part.startswith("{")):
            assert name in PATH_PARAMETERS
            assert [one["name"] for one in operation["parameters"] if one["in"] == "path"] == [name]


def test_the_names_of_operations_are_their_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for operation in described(document).values()]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() for name in names)


def test_no_name_of_a_schema_says_where_its_code_stands(document: dict[str, Any]) -> None:
    assert not [name for name in document["components"]["schemas"] if "." in name]


def test_it_is_what_is_stored_so_that_what_callers_see_changes_in_review_only() -> None:
    assert STORED.read_text("utf-8") == current_document(), "run: python tools/write_openapi.py"


def test_it_names_the_url_of_the_service(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1.")
    assert document["servers"] == [{"url": BASE_URL}]


def test_all_that_is_referred_to_is_there(document: dict[str, Any]) -> None:
    def references(value: object) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for one in value.values() for found in references(one)]
        if isinstance(value, list):
            return [found for one in value for found in references(one)]
        return []

    found = references(document)
    assert found
    for reference in set(found):
        place: Any = document
        for part in reference.removeprefix("#/").split("/"):
            place = place[part]


def test_every_answer_has_a_status_a_meaning_and_the_headers_of_all(document: dict[str, Any]) -> None:
    for (path, _), operation in described(document).items():
        assert operation["summary"].endswith((".", "?"))
        for status, response in operation["responses"].items():
            assert 200 <= int(status) < 600
            assert response["description"]
            assert response["headers"].keys() <= HEADERS.keys()
            assert "X-Request-Id" in response["headers"]
            assert ("Astakos-Supports" in response["headers"]) == ("/commissions" in path)


def test_a_header_is_required_where_all_that_a_status_can_mean_carry_it(document: dict[str, Any]) -> None:
    operations = described(document)
    refused = operations["/weblogin/login", "GET"]["responses"]["400"]
    assert set(refused["content"]) == {"text/plain", "text/html"}
    assert refused["headers"]["Content-Security-Policy"]["required"] is False
    pages = [
        (*where, status)
        for where, operation in operations.items()
        for status, response in operation["responses"].items()
        if set(response.get("content", ())) == {"text/html"}
        and "$ref" not in response["headers"].get("Content-Security-Policy", {})
    ]
    assert not pages


def test_whose_token_an_operation_needs_is_what_its_route_asks_for(document: dict[str, Any]) -> None:
    operations = described(document)

    def schemes(path: str, method: str) -> set[str]:
        return {name for one in operations[path, method].get("security", ()) for name in one}

    assert schemes("/account/v1.0/quotas", "GET") == {"userToken", "userTokenInQuery", "userTokenAsBearer"}
    assert schemes("/account/v1.0/commissions", "POST") == {
        "serviceToken",
        "serviceTokenInQuery",
        "serviceTokenAsBearer",
    }
    assert len(schemes("/account/v1.0/commissions/history", "GET")) == 6
    assert schemes("/identity/v2.0/tokens", "POST") == set()


def test_the_body_of_an_issue_is_what_the_handler_reads(document: dict[str, Any]) -> None:
    schema = document["components"]["schemas"]["IssueBody"]
    assert schema["required"] == ["provisions"]
    assert schema["properties"]["name"]["maxLength"] == 4096
    assert schema["properties"]["force"] == {"type": "boolean", "default": False}


@pytest.mark.parametrize("path", ["/openapi.json", "/docs"])
def test_nothing_but_reading_is_allowed(standing_service: Caller, path: str) -> None:
    assert standing_service("POST", path).status == 405
    assert standing_service.get(path + "/").status == 200
