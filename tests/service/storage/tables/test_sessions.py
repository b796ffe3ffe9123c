import pytest

from astakos.clock import MICROSECONDS
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import sessions, users
from astakos.storage.tables.sessions import MOST_BROWSERS, MOST_SESSIONS
from service.installation import rows
from service.world import ALICE, BOB, LOADED

pytestmark = pytest.mark.every_engine

LATER = LOADED + 3600 * MICROSECONDS


def secret(number: int) -> bytes:
    return number.to_bytes(32, "big")


def id_of(connection: Connection, uuid: str) -> int:
    user = users.find_by_uuid(connection, uuid)
    assert user is not None
    return user.id


def begin(connection: Connection, uuid: str, number: int, now: int = LOADED) -> None:
    token = secret(number + 10**6)
    sessions.begin(connection, id_of(connection, uuid), secret(number), token, now, LATER)


def remember(connection: Connection, uuid: str, number: int, before: int = 0) -> None:
    user, until = id_of(connection, uuid), LATER + number
    sessions.remember_browser(connection, user, secret(number), LOADED, until, secret(before))


def knows(connection: Connection, number: int) -> bool:
    return sessions.knows_browser(connection, secret(number), ALICE.email, LOADED)


def test_a_session_too_many_replaces_the_oldest_of_its_user(database: Database) -> None:
    with database.transaction() as connection:
        begin(connection, BOB.uuid, 1)
        for number in range(2, MOST_SESSIONS + 2):
            begin(connection, ALICE.uuid, number, LOADED + number)
        begin(connection, ALICE.uuid, MOST_SESSIONS + 2, LOADED + MOST_SESSIONS + 2)
        found = [sessions.find(connection, secret(number), LOADED) for number in range(1, 5)]
    assert [None if one is None else one[0].uuid for one in found] == [BOB.uuid, None, ALICE.uuid, ALICE.uuid]
    assert rows(database, "SELECT count(*) FROM sessions") == [(MOST_SESSIONS + 1,)]


def test_a_login_replaces_what_the_browser_was_known_by(database: Database) -> None:
    with database.transaction() as connection:
        remember(connection, ALICE.uuid, 1)
        assert knows(connection, 1)
        remember(connection, ALICE.uuid, 2, before=1)
        assert (knows(connection, 1), knows(connection, 2)) == (False, True)
    assert rows(database, "SELECT count(*) FROM known_browsers") == [(1,)]


def test_a_browser_too_many_replaces_the_one_that_was_used_least_recently(database: Database) -> None:
    with database.transaction() as connection:
        remember(connection, BOB.uuid, 1)
        for number in range(2, MOST_BROWSERS + 3):
            remember(connection, ALICE.uuid, number)
        assert [knows(connection, number) for number in (2, 3, MOST_BROWSERS + 2)] == [False, True, True]
    assert rows(database, "SELECT count(*) FROM known_browsers") == [(MOST_BROWSERS + 1,)]


@pytest.mark.parametrize("keep_tokens", [False, True])
def test_a_new_password_forgets_the_browsers_of_its_user(database: Database, keep_tokens: bool) -> None:
    with database.transaction() as connection:
        remember(connection, ALICE.uuid, 1)
        remember(connection, BOB.uuid, 2)
        users.set_password_hash(connection, ALICE.uuid, "a hash", keep_tokens=keep_tokens)
        assert not knows(connection, 1)
    assert rows(database, "SELECT count(*) FROM known_browsers") == [(1,)]
