"""Arguments of the middleware that cannot be right."""

from __future__ import annotations

from typing import Any

import pytest

from astakosclient import AstakosClient
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
    ],
)
def test_a_rule_that_cannot_be_meant_is_refused(kind: Any, options: dict[str, Any], words: str) -> None:
    with AstakosClient("http://localhost") as client, pytest.raises(BadValue, match=words):
        kind(_application, client=client, **options)
