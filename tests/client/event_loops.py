"""What tests of asynchronous calls run on: both event loops that our users have."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Protocol, TypeVar

import pytest
import uvloop

T = TypeVar("T")


class Run(Protocol):
    """Runs a coroutine on a new event loop, as `asyncio.run` does."""

    def __call__(self, main: Coroutine[Any, Any, T], /) -> T: ...


every_loop = pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
