"""Requests sent by the asynchronous transport."""

from __future__ import annotations

from typing import TYPE_CHECKING

from astakosclient import Answer, Request, Timeout
from astakosclient.http1.aio.async_transport import AsyncHttpTransport

if TYPE_CHECKING:
    from client.http1.event_loops import Run
    from client.peers import Peer

TOKEN = "UQpYas7ElzWGD5yCcEXtjw"
PATIENT = Timeout(total=10)
NEVER = Timeout(total=0.2)


def reading(peer: Peer | str, token: str = TOKEN) -> Request:
    url = peer if isinstance(peer, str) else peer.url
    return Request("GET", url, "/quotas", (("X-Auth-Token", token),), repeatable=True)


def writing(peer: Peer | str, body: bytes = b"{}") -> Request:
    url = peer if isinstance(peer, str) else peer.url
    return Request("POST", url, "/commissions", (("X-Auth-Token", TOKEN),), body)


def send_once(run: Run, url: str, request: Request, timeout: Timeout = PATIENT, **options: object) -> Answer:
    """One request on a loop and a transport of its own."""

    async def main() -> Answer:
        async with AsyncHttpTransport(url, **options) as transport:  # type: ignore[arg-type]
            return await transport.send(request, timeout)

    return run(main())
