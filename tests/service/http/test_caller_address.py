import pytest

from astakos.http.caller_address import address_of


@pytest.mark.parametrize(
    ("client", "forwarded", "address"),
    [
        ("192.0.2.7", "", "192.0.2.7"),
        ("192.0.2.7", "198.51.100.1", "192.0.2.7"),
        ("127.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "10.9.8.7, 198.51.100.1", "198.51.100.1"),
        ("::1", "198.51.100.1", "198.51.100.1"),
        ("127.0.0.1", "", None),
        ("127.0.0.1", "unknown", None),
        ("127.0.0.1", "198.51.100.1, ", None),
        ("2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::/64"),
        ("127.0.0.1", "2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("not an address", "198.51.100.1", None),
    ],
)
def test_whom_to_believe(client: str, forwarded: str, address: str | None) -> None:
    assert address_of((client, 1234), forwarded) == address


def test_who_is_not_known_is_nobody() -> None:
    assert address_of(None, "198.51.100.1") is None
