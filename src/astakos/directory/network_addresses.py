"""IP addresses: how callers and proxies write them, and which of them are one and the same."""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network

NAT64 = IPv6Network("64:ff9b::/96")
"""The well-known prefix under which translators show IPv4 clients to IPv6 hosts (RFC 6052)."""
LOW_32_BITS = 0xFFFF_FFFF
OWN_PREFIXES = (64, 56, 48)
"""The lengths of the IPv6 prefixes that providers hand out to one customer."""


def parse_address(text: str) -> IPAddress | None:
    """Returns an address, or None if the text is not one.

    Accepts what proxies write: with a port (`192.0.2.7:443`, `[2001:db8::1]:443`), in brackets, with a zone
    (`fe80::1%eth0`). An IPv4 address that is written as IPv6 (`::ffff:192.0.2.7`) is returned as IPv4:
    otherwise all such clients would look like one network.
    """
    host = text.strip()
    if host.startswith("["):
        host, bracket, port = host[1:].partition("]")
        if not bracket or (port and not _is_port(port.removeprefix(":"), marked=port.startswith(":"))):
            return None
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
        if not _is_port(port):
            return None
    try:
        return _unwrapped(ip_address(host.partition("%")[0]))
    except ValueError:
        return None


def _is_port(text: str, *, marked: bool = True) -> bool:
    return marked and text.isascii() and text.isdigit()


def _unwrapped(address: IPAddress) -> IPAddress:
    if isinstance(address, IPv6Address):
        if address.ipv4_mapped is not None:
            return address.ipv4_mapped
        if address in NAT64:
            return IPv4Address(int(address) & LOW_32_BITS)
        if address.sixtofour is not None:
            return address.sixtofour
    return address


def networks(address: IPAddress) -> tuple[str, ...]:
    """Returns the networks that may all belong to the caller with an address, the smallest one first."""
    if isinstance(address, IPv6Address):
        return tuple(str(ip_network((int(address), length), strict=False)) for length in OWN_PREFIXES)
    return (str(address),)


class Networks:
    """A set of networks."""

    def __init__(self, networks: Iterable[str]) -> None:
        """Sets the networks; a single address is one, too.

        Raises:
            ValueError: one of them is not a network; the message says what would be right.
        """
        self._networks = tuple(map(_network, networks))

    def include(self, address: IPAddress | None) -> bool:
        """Whether an address is in one of them."""
        return address is not None and any(address in network for network in self._networks)


def _network(text: str) -> IPNetwork:
    try:
        network = ip_network(text.strip(), strict=False)
    except ValueError:
        raise ValueError(f"it must be an address or a network like 10.0.0.0/8, not {text!r}") from None
    if parse_address(text.partition("/")[0]) != network.network_address:
        # Callers' addresses are compared without their IPv6 wrapping, and never equal this one.
        raise ValueError(f"a network starts with its own address, as IPv4 if it is IPv4; {text!r} does not")
    return network
