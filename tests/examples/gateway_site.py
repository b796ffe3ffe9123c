"""A gateway in this process, between the provider that only pretends and a real service."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from examples.ai_gateway import gateway
from examples.ai_gateway.models import read_models
from examples.ai_gateway.upstream import Bill, provider
from examples.ai_gateway.world import UPSTREAM_KEY, serving, set_up
from openai import AsyncOpenAI

from astakosclient.testing import Component, RunningService, User

MODELS = Path(gateway.__file__).with_name("gateway.toml")


@dataclass
class Site:
    """A running gateway, and what a test needs around it."""

    url: str
    service: RunningService
    component: Component
    user: User
    bill: Bill
    openai: AsyncOpenAI

    def quota(self, resource: str) -> tuple[int, int]:
        """Usage, and how much of it is reserved only."""
        with self.service.client() as client:
            quota = client.get_quotas(self.user.token)[self.user.uuid][resource]
        return quota["usage"], quota["pending"]

    async def settled(self) -> dict[str, int]:
        """What has been charged, once nothing is reserved any more."""
        async with asyncio.timeout(20):
            while self.quota("llm.usd")[1] or self.quota("llm.tokens")[1]:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
        return {resource: self.quota(resource)[0] for resource in ("llm.tokens", "llm.usd")}

    async def settled_after_reserving(self) -> dict[str, int]:
        """The same, after something has been reserved."""
        async with asyncio.timeout(20):
            while not self.quota("llm.usd")[1]:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return await self.settled()


Story = Callable[[Site], Awaitable[None]]
Telling = Callable[..., None]


async def told(
    service: RunningService, story: Story, dollars: str, seconds_per_token: float, options: dict[str, Any]
) -> None:
    component = set_up(service, dollars)
    user = service.add_user("ada")
    bill = Bill()
    async with contextlib.AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(serving(provider(bill, UPSTREAM_KEY, seconds_per_token)))
        settings = {
            "models": read_models(MODELS),
            "astakos_url": service.url,
            "astakos_token": component.token,
            "upstream_url": upstream,
            "upstream_key": UPSTREAM_KEY,
        }
        app = gateway.application(gateway.Settings(**settings | options))
        url = await stack.enter_async_context(serving(app))
        openai = AsyncOpenAI(base_url=f"{url}/v1", api_key=user.token, max_retries=0, timeout=20)
        await stack.enter_async_context(openai)
        await story(Site(url, service, component, user, bill, openai))


@contextlib.asynccontextmanager
async def connected(site: Site) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection to the gateway."""
    host, _, port = site.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        yield reader, writer
    finally:
        writer.close()
