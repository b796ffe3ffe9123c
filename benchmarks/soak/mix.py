"""Which stories are told, and how often; and the callers who tell them until the soak ends."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping

from benchmarks.soak import charging, misbehaving, reading
from benchmarks.soak.callers import Caller, Soak

CALLERS = 48
Story = Callable[[Caller], Awaitable[None]]
MIX: Mapping[Story, float] = {
    charging.start_machine: 16,
    charging.stop_machines: 12,
    charging.spend: 14,
    charging.ask_model: 12,
    charging.stream: 3,
    charging.forget: 5,
    charging.start_many: 1,
    charging.spend_with_key: 0.7,
    reading.authenticate: 16,
    reading.own_quotas: 10,
    reading.quotas_of_one: 10,
    reading.quotas_of_all: 0.3,
    reading.look_up_names: 4,
    reading.endpoints: 3,
    reading.own_past: 1.5,
    reading.pending: 1,
    reading.reconcile: 0.5,
    reading.log_in: 0.3,
    reading.look_at_pages: 1.2,
    misbehaving.ask_badly: 6,
    misbehaving.send_slowly: 0.3,
    misbehaving.never_finish: 0.1,
    misbehaving.vanish: 3,
}
"""Weights. A story is one call or several, and its calls take turns with those of all others."""


async def tell(soak: Soak, seed: int) -> None:
    """Tells stories, drawn at random, until the soak ends; those that have begun are finished.

    Args:
        soak: what all share.
        seed: with which the draw can be repeated.
    """
    drawing = random.Random(seed)
    seeds = [drawing.getrandbits(64) for _ in range(CALLERS)]
    await asyncio.gather(*(_tell(Caller(soak, own)) for own in seeds))


async def _tell(caller: Caller) -> None:
    stories, weights = list(MIX), list(MIX.values())
    while not caller.soak.ending.is_set():
        (story,) = caller.random.choices(stories, weights)
        await story(caller)
    caller.connection.close()
