"""An OpenAI-compatible proxy that reserves, grows and settles the budget of whoever calls it.

A request is authenticated by its Astakos token or key, priced at the most that it can take, reserved on
`llm.tokens` and `llm.usd`, forwarded, and settled for what the provider says it took. Who has no room is
answered with 429, as OpenAI does it. Every wait has a deadline, and every buffer a bound.
"""

import asyncio
import contextlib
import json
import logging
import os
import uuid
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from examples.ai_gateway.models import read_models
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from astakosclient import AsyncAstakosClient, AsyncBoundClient
from astakosclient.language_models.callers import Caller, identify
from astakosclient.language_models.charge import Background, Charge, require_resources
from astakosclient.language_models.estimates import (
    Model,
    StreamedTokens,
    Tokens,
    counted_output,
    counted_prompt,
    most_tokens,
    reported_usage,
    require_form,
)
from astakosclient.language_models.refusals import Refused, openai_error
from astakosclient.middleware.caller_addresses import CallerAddresses

EMBEDDINGS = "/v1/embeddings"
LARGEST_REQUEST = 4 * 1024 * 1024
LARGEST_ANSWER = 16 * 1024 * 1024
LARGEST_ERROR = 64 * 1024
LONGEST_EVENT = 1024 * 1024
"""Bytes of a line of a stream; more is an error of the provider."""
TO_RECEIVE, TO_SEND, TO_END = 30.0, 30.0, 20.0
"""Seconds for a request to arrive, a slow client to take a piece, and the settlements at the end."""
IDLE = 2.0
"""Seconds after which an idle connection to the provider is not used again: many servers close it after 5."""
OF_PROVIDER = aiohttp.ClientTimeout(total=600, connect=10, sock_read=120)

log = logging.getLogger("ai_gateway")


@dataclass(frozen=True, slots=True)
class Settings:
    """What a gateway needs to know. Tokens are not shown."""

    models: Mapping[str, Model]
    astakos_url: str
    astakos_token: str = field(repr=False)
    upstream_url: str
    upstream_key: str = field(repr=False)
    at_first: int | None = None  # output tokens to reserve at first; None: as many as there can be
    ttl: int = 120  # seconds after which the holds of a killed gateway end
    trusted_proxies: tuple[str, ...] = ()  # whose X-Forwarded-For tells the addresses of clients


@dataclass(frozen=True, slots=True)
class Site:
    """What all requests share."""

    settings: Settings
    astakos: AsyncBoundClient
    addresses: CallerAddresses
    upstream: aiohttp.ClientSession
    background: Background


async def refused_by_routes(_: Request, error: Exception) -> Response:
    """Answers what no route takes, in OpenAI's form."""
    if not isinstance(error, HTTPException):
        raise error
    return JSONResponse(
        openai_error(error.status_code, error.detail), error.status_code, headers=error.headers
    )


async def failed(_: Request, __: Exception) -> Response:
    """Answers a request that met a defect, which Starlette logs."""
    return JSONResponse(openai_error(500, "The gateway has failed; its log says why."), 500)


async def refused(_: Request, error: Exception) -> Response:
    """Answers what is refused, in OpenAI's form."""
    if not isinstance(error, Refused):
        raise error
    return JSONResponse(error.document, error.status, headers=error.headers)


async def models(request: Request) -> Response:
    """Lists the models."""
    site: Site = request.app.state.site
    await _caller(request)
    data = [
        {"id": name, "object": "model", "created": 0, "owned_by": "gateway"} for name in site.settings.models
    ]
    return JSONResponse({"object": "list", "data": data})


