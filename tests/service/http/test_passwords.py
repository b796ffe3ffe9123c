import asyncio
import threading

import pytest

from astakos.directory.passwords import password_hash
from astakos.http import passwords
from astakos.http.faults import ServiceUnavailable
from astakos.http.passwords import MOST_WAITING, THREADS, PasswordChecks

STORED = password_hash("the right one")


def check(stored: str | None, password: str) -> bool:
    checks = PasswordChecks()
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

    monkeypatch.setattr(passwords, "password_matches", noting)
    assert not check(None, "a password that nobody has")
    assert len(checked) == 1
    assert checked[0].startswith("$argon2")


def test_only_so_many_are_checked_and_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def waiting(stored: str, password: str) -> bool:
        return release.wait(20)

    monkeypatch.setattr(passwords, "password_matches", waiting)

    async def overload() -> list[bool]:
        checks = PasswordChecks()
        under_way = [
            asyncio.ensure_future(checks.matches(STORED, "x")) for _ in range(THREADS + MOST_WAITING)
        ]
        await asyncio.sleep(0)
        with pytest.raises(ServiceUnavailable):
            await checks.matches(STORED, "x")
        release.set()
        found = await asyncio.gather(*under_way)
        assert await checks.matches(STORED, "x")
        checks.close()
        return found

    assert asyncio.run(overload()) == [True] * (THREADS + MOST_WAITING)
