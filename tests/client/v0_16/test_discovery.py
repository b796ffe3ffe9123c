"""What a catalogue says of where the parts of the API are."""

from __future__ import annotations

import pytest

from astakosclient.core.address import parse_base_url
from astakosclient.errors import NoEndpoints
from astakosclient.v0_16.discovery import Root, roots_of
from client.v0_16.catalogues import ACCOUNT_URL, OAUTH2_URL, UI_URL, catalogue, service


def test_the_roots_are_those_of_the_account_service_its_pages_and_oauth2() -> None:
    roots = roots_of(catalogue())
    assert roots.account == Root(ACCOUNT_URL, "/astakos/account/v1.0")
    assert roots.ui == Root(UI_URL, "/astakos/ui")
    assert roots.oauth2 == Root(OAUTH2_URL, "/astakos/oauth2")


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        ("https://h/account/v1.0/", "/account/v1.0"),
        ("https://h", ""),
        ("https://h/", ""),
        ("/account", "/account"),
        ("account", "/account"),
        ("https://h/größe is%20quoted?query#fragment", "/gr%C3%B6%C3%9Fe%20is%20quoted"),
        ("https://h/a\r\nX-Injected: b", "/aX-Injected:%20b"),
    ],
)
def test_only_the_path_of_a_url_counts(url: str, prefix: str) -> None:
    assert roots_of(catalogue(account=url)).account == Root(url, prefix)


@pytest.mark.parametrize("ui", [None, 7, "http://[broken"])
def test_pages_and_oauth2_may_be_missing(ui: object) -> None:
    roots = roots_of(catalogue(ui=ui, oauth2=None))
    assert roots.ui is None
    assert roots.oauth2 is None


def test_of_several_versions_of_the_account_service_it_is_the_first_that_fits() -> None:
    several = service("astakos_account", versionId="v2.0", publicURL="/new")
    several["endpoints"] += [
        {"versionId": "v1.0", "publicURL": "/first"},
        {"versionId": "v1.0", "publicURL": "/second"},
    ]
    assert roots_of({"access": {"serviceCatalog": [several]}}).account.prefix == "/first"


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"access": []},
        {"access": {"serviceCatalog": None}},
        catalogue(account=None),
        catalogue(account=7),
        catalogue(account="http://[broken"),
        {"access": {"serviceCatalog": [service("astakos_account", versionId="v2.0", publicURL="/new")]}},
        {"access": {"serviceCatalog": [service("astakos_account", versionId="v1.0")]}},
        {"access": {"serviceCatalog": [{"name": "astakos_account", "endpoints": []}]}},
    ],
)
def test_without_an_account_service_there_is_nothing_to_call(document: dict[str, object]) -> None:
    with pytest.raises(NoEndpoints, match=r"'astakos_account'.*'v1\.0'"):
        roots_of(document)


@pytest.mark.parametrize(
    ("here", "url"),
    [
        ("https://h/x", "https://h/y"),
        ("https://h", "https://h:443/y"),
        ("http://h:80", "http://H/y"),
        ("http://h:8000", "http://h:8000"),
        ("http://h", "/only/a/path"),
    ],
)
def test_a_url_that_names_the_same_server_is_no_stranger(here: str, url: str) -> None:
    roots = roots_of(catalogue(account=url, ui=None, oauth2=None))
    assert roots.foreign_urls(parse_base_url(here)) == []


@pytest.mark.parametrize("url", ["http://h/y", "https://g/y", "https://h:444/y", "https://h:no/y"])
def test_a_url_that_names_another_server_is_one(url: str) -> None:
    roots = roots_of(catalogue(account="https://h/y", ui=url, oauth2=None))
    assert roots.foreign_urls(parse_base_url("https://h/x")) == [url]
