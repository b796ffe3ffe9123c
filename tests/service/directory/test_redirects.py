import pytest

from astakos.directory.redirects import (
    DEFAULT_NEXT,
    is_allowed_next,
    own_address,
    path_of,
    refuse_allowed_next,
    with_query,
)

ALLOWED = (*DEFAULT_NEXT, "https://files.example.org", "http://localhost:8080")


@pytest.mark.parametrize(
    "uri",
    [
        "pithos://home",
        "PITHOS://home?a=b#c",
        "pithosdev:opaque",
        "https://files.example.org",
        "https://FILES.example.org/view?x=1#top",
        "http://localhost:8080/",
    ],
)
def test_allowed_schemes_and_origins(uri: str) -> None:
    assert is_allowed_next(uri, ALLOWED)


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "home",
        "/home",
        "//files.example.org",
        "http://files.example.org",
        "https://files.example.org:444/",
        "https://files.example.org.evil.example",
        "https://files.example.org@evil.example/",
        "https://user@files.example.org/",
        "https:files.example.org",
        "https:///files.example.org",
        "https://evil.example/https://files.example.org",
        "https://files.example.org\\@evil.example",
        "https:\\\\files.example.org",
        " pithos://home",
        "pithos://home\n",
        "pithos://ho\r\nSet-Cookie: a=b",
        "pith\tos://home",
        "pithos://\x00",
        "pithos://höme",
        "javascript:alert(1)",
        "JavaScript:alert(1)//pithos://",
        "data:text/html,pithos",
        "pithos.evil://home",
        "https://[bad",
        "https://files.example.org:99999999/",
    ],
)
def test_everything_else_is_refused(uri: str) -> None:
    assert not is_allowed_next(uri, ALLOWED)
    assert not is_allowed_next(uri, (*ALLOWED, "javascript", "data")) or uri == ""


@pytest.mark.parametrize(
    "entry", ["pithos", "my.app+x", "https://a.example", "http://[::1]:80", "http://localhost:1"]
)
def test_what_may_be_allowed(entry: str) -> None:
    assert refuse_allowed_next(entry) is None


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "http",
        "HTTPS",
        "javascript",
        "data",
        "pithos:",
        "https://",
        "https://a/b",
        "https://u@a",
        "*",
        "a b",
    ],
)
def test_what_may_not(entry: str) -> None:
    assert refuse_allowed_next(entry)


def test_the_whole_query_is_replaced_and_the_fragment_kept() -> None:
    assert with_query("pithos://a/b?c=d&e#f", uuid="u|1", token="t") == "pithos://a/b?uuid=u%7C1&token=t#f"


BASE = "https://accounts.example.org/astakos"


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("/astakos/ui/landing", f"{BASE}/ui/landing"),
        (f"{BASE}/oauth2/auth?a=//b/../c", f"{BASE}/oauth2/auth?a=//b/../c"),
        ("/astakos/", f"{BASE}/"),
    ],
)
def test_own_addresses(wanted: str, found: str) -> None:
    assert own_address(wanted, BASE) == found


@pytest.mark.parametrize(
    "wanted",
    [
        "",
        "ui/landing",
        "/",
        "/elsewhere",
        "/astakosx/ui",
        "//evil.example/astakos/",
        "///evil.example/astakos/",
        "/\\evil.example/astakos/",
        "/astakos/../elsewhere",
        "/astakos/%2e%2e/elsewhere",
        "/astakos/\r\nX: y",
        "https://evil.example/astakos/ui",
        "https://accounts.example.org.evil.example/astakos/ui",
        "https://accounts.example.org@evil.example/astakos/ui",
        "http://accounts.example.org/astakos/ui",
        "javascript:alert(1)//https://accounts.example.org/astakos/",
    ],
)
def test_addresses_of_others(wanted: str) -> None:
    assert own_address(wanted, BASE) is None


def test_without_a_path_in_the_base_url() -> None:
    assert own_address("/ui/", "https://a.example") == "https://a.example/ui/"
    assert own_address("//ui/", "https://a.example") is None


@pytest.mark.parametrize("base", ["https://a.example", "https://a.example/astakos"])
@pytest.mark.parametrize(
    "path", ["//evil.example/", "//", "/ui//evil.example", "/%2fevil.example/", "/%5cevil.example/"]
)
def test_no_own_address_can_be_taken_for_one_elsewhere(base: str, path: str) -> None:
    assert own_address(f"{base}{path}", base) is None


def test_a_path_never_names_another_host() -> None:
    assert path_of("https://a.example//evil.example/", "https://a.example") == "/evil.example/"
    assert path_of("https://a.example/ui/landing?x=//y", "https://a.example") == "/ui/landing?x=//y"


def test_an_address_that_is_too_long_for_a_redirect_is_nobodys() -> None:
    longest = f"{BASE}/ui/projects?search=".ljust(2900, "a")
    assert own_address(longest, BASE) == longest
    assert own_address(longest.ljust(3001, "a"), BASE) is None
    assert own_address(f"{BASE}/ui/projects?search={'%20' * 900}", BASE) is None, "it is longer in a query"


def test_weblogin_leads_to_no_address_that_is_too_long_for_a_redirect() -> None:
    assert is_allowed_next("pithos://".ljust(2900, "a"), ALLOWED)
    assert not is_allowed_next("pithos://".ljust(3001, "a"), ALLOWED)
