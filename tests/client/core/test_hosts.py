"""Which host a URL means: to the resolver, and to the server."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import pytest

from astakosclient import AstakosClient, errors
from astakosclient.core.address import parse_base_url
from astakosclient.v0_16.discovery import Root
from client.awaited import reading, send_once
from client.peers import answer, resolve_all_to

if TYPE_CHECKING:
    from client.conftest import PeerFactory

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"

pytestmark = pytest.mark.filterwarnings("ignore::astakosclient.errors.InsecureConnectionWarning")


@pytest.mark.parametrize(
    ("written", "resolved"),
    [
        ("fe80::1%25eth0", "fe80::1%eth0"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("FE80::1%25Eth0", "fe80::1%Eth0"),
        ("fe80::1%251", "fe80::1%1"),
        ("fe80::1%25eth0.7", "fe80::1%eth0.7"),
    ],
)
def test_a_zone_is_for_the_resolver_only(written: str, resolved: str) -> None:
    address = parse_base_url(f"http://[{written}]:8000/x")
    assert (address.resolvable, address.authority) == (resolved, "[fe80::1]:8000")
    assert parse_base_url(str(address)) == address
    assert address != parse_base_url("http://[fe80::1]:8000/x")


@pytest.mark.parametrize("zone", ["%25", "%", "%25a%25b", "%25a%2Fb", "%25%00", "%25%C3%A9", "%25a%0D%0Ab"])
def test_an_invalid_zone_is_refused(zone: str) -> None:
    with pytest.raises(errors.BadValue, match=r"astakos_url"):
        parse_base_url(f"http://[fe80::1{zone}]:8000")


def test_a_zone_is_never_sent(peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    peer = peer_of(answer({}))
    asked = resolve_all_to(peer.port, monkeypatch)
    url = f"http://[::1%251]:{peer.port}"
    with AstakosClient(url) as client:
        client.get_quotas(TOKEN)
    assert send_once(asyncio.run, url, reading(url)).status == 200
    assert asked == ["::1%1"] * 2
    assert [request.headers["host"] for request in peer.requests] == [f"[::1]:{peer.port}"] * 2


def test_neither_the_proxy_nor_the_server_behind_it_learns_of_a_zone(
    peer_of: PeerFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = peer_of(answer({}))
    asked = resolve_all_to(peer.port, monkeypatch)
    monkeypatch.setenv("http_proxy", f"http://[fe80::9%25eth1]:{peer.port}")
    with AstakosClient("http://[::1%251]:8000") as client:
        client.get_quotas(TOKEN)
    (request,) = peer.requests
    assert asked == ["fe80::9%eth1"]
    assert (request.target[:18], request.headers["host"]) == ("http://[::1]:8000/", "[::1]:8000")


@pytest.mark.parametrize(
    ("name", "encoded"),
    [
        ("straße.example", "xn--strae-oqa.example"),
        ("STRAßE.example.", "xn--strae-oqa.example."),
        ("σοφός.example", "xn--0xagbn4a.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),
        ("accounts_1.example", "accounts_1.example"),
    ],
)
def test_names_beyond_ascii_are_encoded_by_idna_2008(name: str, encoded: str) -> None:
    assert parse_base_url(f"https://{name}/x").host == encoded


def test_without_the_package_a_name_that_needs_idna_2008_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "idna", None)
    with pytest.raises(errors.BadValue, match="install the package idna, or write the name in ASCII"):
        parse_base_url("https://straße.example")
    assert parse_base_url("https://bücher.example").host == "xn--bcher-kva.example"


STRAY = ["a\\b", "ho%73t", "a<b>", "a|b", 'a"b', "a,b", "a*b", "é<b"]
"""What some programs take for something else than a part of the name."""


@pytest.mark.parametrize("name", ["a..b", "é..b", "a" * 64, "é" * 64, "straße..example", "ß" * 64, *STRAY])
def test_an_invalid_name_is_refused(name: str) -> None:
    with pytest.raises(errors.BadValue, match="astakos_url has an invalid host name"):
        parse_base_url(f"https://{name}")


def test_a_proxy_has_a_host_as_a_server_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://straße..example:3128")
    with pytest.raises(errors.BadValue, match="the proxy set in the environment has an invalid host name"):
        AstakosClient("http://[fd00::1]:1")


def test_an_address_in_the_catalog_may_be_beyond_ascii() -> None:
    assert Root("https://straße.example/x", "/x").is_at(parse_base_url("https://xn--strae-oqa.example"))
    assert not Root("https://straße.example/x", "/x").is_at(parse_base_url("https://strasse.example"))
    assert not Root("https://ß..example/x", "/x").is_at(parse_base_url("https://strasse.example"))
