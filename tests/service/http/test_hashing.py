import asyncio

import pytest

from astakos.directory.passwords import password_matches
from astakos.http.faults import ServiceUnavailable
from astakos.http.hashing import MOST_WAITING, HashingThreads


def test_a_password_is_hashed_while_others_are_answered() -> None:
    async def hash_one() -> tuple[str, bool]:
        threads = HashingThreads()
        hashing = asyncio.create_task(threads.hash("a pass phrase"))
        await asyncio.sleep(0)
        was_waiting = not hashing.done()
        stored = await hashing
        threads.close()
        return stored, was_waiting

    stored, was_waiting = asyncio.run(hash_one())
    assert was_waiting
    assert password_matches(stored, "a pass phrase")


def test_beyond_what_can_be_waited_for_passwords_are_refused_until_some_are_done() -> None:
    async def hash_many() -> list[object]:
        threads = HashingThreads()
        try:
            crowd = [asyncio.create_task(threads.hash("x")) for _ in range(MOST_WAITING + 3)]
            done = await asyncio.gather(*crowd, return_exceptions=True)
            assert password_matches(await threads.hash("later"), "later")
            return list(done)
        finally:
            threads.close()

    done = asyncio.run(hash_many())
    refused = [one for one in done if isinstance(one, ServiceUnavailable)]
    assert len(refused) == 3
    assert len([one for one in done if isinstance(one, str)]) == MOST_WAITING


def test_a_wait_that_is_given_up_leaves_room_for_others() -> None:
    async def give_up() -> str:
        threads = HashingThreads()
        try:
            crowd = [asyncio.create_task(threads.hash("x")) for _ in range(MOST_WAITING)]
            await asyncio.sleep(0)
            for task in crowd:
                task.cancel()
            await asyncio.gather(*crowd, return_exceptions=True)
            return await threads.hash("y")
        finally:
            threads.close()

    assert password_matches(asyncio.run(give_up()), "y")


@pytest.mark.parametrize("password", ["", "ü" * 1000])
def test_any_text_can_be_a_password(password: str) -> None:
    threads = HashingThreads()
    assert password_matches(asyncio.run(threads.hash(password)), password)
    threads.close()
