"""What a request over HTTP has to pass before the protocol: host, origin, key, bound, deadline."""

import asyncio
from collections.abc import Mapping

from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from astakos.assistant.callers import Kind, bearer_of, kind_of, words_for
from astakosclient.async_client import AsyncAstakosClient
from astakosclient.errors import AstakosClientException, Unauthorized

PATH = "/mcp"
LARGEST_BODY = 256 * 1024
"""In bytes."""
REQUEST_SECONDS = 45.0
"""How long a request may take, with its body and its answer; more than a tool may."""
NEED_KEY = "Send a key of Astakos in the header Authorization: Bearer <key>. `astakos key make` makes one.\n"
LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")


def security_for(allowed_hosts: tuple[str, ...]) -> TransportSecuritySettings:
    """Returns which Host and Origin requests may have: this machine's names, and those given.

    A page that a browser has loaded from elsewhere has another origin. If its name is made to lead to this
    machine (DNS rebinding), its requests have another host.
    """
    hosts = [*LOOPBACK_HOSTS, *allowed_hosts]
    names = [name for host in hosts for name in (host, f"{host}:*")]
    return TransportSecuritySettings(
        allowed_hosts=names,
        allowed_origins=[f"{scheme}://{name}" for name in names for scheme in ("http", "https")],
    )


class Door:
    """The ASGI application: lets a request in to the server for its caller's kind."""

    def __init__(
        self,
        client: AsyncAstakosClient,
        managers: Mapping[Kind, StreamableHTTPSessionManager],
        security: TransportSecuritySettings,
    ) -> None:
        """Sets who is asked about tokens, and where requests go."""
        self._client = client
        self._managers = managers
        self._security = TransportSecurityMiddleware(security)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers a request in time."""
        has_begun = False

        async def noting(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                await self._let_in(scope, receive, noting)
        except TimeoutError:
            if has_begun:
                raise
            await PlainTextResponse("The request took too long.\n", 504)(scope, receive, send)

    async def _let_in(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        refusal = await self._security.validate_request(request)
        if refusal is None and request.url.path != PATH:
            refusal = PlainTextResponse(f"The path of this server is {PATH}\n", 404)
        if refusal is None and request.method != "POST":
            # No sessions, so nothing to listen to or to end.
            refusal = PlainTextResponse("Use POST.\n", 405, {"Allow": "POST"})
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        token = bearer_of(request.headers)
        if token is None:
            await _unauthorized(NEED_KEY)(scope, receive, send)
            return
        try:
            kind = await kind_of(self._client, token)
        except Unauthorized as error:
            await _unauthorized(f"{words_for(error)}\n")(scope, receive, send)
        except AstakosClientException as error:
            await PlainTextResponse(f"{words_for(error)}\n", 503)(scope, receive, send)
        else:
            await self._managers[kind].handle_request(scope, receive, send)


def _unauthorized(words: str) -> PlainTextResponse:
    return PlainTextResponse(words, 401, {"WWW-Authenticate": "Bearer"})
