"""Headers of a caller's own."""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import pytest

from astakosclient.errors import BadValue
from astakosclient.v0_16.own_headers import checked_headers


def test_headers_are_copied_in_their_order() -> None:
    given = {"X-Tenant": "7", "X-Trace": "\xe9\t"}
    taken = checked_headers(MappingProxyType(given))
    given["X-Later"] = "8"
    assert taken == (("X-Tenant", "7"), ("X-Trace", "\xe9\t"))
    assert checked_headers(None) == ()


@pytest.mark.parametrize(
    ("headers", "complaint"),
    [
        ([("X-Tenant", "7")], "headers must map names to values, not be a list"),
        ({7: "7"}, "headers: 7 is not a valid header name"),
        ({"": "7"}, "headers: '' is not a valid header name"),
        ({"X Tenant": "7"}, "headers: 'X Tenant' is not a valid header name"),
        ({"X-Tenant\r\n": "7"}, "is not a valid header name"),
        ({"X-Tenant": 7}, "the value of X-Tenant must be a string"),
        (
            {"X-Tenant": "secret\r\nX-Injected: 1"},
            "the value of X-Tenant must be a string without line breaks",
        ),
        ({"X-Tenant": "Ωsecret"}, "within Latin-1"),
        ({"Content-Length": "7"}, "headers: Content-Length is set by the transport"),
        ({"transfer-encoding": "chunked"}, "headers: transfer-encoding is set by the transport"),
        ({"HOST": "h"}, "headers: HOST is set by the transport"),
    ],
)
def test_what_cannot_be_sent_is_refused_without_showing_values(headers: Any, complaint: str) -> None:
    with pytest.raises(BadValue) as refused:
        checked_headers(headers)
    assert complaint in str(refused.value)
    assert "secret" not in str(refused.value)
