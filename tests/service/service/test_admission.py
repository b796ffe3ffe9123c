"""Whose work runs now: callers take turns, and nobody waits in a queue without end."""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine, Hashable
from typing import Any

import pytest

from astakos.ledger.ports import StorageUnavailableError
from astakos.service.admission import Admission, Bounds, current_caller


def of(caller: Hashable, work: Callable[[], Coroutine[Any, Any, None]]) -> "asyncio.Task[None]":
    """Begins work that a caller has asked for."""
    context = contextvars.copy_context()
    context.run(current_caller.set, caller)
    return asyncio.get_running_loop().create_task(work(), context=context)


class Work:
    """Work that takes one turn of the event loop, noted with its caller when it begins."""

    def __init__(self, bounds: Bounds) -> None:
        self.admission = Admission("reads", bounds)
        self.begun: list[Hashable] = []
        self.running = 0
        self.most_running = 0

    async def __call__(self) -> None:
        place = await self.admission.enter()
        self.begun.append(place)
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        await asyncio.sleep(0)
        self.running -= 1
        self.admission.leave(place)


def test_behind_a_flood_an_innocent_caller_waits_for_no_more_than_what_runs() -> None:
    async def flood() -> list[Hashable]:
        work = Work(Bounds(at_once=3, of_one=2))
        crowd = [of("flood", work) for _ in range(100)]
        await asyncio.sleep(0)
        innocent = of("innocent", work)
        await asyncio.gather(*crowd, innocent)
        assert work.most_running == 3
        return work.begun

    # The place that one caller cannot take is free for others.
    assert asyncio.run(flood()).index("innocent") == 2


def test_callers_who_wait_take_turns() -> None:
    async def flood() -> list[Hashable]:
        work = Work(Bounds(at_once=1, of_one=1))
        crowd = [of("flood", work) for _ in range(100)]
        crowd += [of("other", work) for _ in range(3)]
        await asyncio.gather(*crowd)
        return work.begun

    assert asyncio.run(flood())[1:7] == ["flood", "other"] * 3


def test_queues_are_bounded_for_each_caller_and_for_all() -> None:
    async def flood() -> None:
        work = Work(Bounds(at_once=1, of_one=1, waiting=5, waiting_of_one=3))
        place = await work.admission.enter()
        crowd = [of("flood", work) for _ in range(10)]
        others = [of(number, work) for number in range(4)]
        await asyncio.sleep(0)
        work.admission.leave(place)
        done = await asyncio.gather(*crowd, *others, return_exceptions=True)
        refused = [isinstance(one, StorageUnavailableError) for one in done]
        assert refused == [False] * 3 + [True] * 7 + [False] * 2 + [True] * 2
        assert len(work.begun) == 5
        await work()

    asyncio.run(flood())


def test_who_waits_too_long_is_refused_and_takes_no_place() -> None:
    async def wait() -> None:
        admission = Admission("reads", Bounds(at_once=1, of_one=1, seconds=0.02))
        place = await admission.enter()
        with pytest.raises(StorageUnavailableError, match="too many reads are queued"):
            await admission.enter()
        admission.leave(place)
        admission.leave(await admission.enter())

    asyncio.run(wait())


@pytest.mark.parametrize("is_admitted_first", [False, True])
def test_who_goes_while_waiting_takes_no_place(*, is_admitted_first: bool) -> None:
    async def go() -> None:
        work = Work(Bounds(at_once=1, of_one=1))
        place = await work.admission.enter()
        waiting = of("gone", work)
        await asyncio.sleep(0)
        if is_admitted_first:
            work.admission.leave(place)
            waiting.cancel()
        else:
            waiting.cancel()
            await asyncio.wait([waiting])
            work.admission.leave(place)
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert work.begun == []
        await work()

    asyncio.run(go())
