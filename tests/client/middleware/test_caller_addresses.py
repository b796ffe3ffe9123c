"""Whose word counts about from where a request came."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from astakosclient.errors import BadValue
from astakosclient.middleware.caller_addresses import CallerAddresses

TRUSTED = ("10.0.0.0/8", "2001:db8:aa::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.7", None, "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
        ("10.0.0.5", "198.51.100.1", "198.51.100.1"),
        ("::ffff:10.0.0.5", "::ffff:198.51.100.1", "198.51.100.1"),
        ("10.0.0.5", "198.51.100.1:443, [2001:db8:aa::1]:80", "198.51.100.1"),
        ("2001:db8:aa::1", "fe80::1%eth0", "fe80::1"),
        ("10.0.0.5", "10.0.0.7, 10.0.0.6", "10.0.0.7"),
        ("10.0.0.5", None, None),
        ("10.0.0.5", "198.51.100.1,", None),
        ("10.0.0.5", "198.51.100.1, unknown", None),
        ("", "198.51.100.1", None),
        (None, "198.51.100.1", None),
        ("testclient", "198.51.100.1", None),
    ],
)
def test_the_caller_is_the_last_one_that_a_trusted_proxy_tells(
    peer: object, forwarded: str | None, address: str | None
) -> None:
    assert CallerAddresses(TRUSTED).address(peer, forwarded) == address


@given(forged=st.lists(st.text(max_size=20), max_size=4), peer=st.ip_addresses(network="192.0.2.0/24"))
def test_what_a_caller_writes_before_the_proxy_appends_changes_nothing(
    forged: list[str], peer: object
) -> None:
    callers = CallerAddresses(TRUSTED)
    assert callers.address("10.0.0.5", ",".join([*forged, str(peer)])) == str(peer)
    assert callers.address(str(peer), ",".join(forged)) == str(peer)


@pytest.mark.parametrize("trusted", ["10.0.0.5", ["nonsense"], ["10.0.0.5/8"], [None]])
def test_wrong_proxies_are_refused(trusted: list[str]) -> None:
    with pytest.raises(BadValue, match="trusted_proxies"):
        CallerAddresses(trusted)
