"""The proxies whose forwarding headers are believed, because they are in networks that the operator named.

Every other client can write what it likes into such a header.
"""

from collections.abc import Iterable

from astakos.directory.network_addresses import IPAddress, Networks, parse_address

THIS_MACHINE = ("127.0.0.0/8", "::1/128")
"""Trusted unless the operator names other networks: the proxy is then on the same machine."""


class TrustedProxies(Networks):
    """The networks of trusted proxies."""

    def __init__(self, networks: Iterable[str] = THIS_MACHINE) -> None:
        """Trusts the addresses in these networks.

        Raises:
            ValueError: one of them is not a network; the message says what would be right.
        """
        super().__init__(networks)

    def believe(self, peer: tuple[str, int] | None) -> bool:
        """Whether the forwarding headers of a connection count.

        Args:
            peer: address and port of the other end; None if unknown.
        """
        return peer is not None and self.include(parse_address(peer[0]))

    def caller(self, peer: tuple[str, int] | None, forwarded: str) -> IPAddress | None:
        """Returns the address of the caller behind any number of trusted proxies.

        Args:
            peer: address and port of the other end of the connection; None if unknown.
            forwarded: the X-Forwarded-For header: one address added by each proxy, so that only the last
                ones, which trusted proxies have added, are known to be true.

        Returns:
            The last address that is not a trusted proxy's; if there is none, the first one. None if a trusted
            proxy does not say whom it serves, or not in a form that can be read.
        """
        if peer is None:
            return None
        address = parse_address(peer[0])
        if not self.include(address):
            return address
        address = None
        for text in reversed(forwarded.split(",")):
            address = parse_address(text)
            if not self.include(address):
                break
        return address
