"""Who is warned that tokens travel in the clear, and how often."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import pytest

from astakosclient import AstakosClient, HttpTransport, errors
from astakosclient.async_client import AsyncAstakosClient
from astakosclient.http1 import exposure
from astakosclient.http1.aio.async_transport import AsyncHttpTransport
from astakosclient.http1.exposure import is_loopback

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(autouse=True)
def _nobody_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exposure, "_warned_of", set())


@pytest.mark.parametrize("make", [AstakosClient, HttpTransport, AsyncAstakosClient, AsyncHttpTransport])
def test_plain_http_to_another_host_warns_whoever_made_the_client(make: Callable[[str], object]) -> None:
    with pytest.warns(
        errors.InsecureConnectionWarning, match=r"accounts\.example\.org over plain http"
    ) as caught:
        make("http://accounts.example.org:8000/x")
    assert [warning.filename for warning in caught] == [__file__]


def test_each_host_is_named_once() -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for host in ("one.example.org", "two.example.org", "one.example.org"):
            AstakosClient(f"http://{host}")
            AstakosClient(f"http://{host}:8000/x")
    assert [str(warning.message).split()[3] for warning in caught] == ["one.example.org", "two.example.org"]


def test_as_an_error_it_refuses_every_client() -> None:
    for _ in range(2):
        with pytest.raises(errors.InsecureConnectionWarning):
            AstakosClient("http://accounts.example.org")


def test_it_can_be_silenced_by_its_category() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", errors.InsecureConnectionWarning)
        AstakosClient("http://accounts.example.org")


@pytest.mark.parametrize(
    "url",
    [
        "https://accounts.example.org",
        "http://localhost",
        "http://LOCALHOST:8000",
        "http://astakos.localhost",
        "http://127.0.0.1",
        "http://127.1.2.3:8000",
        "http://[::1]:8000",
    ],
)
def test_what_does_not_leave_the_machine_or_is_encrypted_is_fine(url: str) -> None:
    AstakosClient(url)


@pytest.mark.parametrize(
    "host",
    ["127.example.org", "127.0.0.1.example.org", "localhost.example.org", "notlocalhost", "10.0.0.1", "::2"],
)
def test_what_only_looks_like_loopback_is_none(host: str) -> None:
    assert not is_loopback(host)
