"""Coroutines that run without a task."""

import asyncio
import contextvars
from typing import Any

import pytest

from astakos.server.steps import Steps

VARIABLE = contextvars.ContextVar("variable", default="outside")


def outcome_of(coroutine: Any) -> Any:
    """Runs a coroutine in steps; what it returns, or raises."""

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        result = loop.create_future()
        Steps(loop, coroutine, result.set_result, result.set_exception).run()
        return await result

    return asyncio.run(main())


def test_what_waits_for_nothing_is_done_at_once() -> None:
    async def main() -> list[str]:
        done: list[str] = []

        async def immediate() -> str:
            return "result"

        Steps(asyncio.get_running_loop(), immediate(), done.append, lambda _: None).run()
        return done

    assert asyncio.run(main()) == ["result"]


def test_it_goes_on_when_what_it_waits_for_is_there() -> None:
    async def waiting() -> list[Any]:
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        loop.call_later(0.01, future.set_result, "value")
        first = await future
        await asyncio.sleep(0)
        return [
            first,
            await asyncio.to_thread(lambda: "thread"),
            await asyncio.ensure_future(asyncio.sleep(0, "task")),
        ]

    assert outcome_of(waiting()) == ["value", "thread", "task"]


def test_what_it_raises_is_told() -> None:
    async def failing() -> None:
        await asyncio.sleep(0)
        raise LookupError("no")

    with pytest.raises(LookupError, match="no"):
        outcome_of(failing())


def test_a_failure_of_what_it_waits_for_reaches_it() -> None:
    async def waiting() -> str:
        future = asyncio.get_running_loop().create_future()
        future.set_exception(OSError("gone"))
        try:
            await future
        except OSError as error:
            return str(error)
        return "not reached"

    assert outcome_of(waiting()) == "gone"


def test_it_has_a_context_of_its_own() -> None:
    async def setting() -> str:
        VARIABLE.set("inside")
        await asyncio.sleep(0)
        return VARIABLE.get()

    async def main() -> tuple[str, str]:
        loop = asyncio.get_running_loop()
        result = loop.create_future()
        Steps(loop, setting(), result.set_result, result.set_exception).run()
        return await result, VARIABLE.get()

    assert asyncio.run(main()) == ("inside", "outside")
