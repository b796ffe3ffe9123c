"""What tests of asynchronous calls run on: both event loops that the client's users have."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

import pytest
import uvloop

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

T = TypeVar("T")


class Run(Protocol):
    """Runs a coroutine on a new event loop, as `asyncio.run` does."""

    def __call__(self, main: Coroutine[Any, Any, T], /) -> T: ...


every_loop = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])


async def until(condition: Callable[[], object]) -> None:
    """Waits for what happens outside of the loop, where no event can be had."""
    while not condition():  # noqa: ASYNC110 - see above
        await asyncio.sleep(0.002)


def hold_up(seconds: float) -> None:
    """What a program should not do on an event loop, and does: nothing is noticed meanwhile."""
    time.sleep(seconds)
