"""Other protocols that peers speak to the port by mistake: how each begins, and what to say about it."""

import logging
from typing import Final, NamedTuple

QUIET_SECONDS: Final = 600.0
"""The log tells of such connections no more often: whoever reaches the port can make any number of them."""

log = logging.getLogger("astakos.http")


class ForeignProtocol(NamedTuple):
    """A protocol that is not spoken here.

    Attributes:
        name: for people.
        beginnings: the first bytes of a connection, after empty lines.
        message: what is wrong, and what would be right.
        status: with which status to say so.
    """

    name: str
    beginnings: tuple[bytes, ...]
    message: str
    status: int = 400


KNOWN: Final = (
    ForeignProtocol(
        "TLS",
        (b"\x16",),
        "This is TLS; this port speaks HTTP. Use http://, or the https:// URL of the proxy.",
    ),
    ForeignProtocol(
        "HTTP/2",
        (b"PRI * HTTP/2",),
        "This service speaks HTTP/1.1 and HTTP/1.0, not HTTP/2; let the proxy use HTTP/1.1 towards it.",
        505,
    ),
    ForeignProtocol(
        "the PROXY protocol",
        # The second version begins with two empty lines.
        (b"PROXY ", b"\0\r\nQUIT\n"),
        "This service does not read the PROXY protocol; let the proxy send X-Forwarded-For instead.",
    ),
)


def foreign_protocol(beginning: bytes | bytearray) -> ForeignProtocol | None:
    """The protocol that begins like that; None if it is none of those that are known."""
    return next((one for one in KNOWN if beginning.startswith(one.beginnings)), None)


class ForeignPeers:
    """Tells operators who speaks other protocols to the port, at most every ten minutes."""

    def __init__(self) -> None:
        """Has met nobody."""
        self._met: dict[str, tuple[int, str]] = {}
        self._quiet_until = 0.0

    def note(self, protocol: str, peer: tuple[str, int] | None) -> None:
        """Somebody has begun to speak a protocol."""
        count, _ = self._met.get(protocol, (0, ""))
        self._met[protocol] = count + 1, "an unknown address" if peer is None else peer[0]

    def tell(self, now: float) -> None:
        """Logs what is new, unless something was logged just before; `now` is in seconds, by any clock."""
        if not self._met or now < self._quiet_until:
            return
        self._quiet_until = now + QUIET_SECONDS
        for protocol, (count, address) in self._met.items():
            log.warning(
                "%d connections began with %s, the last one from %s; this port speaks HTTP/1.1",
                count,
                protocol,
                address,
            )
        self._met.clear()
