"""Tasks that outlive the call that began them."""

from __future__ import annotations

import asyncio

from astakosclient.core.background import Background


def test_it_waits_for_the_tasks_of_the_running_loop_only() -> None:
    background = Background()
    ended: list[str] = []

    async def work(name: str, moment: asyncio.Event | None = None) -> None:
        if moment is not None:
            await moment.wait()
        ended.append(name)

    other = asyncio.new_event_loop()

    async def start_for_ever() -> None:
        background.start(work("other", asyncio.Event()))

    other.run_until_complete(start_for_ever())

    async def main() -> None:
        background.start(work("own"))
        await background.finish(5)

    asyncio.run(main())
    assert ended == ["own"]
    for task in asyncio.all_tasks(other):
        task.cancel()
    other.run_until_complete(asyncio.sleep(0))
    other.close()


def test_it_waits_no_longer_than_it_may() -> None:
    async def main() -> bool:
        background = Background()
        task = background.start(asyncio.Event().wait())  # type: ignore[arg-type]  # it never ends
        await background.finish(0)
        return task.done()

    assert asyncio.run(main()) is False


def test_it_waits_for_what_begins_while_it_waits() -> None:
    background = Background()
    ended: list[str] = []

    async def begin_another() -> None:
        await asyncio.sleep(0)
        background.start(end())

    async def end() -> None:
        await asyncio.sleep(0)
        ended.append("another")

    async def main() -> None:
        background.start(begin_another())
        await background.finish(5)
        assert ended == ["another"]

    asyncio.run(main())


def test_what_is_open_has_a_moment_to_start_its_tasks() -> None:
    background = Background()
    ended: list[str] = []

    async def end() -> None:
        ended.append("settled")

    async def main() -> None:
        begun, kept = background.begin(), background.begin()
        forgotten = background.begin()
        del forgotten

        def settle() -> None:
            background.start(end())
            begun.set_result(None)

        asyncio.get_running_loop().call_soon(settle)
        await background.finish(5)
        assert ended == ["settled"]
        assert not kept.done()

    asyncio.run(main())
