import pytest

from astakos.directory.trusted_proxies import TrustedProxies

HERE = TrustedProxies()
CHAIN = TrustedProxies(["172.30.0.0/24", "10.0.0.5", "2001:db8:aa::/48"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("::ffff:127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "198.51.100.1:5678", "198.51.100.1"),
        ("127.0.0.1", "[2001:db8::1]:443", "2001:db8::1"),
        ("127.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "10.9.8.7, 198.51.100.1", "198.51.100.1"),
        ("::1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "198.51.100.1, 127.0.0.1", "198.51.100.1"),
        ("127.0.0.1", "127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "", None),
        ("127.0.0.1", "unknown", None),
        ("127.0.0.1", "198.51.100.1, ", None),
        ("not an address", "198.51.100.1", None),
    ],
)
def test_a_proxy_on_this_machine_is_believed_and_nobody_else(
    peer: str, forwarded: str, caller: str | None
) -> None:
    found = HERE.caller((peer, 1234), forwarded)
    assert (None if found is None else str(found)) == caller


@pytest.mark.parametrize(
    ("peer", "forwarded", "caller"),
    [
        ("172.30.0.1", "198.51.100.1", "198.51.100.1"),
        ("172.30.1.1", "198.51.100.1", "172.30.1.1"),
        ("127.0.0.1", "198.51.100.1", "127.0.0.1"),
        ("172.30.0.1", "198.51.100.1, 10.0.0.5", "198.51.100.1"),
        ("172.30.0.1", "203.0.113.9, 198.51.100.1, 2001:db8:aa::7, 10.0.0.5", "198.51.100.1"),
        ("172.30.0.1", "198.51.100.1, 10.0.0.6", "10.0.0.6"),
        ("::ffff:172.30.0.1", "198.51.100.1", "198.51.100.1"),
        ("172.30.0.1", "198.51.100.1, unknown, 10.0.0.5", None),
    ],
)
def test_each_of_several_proxies_tells_whom_it_serves(peer: str, forwarded: str, caller: str | None) -> None:
    found = CHAIN.caller((peer, 1234), forwarded)
    assert (None if found is None else str(found)) == caller


def test_a_connection_without_an_address_is_not_believed() -> None:
    assert HERE.caller(None, "198.51.100.1") is None
    assert not HERE.believe(None)


@pytest.mark.parametrize(
    ("network", "reason"),
    [
        ("proxy.example.org", "'proxy.example.org'"),
        ("", "''"),
        ("10.0.0.0/33", "10.0.0.0/8"),
        ("10.1.2.3/8", "starts with its own address"),
        ("::ffff:10.0.0.0/104", "as IPv4 if it is IPv4"),
    ],
)
def test_what_is_not_a_network_is_refused(network: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        TrustedProxies([network])
