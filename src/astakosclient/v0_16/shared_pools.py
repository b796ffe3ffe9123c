"""Connections that all clients of a process share, as those of the later generation do with ``use_pool``.

There, a client belongs to one token, and services make one for each request that comes in. Connections
kept by such a client would never be used again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from astakosclient.http1.sync.transport import HttpTransport

if TYPE_CHECKING:
    from astakosclient.core.address import Address

_transports: dict[str, HttpTransport] = {}


def shared_transport(address: Address, pool_size: int) -> HttpTransport:
    """The transport of this process to the server at an address.

    Who asks first says how many connections it may have; the proxy is the one of that moment, too.

    It is never closed: its idle connections are few, and go with the process.

    Raises:
        BadValue: as of `HttpTransport`.
    """
    origin = address.origin
    transport = _transports.get(origin)
    if transport is None:
        # Of two threads that both get here, one makes a transport that is dropped before its first use.
        made = HttpTransport(address, pool_size=pool_size, bounded=True)
        transport = _transports.setdefault(origin, made)
    return transport
