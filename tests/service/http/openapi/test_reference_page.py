import json
import shlex
from typing import Any

import pytest
from jsonschema_rs import Draft202012Validator
from selectolax.lexbor import LexborHTMLParser

from astakos.http.openapi.examples import Examples
from astakos.http.routes import all_methods
from service.caller import Caller


@pytest.fixture(scope="module")
def document(standing_service: Caller) -> dict[str, Any]:
    found: dict[str, Any] = standing_service.get("/openapi.json").document
    return found


def shown(service: Caller, query: str = "") -> LexborHTMLParser:
    reply = service.get(f"/docs{query}")
    assert reply.status == 200
    assert reply.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in reply.headers["content-security-policy"]
    return LexborHTMLParser(reply.content.decode())


def test_it_shows_every_call_and_schema_in_tables_with_headings(
    standing_service: Caller, document: dict[str, Any]
) -> None:
    page = shown(standing_service)
    paths = {one.text() for one in page.css(".call h3 code")}
    assert paths == set(document["paths"]) == set(all_methods())
    anchors = [one.attributes["id"] for one in page.css("[id]")]
    assert len(anchors) == len(set(anchors))
    assert document["components"]["schemas"].keys() <= set(anchors)
    assert {one.attributes["href"] for one in page.css('a[href^="#"]')} <= {f"#{one}" for one in anchors}
    assert page.css_first('a[href$="/openapi.json"]')
    tables = page.css("table")
    assert all(table.css('thead th[scope="col"]') and table.css_first("caption") for table in tables)
    assert all(row.css_first('th[scope="row"]') for row in page.css("tbody tr"))


def test_a_search_shows_what_has_all_words_and_the_schemas_that_it_links(standing_service: Caller) -> None:
    page = shown(standing_service, "?q=Commissions+BULK")
    assert [one.text() for one in page.css(".call h3 code")] == ["/account/v1.0/commissions/bulk"]
    anchors = {f"#{one.attributes['id']}" for one in page.css("[id]")}
    links = {one.attributes["href"] for one in page.css('a[href^="#"]')}
    assert links <= anchors
    assert "#BulkBody" in links
    text = page.css_first("#found")
    assert text is not None
    assert text.text().startswith("1 found")
    field = page.css_first("#search")
    assert field is not None
    assert field.attributes["value"] == "Commissions BULK"
    nothing = shown(standing_service, "?q=%3Cscript%3E")
    assert "Nothing matches" in nothing.text()
    assert not nothing.css(".call, script:not([src])")


def test_it_is_compressed_for_browsers(standing_service: Caller) -> None:
    reply = standing_service("GET", "/docs", headers={"Accept-Encoding": "gzip"})
    assert reply.headers["content-encoding"] == "gzip"
    assert len(reply.content) < 100_000


def test_examples_are_what_the_schemas_allow(document: dict[str, Any]) -> None:
    examples, bodies, answers = Examples(document), 0, 0
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            media_type, body = examples.body(operation)
            if media_type:
                schema = operation["requestBody"]["content"][media_type]["schema"]
                validator(document, schema).validate(body)
                bodies += 1
            answer = examples.answer(operation)
            if answer:
                (content, *_) = (
                    response["content"]["application/json"]["schema"]
                    for status, response in operation["responses"].items()
                    if status.startswith("2") and "application/json" in response.get("content", {})
                )
                validator(document, content).validate(json.loads(answer))
                answers += 1
            words = shlex.split(examples.command(method.upper(), path, operation))
            assert words[0] == "curl"
            assert not any("{" in word for word in words if word.startswith("http"))
    assert bodies > 20
    assert answers > 40


def validator(document: dict[str, Any], schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": document["components"]})


def test_an_example_of_a_commission_can_be_sent(document: dict[str, Any]) -> None:
    operation = document["paths"]["/account/v1.0/commissions"]["post"]
    command = Examples(document).command("POST", "/account/v1.0/commissions", operation)
    words = shlex.split(command)
    assert words[1:3] == ["--request", "POST"]
    assert "X-Auth-Token: $TOKEN" in words
    body = json.loads(words[words.index("--data") + 1])
    assert body["provisions"][0]["resource"] == "compute.vm"
