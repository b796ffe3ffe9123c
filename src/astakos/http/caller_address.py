"""Finds the address of a caller, including one behind a proxy on this machine."""

from ipaddress import IPv6Address, ip_address, ip_network


def address_of(client: tuple[str, int] | None, forwarded: str) -> str | None:
    """Returns the caller's address. For IPv6, returns the /64 network, all of which belongs to one caller.

    Args:
        client: Address and port of the peer; None if unknown.
        forwarded: The X-Forwarded-For header. It counts only if the peer is on this machine, because any
            other client can forge it. Only its last address counts: the one that the proxy saw.

    Returns:
        The address, or None if it is unknown: for example, if the proxy does not send the header.
    """
    if client is None:
        return None
    try:
        address = ip_address(client[0])
        if address.is_loopback:
            address = ip_address(forwarded.rpartition(",")[2].strip())
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address)
