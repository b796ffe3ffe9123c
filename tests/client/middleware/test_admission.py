"""Arguments of the middleware that cannot be right."""

from __future__ import annotations

from typing import Any

import pytest

from astakosclient import AstakosClient, AsyncAstakosClient
from astakosclient.errors import BadValue
from astakosclient.middleware.asgi import ASGIAuthentication
from astakosclient.middleware.wsgi import WSGIAuthentication


def _application(*_: Any) -> Any:
    pytest.fail("the application was called")


@pytest.mark.parametrize("kind", [ASGIAuthentication, WSGIAuthentication])
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"exempt": "/health"}, "exempt must be a list of paths, not the string '/health'"),
        ({"exempt": ["health"]}, "exempt: 'health' is not a path like /health or /static/"),
        ({"exempt": ["/a/../b"]}, "must begin with /"),
        ({"exempt": ["/a//b/"]}, "empty segments"),
        ({"exempt": [None]}, "exempt: None is not a path"),
        ({"realm": 'a"b'}, "realm must be printable ASCII"),
        ({"realm": "a\r\nb"}, "realm must be printable ASCII"),
        ({"component_token": ""}, "component_token must be a text, or None, and is empty"),
        ({"component_token": b"s3cret"}, "component_token must be a text, or None, and is a bytes"),
        ({"service": 5}, "service must be a text, or None, and is a int"),
        ({"keeping": 5}, "keeping must be a Keeping"),
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(kind: Any, options: dict[str, Any], words: str) -> None:
    with AstakosClient("http://localhost") as client, pytest.raises(BadValue, match=words):
        kind(_application, client=client, **options)


@pytest.mark.parametrize("kind", [ASGIAuthentication, WSGIAuthentication])
@pytest.mark.parametrize("client", [None, "http://localhost", object()])
def test_what_is_no_client_is_refused_at_once(kind: Any, client: Any) -> None:
    with pytest.raises(BadValue, match="client must be a client of Astakos"):
        kind(_application, client=client)


def test_an_asynchronous_client_is_not_for_wsgi() -> None:
    with pytest.raises(BadValue, match="needs the ASGI middleware"):
        WSGIAuthentication(_application, client=AsyncAstakosClient("http://localhost"))
