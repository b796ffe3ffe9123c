"""Proves what the gateway promises: `make proof-gateway`. Its status is not 0 if a promise is not kept.

Streams of the real `openai` client run at once against a budget of one dollar. They would cost two. The
provider keeps a bill of its own, with which the ledger's figures are compared, to the millionth of a dollar.
"""

import argparse
import asyncio
import contextlib
import functools
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from examples.ai_gateway.litellm_proxy import PROGRAM, deployment, litellm_process, with_budgets
from examples.ai_gateway.upstream import Bill, provider
from examples.ai_gateway.world import UPSTREAM_KEY, free_port, gateway_process, serving, set_up
from openai import APIConnectionError, APIError, AsyncOpenAI, RateLimitError
from openai.types.chat import ChatCompletionUserMessageParam

from astakosclient.language_models.charge import MONEY, STEP
from astakosclient.language_models.estimates import SCALE, Model, Tokens
from astakosclient.pricing import amount_of, quantity_of
from astakosclient.testing import Component, RunningService, User, running_service

Running = AbstractAsyncContextManager[object]
CONTEXT, MOST_OUTPUT = 10_000, 1000
BUDGET = quantity_of("1", SCALE)
MODEL = "expensive"
DEADLINE = 60.0


class Stream(NamedTuple):
    """How a stream went: how many words the client received, and whether it was refused."""

    words: int
    refused: bool = False


