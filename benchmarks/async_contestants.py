"""The same two calls made on an event loop with each of the HTTP libraries, each in its own idiom."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp
import httpx2

from astakosclient.async_client import AsyncAstakosClient
from benchmarks.child_process import HOST
from benchmarks.contestants import (
    COMMISSION,
    GET_HEADERS,
    ISSUE_PATH,
    POST_HEADERS,
    QUOTAS_PATH,
    TIMEOUT,
    require,
)
from benchmarks.population import COMPONENT_TOKEN

MOST_CONNECTIONS = 100


@dataclass(frozen=True, slots=True)
class AsyncContestant:
    """One way of making the two calls; each returns the decoded answer."""

    name: str
    get: Callable[[], Awaitable[Any]]
    post: Callable[[], Awaitable[Any]]
    close: Callable[[], Awaitable[None]]


async def astakosclient(port: int) -> AsyncContestant:
    """The client."""
    client = AsyncAstakosClient(f"http://{HOST}:{port}", pool_size=MOST_CONNECTIONS)

    async def get() -> Any:
        return await client.get_quotas(COMPONENT_TOKEN)

    async def post() -> Any:
        return {"serial": await client.issue_commission(COMPONENT_TOKEN, COMMISSION)}

    return AsyncContestant("astakosclient", get, post, client.aclose)


async def with_aiohttp(port: int) -> AsyncContestant:
    """A session of aiohttp, without all that can be left out: cookies, redirects, unpacking."""
    base_url = f"http://{HOST}:{port}"
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=MOST_CONNECTIONS),
        cookie_jar=aiohttp.DummyCookieJar(),
        timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        auto_decompress=False,
    )

    async def get() -> Any:
        async with session.get(base_url + QUOTAS_PATH, headers=GET_HEADERS, allow_redirects=False) as answer:
            require(answer.status, 200)
            return json.loads(await answer.read())

    async def post() -> Any:
        body = json.dumps(COMMISSION).encode("ascii")
        async with session.post(
            base_url + ISSUE_PATH, data=body, headers=POST_HEADERS, allow_redirects=False
        ) as answer:
            require(answer.status, 201)
            return json.loads(await answer.read())

    return AsyncContestant("aiohttp", get, post, session.close)


async def with_httpx2(port: int) -> AsyncContestant:
    """httpx2's client."""
    client = httpx2.AsyncClient(
        base_url=f"http://{HOST}:{port}",
        timeout=TIMEOUT,
        headers=GET_HEADERS,
        limits=httpx2.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=MOST_CONNECTIONS),
    )

    async def get() -> Any:
        answer = await client.get(QUOTAS_PATH)
        require(answer.status_code, 200)
        return answer.json()

    async def post() -> Any:
        answer = await client.post(ISSUE_PATH, json=COMMISSION)
        require(answer.status_code, 201)
        return answer.json()

    return AsyncContestant("httpx2", get, post, client.aclose)


ASYNC_CONTESTANTS: Sequence[Callable[[int], Awaitable[AsyncContestant]]] = (
    astakosclient,
    with_aiohttp,
    with_httpx2,
)
ASYNC_REFERENCE = "httpx2"