async def completions(request: Request) -> Response:
    """Answers `POST /v1/chat/completions` and `POST /v1/embeddings`."""
    site: Site = request.app.state.site
    request_id = uuid.uuid4().hex
    caller = await _caller(request)
    body = await _body_of(request)
    asked = _document_of(body)
    model = site.settings.models.get(str(asked.get("model")))
    if model is None:
        raise Refused(404, "There is no such model; GET /v1/models lists them.", "model_not_found")
    require_form(asked, model, embeds=request.url.path == EMBEDDINGS)
    charge = Charge(
        site.astakos,
        site.background,
        request_id=request_id,
        caller=caller,
        model=model,
        most=most_tokens(model, asked, len(body)),
        at_first=site.settings.at_first,
        ttl=site.settings.ttl,
    )
    await charge.reserve()
    options = asked.get("stream_options")
    options = options if isinstance(options, dict) else {}
    is_stream = asked.get("stream") is True
    if is_stream:
        asked["stream_options"] = {**options, "include_usage": True}
    try:
        answer = await _forward(site, request.url.path, asked)
        if not is_stream:
            return await _whole_answer(answer, asked, charge, request_id)
    except BaseException:
        charge.end(None)
        raise
    wants_usage = options.get("include_usage") is True
    relay = Relay(answer, charge, counted_prompt(asked), wants_usage=wants_usage)
    relay.headers["X-Request-Id"] = request_id
    return relay


async def _caller(request: Request) -> Caller:
    site: Site = request.app.state.site
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    return await identify(
        site.astakos,
        key.strip() if scheme.lower() == "bearer" else "",
        project=request.headers.get("OpenAI-Project"),
        address=site.addresses.address(
            request.client.host if request.client else None,
            ",".join(request.headers.getlist("X-Forwarded-For")),
        ),
    )


async def _body_of(request: Request) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(TO_RECEIVE):
            async for piece in request.stream():
                body += piece
                if len(body) > LARGEST_REQUEST:
                    raise Refused(413, f"The request is larger than {LARGEST_REQUEST} bytes.", "too_large")
    except (TimeoutError, ClientDisconnect):
        raise Refused(408, "The request did not arrive in time.", "timeout") from None
    return bytes(body)


