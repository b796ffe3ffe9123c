"""Where a caller is, also if a proxy on this machine stands between."""

from ipaddress import IPv6Address, ip_address, ip_network


def address_of(client: tuple[str, int] | None, forwarded: str) -> str | None:
    """The caller's address, of IPv6 the network of 64 bits, which one caller has whole.

    Args:
        client: address and port of who has connected; None if that is not known.
        forwarded: the header X-Forwarded-For. It counts only if it comes from this machine, since anybody
            else could write anything into it, and of it only the last address: what the proxy has seen.

    Returns:
        None if it is not known: a proxy does not tell.
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
