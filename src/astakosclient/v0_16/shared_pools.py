"""Connection pools that all clients of a process share, for ``use_pool=True`` in the 0.16 to 0.21 API.

In that API, a client belongs to one token, and services create a client per incoming request. A pool per
client would never be reused.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from astakosclient.http1.sync.transport import HttpTransport

if TYPE_CHECKING:
    from astakosclient.core.address import Address

_transports: dict[str, HttpTransport] = {}


def shared_transport(address: Address, pool_size: int) -> HttpTransport:
    """Returns the process-wide transport to a server.

    The first call for a server determines its pool size and proxy. The transport is never closed: its few
    idle connections end with the process.

    Raises:
        BadValue: the address, the pool size or the proxy set in the environment is invalid.
    """
    origin = address.origin
    transport = _transports.get(origin)
    if transport is None:
        # No lock: if two threads get here, `setdefault` drops one transport before its first use.
        made = HttpTransport(address, pool_size=pool_size, bounded=True)
        transport = _transports.setdefault(origin, made)
    return transport
