"""Finds from where a request came: the other end of its connection, or what trusted proxies tell."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from typing import TYPE_CHECKING

from astakosclient.errors import BadValue

if TYPE_CHECKING:
    from collections.abc import Iterable
    from ipaddress import IPv4Address, IPv4Network, IPv6Network


class CallerAddresses:
    """Tells the addresses of callers. Believes ``X-Forwarded-For`` only if it comes from a trusted proxy."""

    def __init__(self, trusted_proxies: Iterable[str] = ()) -> None:
        """Trusts the proxies in these networks.

        Raises:
            BadValue: one of them is not an address or a network.
        """
        if isinstance(trusted_proxies, str):
            raise BadValue(f"trusted_proxies must be a list of networks, not the string {trusted_proxies!r}")
        self._trusted = tuple(map(_network, trusted_proxies))

    def address(self, peer: object, forwarded: str | None) -> str | None:
        """Returns the address of a caller; None if it is unknown.

        Each proxy appends an address to the header, so that only the last ones, which trusted proxies have
        appended, are known to be true.

        Args:
            peer: the address of the other end of the connection, as the server tells it.
            forwarded: the value of ``X-Forwarded-For``.
        """
        address = _parsed(peer) if isinstance(peer, str) else None
        if self._trusts(address):
            address = None
            for told in reversed((forwarded or "").split(",")):
                address = _parsed(told)
                if not self._trusts(address):
                    break
        return None if address is None else str(address)

    def _trusts(self, address: IPv4Address | IPv6Address | None) -> bool:
        return address is not None and any(address in network for network in self._trusted)


def _parsed(text: str) -> IPv4Address | IPv6Address | None:
    """Reads an address as proxies write it: alone, in brackets, and in both forms with a port or a zone."""
    host = text.strip()
    if host.startswith("["):
        host = host[1:].partition("]")[0]
    elif host.count(":") == 1:
        host = host.partition(":")[0]
    try:
        address = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    return (isinstance(address, IPv6Address) and address.ipv4_mapped) or address


def _network(text: str) -> IPv4Network | IPv6Network:
    try:
        return ip_network(text)
    except (TypeError, ValueError):
        raise BadValue(
            f"trusted_proxies: {text!r} is not an address or a network like 10.0.0.0/8, which ends in zeros"
        ) from None
