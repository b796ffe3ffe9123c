"""Which addresses webhooks may be sent to: public ones, and those in networks that a setting allows.

Otherwise whoever chooses a URL, or controls the name in it, could reach services in the operator's network.
"""

from collections.abc import Iterable
from ipaddress import IPv6Address, IPv6Network

from astakos.directory.network_addresses import IPAddress, Networks, parse_address
from astakos.directory.setting_hints import how_to_set

GLOBAL_UNICAST = IPv6Network("2000::/3")
TEREDO = IPv6Network("2001::/32")
"""Tunnels to an IPv4 address that is part of the address."""


class AllowedAddresses:
    """The addresses that may be connected to."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        """Allows public addresses and those in these networks.

        Raises:
            ValueError: one of them is not a network.
        """
        self._networks = Networks(networks)

    def are_own(self, addresses: Iterable[str]) -> bool:
        """Whether all addresses are in networks that the operator has named."""
        return all(self._networks.include(parse_address(address)) for address in addresses)

    def refuse(self, addresses: Iterable[str]) -> str | None:
        """Returns why a host with these addresses cannot be connected to, or None."""
        for text in addresses:
            address = parse_address(text)
            if address is None or not (is_public(address) or self._networks.include(address)):
                return (
                    f"{text} is not a public address; to allow it, add its network to the setting "
                    f"webhook_networks, whose whole list you give: {how_to_set('webhook_networks', [text])}"
                )
        return None


def is_public(address: IPAddress) -> bool:
    """Whether an address belongs to the public internet, and to one host."""
    if isinstance(address, IPv6Address) and (address not in GLOBAL_UNICAST or address in TEREDO):
        return False
    return address.is_global and not address.is_multicast