@dataclass
class Proof:
    """A run of the proof.

    Attributes:
        streams: How many run at once.
        words: How many words each of them is answered with.
        through_litellm: Whether the gateway is LiteLLM's proxy with the plugin, and not the example.
        report: Called with each line of the report.
    """

    streams: int = 50
    words: int = 40
    through_litellm: bool = False
    report: Callable[[str], None] = print
    _folder: Path = field(init=False)
    _prices: dict[str, int] = field(init=False)
    _model: Model = field(init=False)

    async def run(self) -> None:
        """Runs all parts, each with a service, a provider and a gateway of its own.

        Raises:
            AssertionError: A promise is not kept.
        """
        with TemporaryDirectory() as folder:
            self._folder = Path(folder)
            # The words of all streams cost two dollars, and a token of a prompt a hundredth of a word.
            word = 2 * BUDGET // (self.streams * self.words)
            self._prices = {"input": word // 100 or 1, "output": word}
            self._model = Model.priced(MODEL, self._prices, context=CONTEXT, most_output=MOST_OUTPUT)
            await self._estimates_that_are_bounds()
            await self._estimates_that_are_too_low(None)
            await self._estimates_that_are_too_low("0.25")
            await self._killed()
            if not self.through_litellm:
                await self._the_usual_way()

    async def _estimates_that_are_bounds(self) -> None:
        async with self._world() as world:
            rounds = [await self._at_once(world, 2 * self.words) for _ in range(3)]
            charged = world.charged()
            assert charged == world.bill(self._model) <= BUDGET, (charged, world.bill(self._model))
            assert any(stream.refused for stream in rounds[0])
            self._tell("estimates that are upper bounds", rounds, charged, charged)

    async def _estimates_that_are_too_low(self, max_debt: str | None) -> None:
        at_first = max(1, self.words // 10)
        async with self._world(max_debt, at_first=at_first) as world:
            rounds = [await self._at_once(world, 2 * self.words) for _ in range(3)]
            charged, billed = world.charged(), world.bill(self._model)
            # No stream began beyond the budget, so all that is above it was used beyond what was reserved.
            beyond = sum(self._model.cost(Tokens(0, max(0, n - at_first))) for n in world.provider.answers)
            assert billed <= BUDGET + beyond, (billed, beyond)
            if max_debt is None:
                assert charged == billed, (charged, billed)
                self._tell("estimates a tenth of the use", rounds, billed, charged)
            else:
                assert charged <= BUDGET + quantity_of(max_debt, SCALE), charged
                self._tell(f"the same with a max_debt of {max_debt}", rounds, billed, charged)
            assert (await self._stream(world, 2 * self.words)).refused

    async def _killed(self) -> None:
        async with self._world(dollars="100", seconds_per_token=0.02, ttl=2) as world:
            few = min(10, self.streams)
            running = [asyncio.create_task(self._words_until_killed(world)) for _ in range(few)]
            async with asyncio.timeout(DEADLINE):
                while world.provider.output < few * self.words // 3:  # noqa: ASYNC110 - only the bill tells
                    await asyncio.sleep(0.01)
            await world.restart_gateway()
            received = [await task for task in running]
            assert 0 < sum(received) < few * self.words, received
            await world.no_hold_is_left()
            charged = world.charged()
            least = self._model.cost(Tokens(0, sum(received)))
            most = self._model.cost(Tokens(few * 200, sum(received) + few * (STEP + 2)))
            assert least <= charged <= most, (least, charged, most)
            assert (await self._stream(world, self.words)).words == self.words
            self.report(
                f"killed in the middle: {few} streams, {sum(received)} words received for {_dollars(least)}, "
                f"charged {_dollars(charged)}: at most {STEP} words a stream ahead, and no hold is left"
            )

    async def _the_usual_way(self) -> None:
        bill = Bill()
        spent, refused, cost_of_word = 0.0, 0, self._model.cost(Tokens(0, 1)) / 10**SCALE

        async def stream(client: AsyncOpenAI) -> None:
            nonlocal spent, refused
            if spent >= 1.0:
                refused += 1
                return
            words = await self._words_of(client, self.words)
            spent += words * cost_of_word

        async with (
            serving(provider(bill, UPSTREAM_KEY, 0.001)) as url,
            AsyncOpenAI(base_url=f"{url}/v1", api_key=UPSTREAM_KEY, max_retries=0) as client,
        ):
            for _ in range(3):
                await asyncio.gather(*(stream(client) for _ in range(self.streams)))
        billed = self._model.cost(Tokens(bill.input, bill.output))
        over = amount_of(billed - BUDGET, SCALE)
        self.report(
            f"the usual way (check a float before, add to it after): {3 * self.streams - refused} streams, "
            f"{refused} refused, the provider's bill {_dollars(billed)}: {over * 100:.0f} % oversold"
        )
        assert billed > BUDGET, "the usual way has not oversold: the proof would prove nothing"

    @contextlib.asynccontextmanager
    async def _world(
        self,
        max_debt: str | None = None,
        *,
        dollars: str = "1",
        seconds_per_token: float = 0.001,
        at_first: int | None = None,
        ttl: int = 120,
    ) -> AsyncIterator["World"]:
        bill = Bill()
        with running_service() as service:
            gateway = set_up(service, dollars, max_debt=max_debt)
            async with serving(provider(bill, UPSTREAM_KEY, seconds_per_token)) as upstream:
                start = self._litellm if self.through_litellm else self._example
                start = functools.partial(start, service.url, gateway.token, upstream, at_first, ttl)
                async with World(service, gateway, service.add_user(), bill, start) as world:
                    yield world
                    await world.no_hold_is_left()

    def _example(
        self, url: str, token: str, upstream: str, at_first: int | None, ttl: int, port: int
    ) -> Running:
        prices = "".join(f'{kind} = "{price}"\n' for kind, price in self._prices.items())
        bounds = f"context = {CONTEXT}\nmost_output = {MOST_OUTPUT}\n"
        models = self._folder / "models.toml"
        models.write_text(f"[models.{MODEL}]\n{prices}{bounds}", encoding="utf-8")
        return gateway_process(
            port,
            ASTAKOS_URL=url,
            GATEWAY_TOKEN=token,
            UPSTREAM_URL=upstream,
            UPSTREAM_KEY=UPSTREAM_KEY,
            GATEWAY_MODELS=str(models),
            GATEWAY_RESERVE_AT_FIRST=str(at_first or ""),
            GATEWAY_TTL=str(ttl),
        )

    def _litellm(
        self, url: str, token: str, upstream: str, at_first: int | None, ttl: int, port: int
    ) -> Running:
        prices = {f"{kind}_cost_per_token": price / 10**6 for kind, price in self._prices.items()}
        bounds = {"max_input_tokens": CONTEXT, "max_output_tokens": MOST_OUTPUT}
        return litellm_process(
            port,
            self._folder,
            with_budgets([deployment(MODEL, upstream, UPSTREAM_KEY, **prices, **bounds)]),
            ASTAKOS_URL=url,
            ASTAKOS_COMPONENT_TOKEN=token,
            ASTAKOS_RESERVE_AT_FIRST=str(at_first or ""),
            ASTAKOS_TTL=str(ttl),
        )

    async def _at_once(self, world: "World", max_tokens: int) -> list[Stream]:
        streams = (self._stream(world, max_tokens) for _ in range(self.streams))
        return list(await asyncio.gather(*streams))

    async def _stream(self, world: "World", max_tokens: int) -> Stream:
        try:
            return Stream(await self._words_of(world.client, max_tokens))
        except RateLimitError as error:
            assert error.code == "insufficient_quota", error
            return Stream(0, refused=True)

    async def _words_until_killed(self, world: "World") -> int:
        try:
            return (await self._stream(world, self.words)).words
        except APIConnectionError:
            return 0  # nothing of its answer had arrived

    async def _words_of(self, client: AsyncOpenAI, max_tokens: int) -> int:
        """Returns how many words a stream has brought, also if it broke off."""
        asked = ChatCompletionUserMessageParam(role="user", content=f"write {self.words} words")
        words = 0
        stream = await client.chat.completions.create(
            model=MODEL, messages=[asked], max_tokens=max_tokens, stream=True
        )
        with contextlib.suppress(APIConnectionError, APIError, OSError):
            async for piece in stream:
                words += sum(bool(choice.delta.content) for choice in piece.choices)
        return words

    def _tell(self, what: str, rounds: list[list[Stream]], billed: int, charged: int) -> None:
        streams = [stream for each in rounds for stream in each]
        refused = sum(stream.refused for stream in streams)
        self.report(
            f"{what}: {len(streams) - refused} streams, {refused} refused, "
            f"the provider's bill {_dollars(billed)}, charged {_dollars(charged)}"
        )


class World:
    """A service, a gateway's process that can be killed, and a client with a user's token."""

    def __init__(
        self,
        service: RunningService,
        gateway: Component,
        user: User,
        bill: Bill,
        start: Callable[[int], Running],
    ) -> None:
        """Sets what there is; the gateway starts with the context."""
        self._service, self._gateway, self._user = service, gateway, user
        self.provider = bill
        self._start = start
        self._port = free_port()
        self._process = contextlib.AsyncExitStack()
        self.client = AsyncOpenAI(
            base_url=f"http://127.0.0.1:{self._port}/v1", api_key=user.token, max_retries=0, timeout=DEADLINE
        )

    async def __aenter__(self) -> "World":
        """Starts the gateway."""
        await self._process.enter_async_context(self._start(self._port))
        return self

    async def __aexit__(self, *_: object) -> None:
        """Ends the gateway and closes the client."""
        await self.client.close()
        await self._process.aclose()

    async def restart_gateway(self) -> None:
        """Kills the gateway, and starts it again."""
        await self._process.aclose()
        await self._process.enter_async_context(self._start(self._port))

    def charged(self) -> int:
        """Returns what the user has been charged, in millionths of a dollar."""
        with self._service.client() as client:
            quota = client.get_quotas(self._user.token)[self._user.uuid][MONEY]
        return quota["usage"] - quota["pending"]

    def bill(self, model: Model) -> int:
        """Returns what the provider would be paid, with each answer rounded up as the gateway does."""
        prompt, answers = self.provider.input, len(self.provider.answers)
        each = prompt // answers if answers else 0
        return sum(model.cost(Tokens(each, words)) for words in self.provider.answers)

    async def no_hold_is_left(self) -> None:
        """Waits until nothing is reserved any more.

        Raises:
            AssertionError: Something still is, after a minute.
        """
        until = time.monotonic() + DEADLINE
        with self._service.client() as client:
            while pending := client.get_pending_commissions(self._gateway.token):
                assert time.monotonic() < until, pending
                await asyncio.sleep(0.1)


def _dollars(quantity: int) -> str:
    return f"${amount_of(quantity, SCALE):f}"


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--streams", type=int, default=50, help="how many run at once")
    arguments.add_argument("--words", type=int, default=40, help="how many words each answer has")
    arguments.add_argument("--through-litellm", action="store_true", help="and not through the example")
    chosen = arguments.parse_args()
    if chosen.through_litellm and not PROGRAM.exists():
        raise SystemExit(
            f"Through LiteLLM's proxy: NOT RUN, for want of {PROGRAM}; make proof-gateway makes it"
        )
    print("Through LiteLLM's proxy:" if chosen.through_litellm else "Through the example:", flush=True)
    asyncio.run(Proof(chosen.streams, chosen.words, chosen.through_litellm).run())
