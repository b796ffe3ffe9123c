import pytest

from astakos.directory.destination_addresses import AllowedAddresses

PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::93.184.216.34"]
OTHERS = [
    "127.0.0.1",
    "10.1.2.3",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "224.0.0.1",
    "255.255.255.255",
    "192.0.2.1",
    "::",
    "::1",
    "::127.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b:1::1",
    "2002:0a00:0001::1",
    "2001:0:53aa:64c:0:fbff:f5ff:fffe",
    "fe80::1%eth0",
    "fc00::1",
    "fec0::1",
    "ff02::1",
    "2001:db8::1",
    "what is this",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_allowed(address: str) -> None:
    assert AllowedAddresses().refuse([address]) is None


@pytest.mark.parametrize("address", OTHERS)
def test_others_are_not(address: str) -> None:
    assert "is not a public address" in str(AllowedAddresses().refuse([PUBLIC[0], address]))


def test_a_network_can_be_allowed() -> None:
    allowed = AllowedAddresses(["10.0.0.0/8", "fc00::/7"])
    assert allowed.refuse(["10.1.2.3", "::ffff:10.1.2.3", "fc00::1", *PUBLIC]) is None
    assert allowed.refuse(["11.0.0.1"]) is None
    assert "169.254.169.254" in str(allowed.refuse(["10.1.2.3", "169.254.169.254"]))
    assert allowed.are_own(["10.1.2.3", "fc00::1"])
    assert not allowed.are_own(["10.1.2.3", PUBLIC[0]])
