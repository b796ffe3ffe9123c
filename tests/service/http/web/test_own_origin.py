import pytest

from astakos.http.web.own_origin import is_from_elsewhere

BASE = "https://accounts.example.org/astakos"
HOST = "accounts.example.org"


@pytest.mark.parametrize("fetch_site", ["", "same-origin", "none"])
@pytest.mark.parametrize(
    ("origin", "base_url", "host"),
    [
        ("", BASE, HOST),
        ("https://accounts.example.org", BASE, HOST),
        ("https://accounts.example.org", BASE, "backend:8000"),
        ("https://Accounts.Example.org:443", BASE, HOST),
        ("https://accounts.example.org", "https://accounts.example.org:443", "backend"),
        ("https://other.example.org", BASE, "other.example.org"),
        ("http://localhost:8000", "http://127.0.0.1:8000", "localhost:8000"),
        ("http://localhost", "http://127.0.0.1", "localhost:80"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443/astakos", ""),
    ],
)
def test_own_pages_are_not_elsewhere(fetch_site: str, origin: str, base_url: str, host: str) -> None:
    assert not is_from_elsewhere(fetch_site, origin, base_url, host)


@pytest.mark.parametrize(
    ("fetch_site", "origin"),
    [
        ("cross-site", ""),
        ("same-site", ""),
        ("same-site", "https://accounts.example.org"),
        ("", "https://sibling.example.org"),
        ("same-origin", "https://sibling.example.org"),
        ("", "https://accounts.example.org:8443"),
        ("", "http://accounts.example.org"),
        ("", "https://accounts.example.org.evil.example"),
        ("", "https://evil.example/accounts.example.org"),
        ("", "null"),
        ("", "nonsense"),
        ("", "https://"),
        ("", "https://["),
        ("", "://"),
        ("", "app://accounts.example.org"),
    ],
)
def test_other_pages_are_elsewhere(fetch_site: str, origin: str) -> None:
    assert is_from_elsewhere(fetch_site, origin, BASE, HOST)


def test_without_a_host_no_origin_is_own_by_having_none() -> None:
    assert is_from_elsewhere("", "https://", BASE, "")
