import logging

import pytest

from astakos.directory.trusted_proxies import TrustedProxies
from astakos.http.dialects.newest import NEWEST
from astakos.http.forwarding import caller_network
from astakos.http.request import Request
from astakos.storage.protocol import Database
from service.installation import running

FORWARDED = {"X-Forwarded-For": "198.51.100.1"}


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]


@pytest.mark.parametrize("name", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Protocol"])
def test_headers_from_elsewhere_are_warned_about_once(
    database: Database, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    with running(database, proxies=TrustedProxies(["10.0.0.0/8"])) as caller:
        for _ in range(3):
            assert caller("GET", "/healthz", headers={name: "https"}).status == 200
    (warning,) = warnings(caplog)
    assert "127.0.0.1, which is not a trusted proxy" in warning
    assert "--trusted-proxy 127.0.0.1" in warning


def test_headers_of_a_trusted_proxy_are_no_reason_to_warn(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with running(database) as caller:
        for _ in range(2):
            assert caller("GET", "/healthz", headers=FORWARDED).status == 200
        assert caller("GET", "/healthz").status == 200
    assert warnings(caplog) == []


PEER = ("127.0.0.1", 5000)


def network(forwarded: str | None, peer: tuple[str, int] | None = PEER) -> str | None:
    """The network of a caller, with such a header."""
    headers = {} if forwarded is None else {b"x-forwarded-for": forwarded.encode()}
    return caller_network(TrustedProxies(), Request("GET", b"/", headers, NEWEST, peer=peer))


class TestNetworkOfCaller:
    @pytest.mark.parametrize(
        ("forwarded", "found"),
        [
            (None, "127.0.0.1"),
            ("198.51.100.1", "198.51.100.1"),
            ("203.0.113.7, 198.51.100.1", "198.51.100.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("2001:db8:1:2:9::9", "2001:db8:1:2::/64"),
            ("nobody", "127.0.0.1"),
            ("203.0.113.7, " * 20 + "198.51.100.1", "198.51.100.1"),
        ],
    )
    def test_is_what_the_last_proxy_tells(self, forwarded: str | None, found: str) -> None:
        assert network(forwarded) == found

    def test_of_others_is_their_own(self) -> None:
        assert network("198.51.100.1", ("203.0.113.9", 5000)) == "203.0.113.9"
        assert network(None, ("2001:db8::7", 5000)) == "2001:db8::/64"

    def test_is_unknown_without_a_peer(self) -> None:
        assert network("198.51.100.1", None) is None
