"""The token in the cookie of the login page."""

from __future__ import annotations

from http.cookies import SimpleCookie
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from astakosclient import get_token_from_cookie


class Broken:
    @property
    def COOKIES(self) -> NoReturn:  # noqa: N802 - as the framework has it
        raise RuntimeError


@pytest.mark.parametrize(
    ("request_", "token"),
    [
        (SimpleNamespace(COOKIES={"a": "uuid%7Ctoken"}), "token"),
        (SimpleNamespace(COOKIES={"a": "uuid|to%2Bken|more"}), "to+ken"),
        (SimpleNamespace(COOKIE={"a": "uuid%7Ctoken"}), "token"),
        (SimpleNamespace(COOKIES={"a": "u|new"}, COOKIE={"a": "u|old"}), "new"),
        (SimpleNamespace(COOKIES={}, COOKIE={"a": "u|old"}), "old"),
        (SimpleNamespace(cookies={"a": "uuid%7Ctoken"}), "token"),
        (SimpleNamespace(cookies={"a": '"uuid%7Ctoken"'}), "token"),
        (SimpleNamespace(cookies=SimpleCookie("a=uuid%7Cto%3Dken")), "to=ken"),
        (SimpleNamespace(COOKIES={"a": "u|new"}, cookies={"a": "u|other"}), "new"),
        (SimpleNamespace(COOKIES={"b": "uuid|token"}), None),
        (SimpleNamespace(COOKIES={"a": "uuid"}), None),
        (SimpleNamespace(COOKIES={"a": "uuid%7C"}), None),
        (SimpleNamespace(COOKIES={"a": None}), None),
        (SimpleNamespace(COOKIES={"a": 7}), None),
        (SimpleNamespace(COOKIES=None), None),
        (SimpleNamespace(), None),
        (Broken(), None),
        (None, None),
    ],
)
def test_the_token_or_none_and_never_an_exception(request_: Any, token: str | None) -> None:
    assert get_token_from_cookie(request_, "a") == token
