import asyncio
import threading

import pytest

from astakos.directory.password_hashes import password_hash, password_matches
from astakos.ledger.ports import StorageUnavailableError
from astakos.service import password_pool
from astakos.service.password_pool import MOST_WAITING, PasswordPool

STORED = password_hash("the right one")


def check(stored: str | None, password: str) -> bool:
    checks = PasswordPool()
    try:
        return asyncio.run(checks.matches(stored, password))
    finally:
        checks.close()


def test_the_right_password_matches_and_no_other() -> None:
    assert check(STORED, "the right one")
    assert not check(STORED, "another one")
    assert not check("no hash at all", "the right one")


def test_where_there_is_no_password_one_is_checked_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def noting(stored: str, password: str) -> bool:
        checked.append(stored)
        return True

    monkeypatch.setattr(password_pool, "password_matches", noting)
    assert not check(None, "a password that nobody has")
    assert len(checked) == 1
    assert checked[0].startswith("$argon2")


def test_only_so_many_are_checked_and_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def waiting(stored: str, password: str) -> bool:
        return release.wait(20)

    monkeypatch.setattr(password_pool, "password_matches", waiting)

    async def overload() -> list[bool]:
        checks = PasswordPool()
        under_way = [asyncio.ensure_future(checks.matches(STORED, "x")) for _ in range(MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(StorageUnavailableError):
            await checks.matches(STORED, "x")
        release.set()
        found = await asyncio.gather(*under_way)
        assert await checks.matches(STORED, "x")
        checks.close()
        return found

    assert asyncio.run(overload()) == [True] * (MOST_WAITING)


def test_a_password_is_hashed_while_others_are_answered() -> None:
    async def hash_one() -> tuple[str, bool]:
        threads = PasswordPool()
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
        threads = PasswordPool()
        try:
            crowd = [asyncio.create_task(threads.hash("x")) for _ in range(MOST_WAITING + 3)]
            done = await asyncio.gather(*crowd, return_exceptions=True)
            assert password_matches(await threads.hash("later"), "later")
            return list(done)
        finally:
            threads.close()

    done = asyncio.run(hash_many())
    refused = [one for one in done if isinstance(one, StorageUnavailableError)]
    assert len(refused) == 3
    assert len([one for one in done if isinstance(one, str)]) == MOST_WAITING


def test_a_wait_that_is_given_up_leaves_room_for_others() -> None:
    async def give_up() -> str:
        threads = PasswordPool()
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
    threads = PasswordPool()
    assert password_matches(asyncio.run(threads.hash(password)), password)
    threads.close()
