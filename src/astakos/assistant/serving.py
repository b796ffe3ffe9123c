"""Runs the servers: over standard input and output for one caller, or over HTTP for whoever brings a key."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Callable

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from astakos.assistant.callers import Callers, Kind, kind_of
from astakos.assistant.door import LARGEST_BODY, Door, security_for
from astakos.assistant.server import server_for
from astakosclient.async_client import AsyncAstakosClient

HEAD_SECONDS = 10.0
"""A connection on which no request has begun for this long, to twice as long, is closed."""
MOST_CONNECTIONS = 200
ENDING_SECONDS = 10
"""How long requests in progress may take when the server is told to end."""


async def serve_standard_streams(client: AsyncAstakosClient, token: str, *, write: bool) -> None:
    """Serves one caller over standard input and output, until the input ends.

    Raises:
        Unauthorized: Astakos does not accept the token.
        AstakosClientException: Astakos could not be asked.
    """
    async with client:
        kind = await kind_of(client, token)
        await server_for(kind, Callers(client, token), write=write).run_stdio_async()


async def serve_http(
    client: AsyncAstakosClient,
    listener: socket.socket,
    allowed_hosts: tuple[str, ...],
    ready: Callable[[], None],
    *,
    write: bool,
) -> None:
    """Serves every caller with the key that their request brings, until SIGTERM or SIGINT."""
    security = security_for(allowed_hosts)
    async with client, contextlib.AsyncExitStack() as stack:
        servers = {kind: server_for(kind, Callers(client, None), write=write) for kind in Kind}
        for server in servers.values():
            # Each request has its own key, so there are no sessions that could outlive one.
            server.streamable_http_app(
                stateless_http=True,
                json_response=True,
                max_request_body_size=LARGEST_BODY,
                transport_security=security,
            )
            await stack.enter_async_context(server.session_manager.run())
        managers = {kind: server.session_manager for kind, server in servers.items()}
        config = uvicorn.Config(
            Door(client, managers, security),
            http=PunctualProtocol,
            ws="none",
            lifespan="off",
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            limit_concurrency=MOST_CONNECTIONS,
            timeout_graceful_shutdown=ENDING_SECONDS,
        )
        ready()
        # uvicorn raises the signal that ended it once more, when all else is done.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: None)
        await uvicorn.Server(config).serve([listener])


class PunctualProtocol(H11Protocol):
    """A connection that is closed if no head of a request arrives in time."""

    _was_idle = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to look at the connection."""
        super().connection_made(transport)
        self._next_look = self.loop.call_later(HEAD_SECONDS, self._look)

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends looking."""
        self._next_look.cancel()
        super().connection_lost(exc)

    def _look(self) -> None:
        is_idle = self.cycle is None or self.cycle.response_complete
        if is_idle and self._was_idle:
            self.transport.close()
            return
        self._was_idle = is_idle
        self._next_look = self.loop.call_later(HEAD_SECONDS, self._look)

    def handle_events(self) -> None:
        """Notes that something is happening, if it has become a request."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            self._was_idle = False
