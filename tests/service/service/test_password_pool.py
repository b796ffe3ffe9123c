import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from astakos.directory.password_hashes import password_hash, password_matches
from astakos.ledger.ports import StorageUnavailableError
from astakos.service import password_pool
from astakos.service.password_pool import MOST_OF_ACCOUNT, MOST_WAITING, THREADS, PasswordPool

STORED = password_hash("the right one")
ADA = "user ada"


def run(work: Callable[[PasswordPool], Awaitable[object]]) -> object:
    """Lets a pool work on an event loop."""

    async def carry_out() -> object:
        pool = PasswordPool()
        try:
            return await work(pool)
        finally:
            pool.close()

    return asyncio.run(carry_out())


class Gate:
    """Holds up what is checked, and notes in which order that is."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.checked: list[str] = []

    def __call__(self, stored: str, password: str) -> bool:
        self.checked.append(password)
        return self.open.wait(20)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    gate = Gate()
    monkeypatch.setattr(password_pool, "password_matches", gate)
    return gate


def crowd(pool: PasswordPool, accounts: list[str]) -> list["asyncio.Task[bool]"]:
    return [asyncio.ensure_future(pool.matches(account, STORED, account)) for account in accounts]


def test_the_right_password_matches_and_no_other() -> None:
    def check(stored: str, password: str) -> object:
        return run(lambda pool: pool.matches(ADA, stored, password))

    assert check(STORED, "the right one")
    assert not check(STORED, "another one")
    assert not check("no hash at all", "the right one")


def test_where_there_is_no_password_one_is_checked_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[str] = []

    def noting(stored: str, password: str) -> bool:
        checked.append(stored)
        return True

    monkeypatch.setattr(password_pool, "password_matches", noting)
    assert not run(lambda pool: pool.matches(ADA, None, "a password that nobody has"))
    assert len(checked) == 1
    assert checked[0].startswith("$argon2")


def test_a_flood_on_one_account_is_refused_and_others_are_not(gate: Gate) -> None:
    async def flood(pool: PasswordPool) -> None:
        most = THREADS + MOST_OF_ACCOUNT
        under_way = crowd(pool, [ADA] * most)
        await asyncio.sleep(0)
        with pytest.raises(StorageUnavailableError):
            await pool.matches(ADA, STORED, "x")
        other = asyncio.ensure_future(pool.matches("user bob", STORED, "bob"))
        await asyncio.sleep(0)
        gate.open.set()
        assert await other
        assert await asyncio.gather(*under_way) == [True] * most

    run(flood)


def test_accounts_take_turns(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    # Of several threads, one that begins later can be noted earlier.
    monkeypatch.setattr(password_pool, "THREADS", 1)

    async def flood(pool: PasswordPool) -> None:
        under_way = crowd(pool, ["first"] + ["ada"] * 3 + ["bob"] * 2 + ["eve"])
        await asyncio.sleep(0)
        gate.open.set()
        await asyncio.gather(*under_way)

    run(flood)
    turns = gate.checked[1:]
    assert sorted(turns[:3]) == ["ada", "bob", "eve"], "each has a turn before any has another"
    assert sorted(turns[3:5]) == ["ada", "bob"]


def test_suspects_wait_for_all_others_and_take_no_room_from_them(gate: Gate) -> None:
    async def flood(pool: PasswordPool) -> None:
        under_way = crowd(pool, ["first"] * THREADS)
        await asyncio.sleep(0)
        names = [f"suspect {number}" for number in range(MOST_WAITING)]
        suspects = [
            asyncio.ensure_future(pool.matches(name, STORED, name, is_suspect=True)) for name in names
        ]
        await asyncio.sleep(0)
        with pytest.raises(StorageUnavailableError):
            await pool.matches("one more", STORED, "x", is_suspect=True)
        others = crowd(pool, ["ada", "bob"])
        await asyncio.sleep(0)
        gate.open.set()
        await asyncio.gather(*under_way, *suspects, *others)

    run(flood)
    assert sorted(gate.checked[THREADS : THREADS + 2]) == ["ada", "bob"]


def test_known_callers_have_places_of_their_own_and_every_second_turn(gate: Gate) -> None:
    async def flood(pool: PasswordPool) -> None:
        strangers = [f"stranger {number}" for number in range(THREADS + MOST_WAITING)]
        under_way = crowd(pool, strangers)
        await asyncio.sleep(0)
        known = [
            asyncio.ensure_future(pool.matches(name, STORED, name, is_known=True, is_suspect=is_suspect))
            for name, is_suspect in (("ada", False), ("bob", True))
        ]
        hashing = asyncio.ensure_future(pool.hash("carl", "a new password"))
        await asyncio.sleep(0)
        gate.open.set()
        assert all(await asyncio.gather(*known))
        assert password_matches(await hashing, "a new password")
        await asyncio.gather(*under_way)

    run(flood)
    turns = gate.checked[THREADS : THREADS + 6]
    assert {"ada", "bob"} < set(turns), "no later than after a stranger each"
    assert sum(name.startswith("stranger") for name in turns) >= 2, "strangers are not kept out either"


def test_the_places_of_known_callers_have_an_end(gate: Gate) -> None:
    async def flood(pool: PasswordPool) -> None:
        under_way = crowd(pool, ["first"] * THREADS)
        await asyncio.sleep(0)
        known = [
            asyncio.ensure_future(pool.matches(f"known {number}", STORED, "x", is_known=True))
            for number in range(MOST_WAITING)
        ]
        await asyncio.sleep(0)
        with pytest.raises(StorageUnavailableError):
            await pool.matches("one more", STORED, "x", is_known=True)
        stranger = asyncio.ensure_future(pool.matches("stranger", STORED, "x"))
        await asyncio.sleep(0)
        gate.open.set()
        assert await stranger
        await asyncio.gather(*under_way, *known)

    run(flood)


def test_beyond_what_can_be_waited_for_passwords_are_refused_until_some_are_done(gate: Gate) -> None:
    async def overload(pool: PasswordPool) -> None:
        under_way = crowd(pool, [f"user {number}" for number in range(THREADS + MOST_WAITING)])
        await asyncio.sleep(0)
        with pytest.raises(StorageUnavailableError, match="too many passwords"):
            await pool.matches("one more", STORED, "x")
        gate.open.set()
        assert all(await asyncio.gather(*under_way))
        assert await pool.matches("one more", STORED, "x")

    run(overload)


def test_a_wait_has_an_end(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(password_pool, "LONGEST_WAIT_SECONDS", 0.01)

    async def wait(pool: PasswordPool) -> None:
        under_way = crowd(pool, [ADA] * THREADS)
        await asyncio.sleep(0)
        with pytest.raises(StorageUnavailableError):
            await pool.matches("user bob", STORED, "x")
        gate.open.set()
        assert all(await asyncio.gather(*under_way))
        assert await pool.matches("user bob", STORED, "x"), "no turn is lost"

    run(wait)


def test_a_wait_that_is_given_up_leaves_room_for_others(gate: Gate) -> None:
    async def give_up(pool: PasswordPool) -> None:
        accounts = [f"user {number}" for number in range(THREADS + MOST_WAITING)]
        under_way = crowd(pool, accounts)
        await asyncio.sleep(0)
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        again = crowd(pool, accounts[:MOST_WAITING])
        await asyncio.sleep(0)
        gate.open.set()
        assert all(await asyncio.gather(*again))

    run(give_up)


def test_a_password_is_hashed_while_others_are_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    answered = threading.Event()

    def hash_after_an_answer(password: str) -> str:
        assert answered.wait(20), "hashing stops the event loop"
        return password_hash(password)

    monkeypatch.setattr(password_pool, "password_hash", hash_after_an_answer)

    async def hash_one(pool: PasswordPool) -> str:
        hashing = asyncio.create_task(pool.hash(ADA, "a pass phrase"))
        await asyncio.sleep(0)
        answered.set()
        return await hashing

    assert password_matches(str(run(hash_one)), "a pass phrase")


@pytest.mark.parametrize("password", ["", "ü" * 1000])
def test_any_text_can_be_a_password(password: str) -> None:
    assert password_matches(str(run(lambda pool: pool.hash(ADA, password))), password)
