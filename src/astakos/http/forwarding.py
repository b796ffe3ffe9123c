"""What the proxies in front of the service say about a request: whom they serve, and whether over TLS."""

import functools
import logging
import time

from astakos.directory.network_addresses import IPAddress, networks
from astakos.directory.trusted_proxies import TrustedProxies
from astakos.http.request import Request

FORWARDED_FOR = b"x-forwarded-for"
PROTOCOL = b"x-forwarded-protocol"
PROTO = b"x-forwarded-proto"
WARNING_SECONDS = 3600.0
LONGEST_REMEMBERED = 64
"""A header of at most so many characters is parsed once; longer ones would fill the memory."""

log = logging.getLogger("astakos.http")


def caller_address(proxies: TrustedProxies, request: Request) -> IPAddress | None:
    """Returns the address of the caller; None if it is unknown."""
    return proxies.caller(request.peer, request.header(FORWARDED_FOR))


def caller_network(proxies: TrustedProxies, request: Request) -> str | None:
    """Returns the smallest network that belongs to the caller, by which strangers are told apart.

    Callers whose address a trusted proxy does not tell are one with the proxy. None if nothing is known.
    """
    if request.peer is None:
        return None
    forwarded = request.header(FORWARDED_FOR) if FORWARDED_FOR in request.headers else ""
    find = _network if len(forwarded) <= LONGEST_REMEMBERED else _network.__wrapped__
    return find(proxies, request.peer[0], forwarded)


@functools.lru_cache(maxsize=4096)
def _network(proxies: TrustedProxies, peer: str, forwarded: str) -> str:
    address = proxies.caller((peer, 0), forwarded)
    return peer if address is None else networks(address)[0]


def is_secure(proxies: TrustedProxies, request: Request) -> bool:
    """Returns whether the caller has sent the request over TLS."""
    if request.scheme == "https":
        return True
    told = "https" in (request.header(PROTOCOL).lower(), request.header(PROTO).lower())
    return told and proxies.believe(request.peer)


class ProxyWarning:
    """Warns about forwarding headers from elsewhere, at most once an hour.

    They are ignored, but if they come from a proxy of the operator, all its callers look like one.
    """

    def __init__(self, proxies: TrustedProxies) -> None:
        """Has not warned yet."""
        self._proxies = proxies
        self._silent_until = 0.0
        self._believed = ""

    def look_at(self, request: Request) -> None:
        """Warns if the request has such headers."""
        headers = request.headers
        # One test for each: this is done for every request, and a generator takes ten times as long.
        if not (FORWARDED_FOR in headers or PROTOCOL in headers or PROTO in headers):
            return
        moment = time.monotonic()
        if moment < self._silent_until or request.peer is None or request.peer[0] == self._believed:
            return
        if self._proxies.believe(request.peer):
            self._believed = request.peer[0]
            return
        self._silent_until = moment + WARNING_SECONDS
        log.warning(
            "ignored X-Forwarded-* headers from %s, which is not a trusted proxy; "
            "if it is yours, start the service with --trusted-proxy %s",
            request.peer[0],
            request.peer[0],
        )
