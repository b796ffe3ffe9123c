"""Keys are forgotten long after they have expired, and never while the clock is in doubt."""

import pytest

from astakos.administration.accounts import find_user
from astakos.administration.key_changes import EXPIRED_KEPT, Wanted, make_key
from astakos.administration.key_retention import forget_expired_keys
from astakos.clock import MICROSECONDS
from astakos.directory.api_keys import ApiKey
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import api_keys, settings
from service.installation import rows
from service.world import ALICE

pytestmark = pytest.mark.every_engine
NOW = 10**16


@pytest.fixture
def database_with_keys(database: Database) -> Database:
    ends = (None, NOW, NOW - EXPIRED_KEPT, NOW - EXPIRED_KEPT - 1)
    with database.transaction() as connection:
        for digit, expires in zip("2345", ends, strict=True):
            key = api_keys.add(connection, 1, ApiKey(0, f"astk_abcdefg{digit}", "x", expires=expires))
            api_keys.add_secret(connection, key, api_keys.Secret(digit.encode(), NOW, None))
    return database


def test_only_keys_that_expired_long_ago_are_forgotten(database_with_keys: Database) -> None:
    assert forget_expired_keys(database_with_keys, NOW) == 1
    assert forget_expired_keys(database_with_keys, NOW) == 0
    left = [("astk_abcdefg2",), ("astk_abcdefg3",), ("astk_abcdefg4",)]
    assert rows(database_with_keys, "SELECT prefix FROM api_keys ORDER BY id") == left
    assert len(rows(database_with_keys, "SELECT key_id FROM api_key_secrets")) == 3


def test_many_are_forgotten_in_turns(database_with_keys: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_keys, "MOST_EXPIRED", 1)
    assert forget_expired_keys(database_with_keys, NOW + 10 * EXPIRED_KEPT, lambda: True) == 1
    assert forget_expired_keys(database_with_keys, NOW + 10 * EXPIRED_KEPT) == 2


def test_nothing_is_forgotten_while_the_clock_is_in_doubt(database_with_keys: Database) -> None:
    with database_with_keys.transaction() as connection:
        settings.save(connection, "clock_hold", {"since": NOW // MICROSECONDS})
    assert forget_expired_keys(database_with_keys, NOW) == 0


def make(database: Database, now: int, expires: int) -> str:
    def change(connection: Connection) -> str:
        alice = find_user(connection, ALICE.uuid)
        return make_key(connection, OPERATOR, alice, Wanted("x", expires=expires), now).key.prefix

    return database.change(change)


def test_who_makes_many_keys_that_expire_at_once_has_the_last_of_them(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "MOST_EXPIRED_OF_USER", 3)
    lasting = make(database, NOW, NOW + 10**9)
    made = [make(database, NOW + 10 * number, NOW + 10 * number + 1) for number in range(8)]
    left = rows(database, "SELECT prefix FROM api_keys ORDER BY id")
    # The last of them has not expired yet when it is made.
    assert left == [(lasting,), *((prefix,) for prefix in made[-4:])]


def test_none_of_them_is_replaced_while_the_clock_is_in_doubt(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_keys, "MOST_EXPIRED_OF_USER", 1)
    with database.transaction() as connection:
        settings.save(connection, "clock_hold", {"since": NOW // MICROSECONDS})
    for number in range(4):
        make(database, NOW + 10 * number, NOW + 10 * number + 1)
    assert len(rows(database, "SELECT prefix FROM api_keys")) == 4