def _document_of(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Refused(400, "The body is not a JSON object.", "invalid_json")
    return document


async def _forward(site: Site, path: str, asked: Mapping[str, Any]) -> aiohttp.ClientResponse:
    """Sends a request to the provider, and returns its answer if that is a success."""
    headers = {"Authorization": f"Bearer {site.settings.upstream_key}"}
    url = site.settings.upstream_url + path
    try:
        answer = await site.upstream.post(url, json=asked, headers=headers, allow_redirects=False)
        if answer.status == 200:
            return answer
        raise _passed_on(answer, await _bounded(answer, LARGEST_ERROR))
    except TimeoutError:
        raise Refused(504, "The provider does not answer.", "upstream_timeout") from None
    except (aiohttp.ClientError, ValueError) as error:
        log.warning("the provider cannot be used: %s", type(error).__name__)
        raise Refused(502, "The provider cannot be reached.", "upstream_error", Retry_After="2") from None


def _passed_on(answer: aiohttp.ClientResponse, body: bytes) -> Refused:
    """Returns an error of the provider to the client, unless it is about the gateway's own key."""
    if answer.status not in (400, 404, 413, 422, 429) and answer.status < 500:
        log.error("the provider has refused the gateway with %d", answer.status)
        return Refused(502, "The provider has refused the gateway.", "upstream_error")
    try:
        message = str(json.loads(body)["error"]["message"])
    except (ValueError, LookupError, TypeError, RecursionError):
        message = f"The provider answered {answer.status}."
    wait = answer.headers.get("Retry-After", "")
    return Refused(
        answer.status, message, "upstream_error", **({"Retry_After": wait} if wait.isdigit() else {})
    )


async def _bounded(answer: aiohttp.ClientResponse, most: int) -> bytes:
    """Returns a body. Raises ValueError if it has more bytes than it may."""
    body = bytearray()
    async with answer:
        async for piece in answer.content.iter_any():
            body += piece
            if len(body) > most:
                raise ValueError("too large")
    return bytes(body)


async def _whole_answer(
    answer: aiohttp.ClientResponse, asked: Mapping[str, Any], charge: Charge, request_id: str
) -> Response:
    try:
        body = await _bounded(answer, LARGEST_ANSWER)
        document = _document_of(body)
    except (aiohttp.ClientError, TimeoutError, ValueError, Refused):
        raise Refused(502, "The provider's answer cannot be read.", "upstream_error") from None
    used = reported_usage(document) or Tokens(counted_prompt(asked), counted_output(document))
    await charge.settle(used)
    return Response(body, media_type="application/json", headers={"X-Request-Id": request_id})


class Relay(Response):
    """Passes a stream on, as fast as the client takes it, and settles it however it ends."""

    def __init__(
        self, answer: aiohttp.ClientResponse, charge: Charge, prompt: int, *, wants_usage: bool
    ) -> None:
        """Sets what is passed on, and whether the client has asked for the usage at the end."""
        super().__init__(media_type="text/event-stream", headers={"Cache-Control": "no-store"})
        del self.headers["Content-Length"]
        self._answer, self._charge, self._wants_usage = answer, charge, wants_usage
        self._taken = StreamedTokens(prompt)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Sends until the stream ends, fails, is too slow, or the client has gone."""
        sending = asyncio.create_task(self._send(send))
        watching = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait({sending, watching}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sending.cancel()
            watching.cancel()
            await asyncio.gather(sending, watching, return_exceptions=True)
            self._answer.close()
            self._charge.end(self._taken.so_far)

    async def _send(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async for data in _events(self._answer.content):
                if data == b"[DONE]":
                    await self._charge.settle(self._taken.at_end)
                elif not await self._is_for_client(data):
                    continue
                await _in_time(send, b"data: %b\n\n" % data)
        except (aiohttp.ClientError, ValueError, RecursionError, TimeoutError) as error:
            log.warning("a stream has broken: %s", type(error).__name__)
            broken = json.dumps(openai_error(502, "The provider's stream has broken.", "upstream_error"))
            await _in_time(send, b"data: %b\n\n" % broken.encode())
        await send({"type": "http.response.body", "body": b""})

    async def _is_for_client(self, data: bytes) -> bool:
        """Counts a piece, and returns whether the client expects it."""
        document = json.loads(data)
        if not isinstance(document, dict):
            raise ValueError("not an object")  # noqa: TRY004 - of the provider, as text that is not JSON
        if self._taken.read(document):
            await self._charge.cover(self._taken.counted)
        return bool(document.get("choices")) or self._wants_usage


async def _events(content: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    async for line in content:
        if line.startswith(b"data:"):
            yield line[5:].strip()


async def _in_time(send: Send, body: bytes) -> None:
    async with asyncio.timeout(TO_SEND):
        await send({"type": "http.response.body", "body": body, "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def application(settings: Settings) -> Starlette:
    """Returns the gateway as an ASGI application."""

    astakos = AsyncAstakosClient(settings.astakos_url, retry=2, timeout=5).bind(settings.astakos_token)
    addresses = CallerAddresses(settings.trusted_proxies)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await require_resources(astakos)
        background = Background()
        connector = aiohttp.TCPConnector(limit=1024, keepalive_timeout=IDLE)
        session = aiohttp.ClientSession(
            connector=connector, timeout=OF_PROVIDER, read_bufsize=LONGEST_EVENT // 2, trust_env=False
        )
        async with astakos, session:
            app.state.site = Site(settings, astakos, addresses, session, background)
            yield
            await background.finish(TO_END)

    return Starlette(
        routes=[
            Route("/v1/models", models),
            Route("/v1/chat/completions", completions, methods=["POST"]),
            Route(EMBEDDINGS, completions, methods=["POST"]),
        ],
        exception_handlers={Refused: refused, HTTPException: refused_by_routes, Exception: failed},
        lifespan=lifespan,
    )


def from_environment() -> Starlette:
    """Returns the gateway that the environment describes, for `uvicorn --factory`."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    here = Path(__file__).with_name("gateway.toml")
    at_first = os.environ.get("GATEWAY_RESERVE_AT_FIRST")
    settings = Settings(
        models=read_models(Path(os.environ.get("GATEWAY_MODELS", here))),
        astakos_url=os.environ["ASTAKOS_URL"],
        astakos_token=os.environ["GATEWAY_TOKEN"],
        upstream_url=os.environ["UPSTREAM_URL"].rstrip("/"),
        upstream_key=os.environ["UPSTREAM_KEY"],
        at_first=int(at_first) if at_first else None,
        ttl=int(os.environ.get("GATEWAY_TTL", "120")),
        trusted_proxies=tuple(os.environ.get("GATEWAY_TRUSTED_PROXIES", "").split()),
    )
    return application(settings)
