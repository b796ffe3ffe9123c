"""Uses of keys are stored in bulk, and none is lost because the database cannot be written for a while."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from astakos.directory.api_keys import ApiKey
from astakos.ledger.ports import StorageUnavailableError
from astakos.service import last_uses
from astakos.service.last_uses import LastUses
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import api_keys
from service.installation import rows

MINUTE = last_uses.MINUTE


class Store:
    """The database, which can be unwell."""

    def __init__(self, database: Database) -> None:
        self.is_unwell = False
        self.writes = 0
        self.wrote = asyncio.Event()
        self._database = database

    async def write(self, change: Callable[[Connection], Any]) -> Any:
        if self.is_unwell:
            raise StorageUnavailableError("unwell")
        self.writes += 1
        self.wrote.set()
        return self._database.change(change)


@pytest.fixture
def keys(database: Database) -> list[str]:
    prefixes = [f"astk_abcdefg{digit}" for digit in "23"]
    with database.transaction() as connection:
        for prefix in prefixes:
            api_keys.add(connection, 1, ApiKey(0, prefix, "x"))
    return prefixes


def _last(database: Database) -> list[object]:
    return [last for (last,) in rows(database, "SELECT last_used FROM api_keys ORDER BY id")]


@pytest.mark.every_engine
def test_many_uses_are_one_write(database: Database, keys: list[str]) -> None:
    store, now = Store(database), 5 * MINUTE + 1
    uses = LastUses(store, "keys", api_keys.note_uses, lambda: now)
    for _ in range(1000):
        uses.note(keys[0])
    uses.note(keys[1])
    assert (uses.last(keys[0], None), uses.last(keys[0], 9 * MINUTE)) == (5 * MINUTE, 9 * MINUTE)
    assert _last(database) == [None, None]
    asyncio.run(uses.store())
    asyncio.run(uses.store())
    assert (store.writes, _last(database)) == (1, [5 * MINUTE, 5 * MINUTE])


@pytest.mark.every_engine
def test_a_later_use_that_another_process_has_seen_stays(database: Database, keys: list[str]) -> None:
    for minute in (7, 5):
        uses = LastUses(Store(database), "keys", api_keys.note_uses, lambda minute=minute: minute * MINUTE)  # type: ignore[misc]
        uses.note(keys[0])
        asyncio.run(uses.store())
    assert _last(database) == [7 * MINUTE, None]


@pytest.mark.every_engine
def test_a_new_key_has_none_of_the_uses_of_a_deleted_one(database: Database, keys: list[str]) -> None:
    uses = LastUses(Store(database), "keys", api_keys.note_uses, lambda: MINUTE)
    uses.note(keys[1])
    with database.transaction() as connection:
        deleted = api_keys.find(connection, keys[1])
        assert deleted is not None
        api_keys.delete(connection, deleted.key.id)
        # In SQLite, it has the id of the deleted one.
        api_keys.add(connection, 1, ApiKey(0, "astk_abcdefg4", "x"))
    assert uses.last("astk_abcdefg4", None) is None
    asyncio.run(uses.store())
    assert _last(database) == [None, None]


def test_uses_wait_while_the_database_is_unwell(database: Database, keys: list[str]) -> None:
    store, now = Store(database), MINUTE
    uses = LastUses(store, "keys", api_keys.note_uses, lambda: now)
    store.is_unwell = True
    uses.note(keys[0])
    uses.note(keys[1])
    asyncio.run(uses.store())
    now = 2 * MINUTE
    uses.note(keys[0])
    store.is_unwell = False
    asyncio.run(uses.store())
    assert _last(database) == [2 * MINUTE, MINUTE]


def test_memory_is_bounded(database: Database, keys: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(last_uses, "MOST_NOTED", 1)
    uses = LastUses(Store(database), "keys", api_keys.note_uses, lambda: MINUTE)
    for key in keys:
        uses.note(key)
    assert uses.last(keys[1], None) is None
    asyncio.run(uses.store())
    assert _last(database) == [MINUTE, None]


def test_uses_are_stored_by_and_by_and_at_the_end(
    database: Database, keys: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(last_uses, "PERIOD_SECONDS", 0.01)
    store = Store(database)

    async def story() -> None:
        uses = LastUses(store, "keys", api_keys.note_uses, lambda: MINUTE)
        uses.start()
        uses.note(keys[0])
        await store.wrote.wait()
        monkeypatch.setattr(last_uses, "PERIOD_SECONDS", 3600.0)
        await asyncio.sleep(0.05)
        uses.note(keys[1])
        await uses.stop()

    asyncio.run(asyncio.wait_for(story(), 20))
    assert _last(database) == [MINUTE, MINUTE]
