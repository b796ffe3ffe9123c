"""Codes and access tokens that have expired, or are too many, are deleted when others are stored."""

import pytest

from astakos.directory.tokens import token_hash
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import oauth2, sessions, users
from astakos.storage.tables.oauth2 import AccessToken, Code
from service.installation import rows
from service.world import ACCESS_TOKEN, ALICE, LOADED

pytestmark = pytest.mark.every_engine

BACK = "https://viewer.example.org/back"
EXPIRED = LOADED - 1
VALID = LOADED + 1


def hash_of(number: int) -> bytes:
    return number.to_bytes(32, "big")


def code(session: int, number: int, expires: int) -> Code:
    return Code(hash_of(number), "viewer", ALICE.uuid, BACK, "", None, expires, session)


def new_session(connection: Connection, secret: bytes = b"s") -> int:
    user = users.find_by_uuid(connection, ALICE.uuid)
    assert user is not None
    sessions.begin(connection, user.id, secret * 32, secret.upper() * 32, LOADED, VALID)
    return int(connection.execute("SELECT max(id) FROM sessions").fetchone()[0])


def expiries(database: Database, table: str) -> list[object]:
    return [expires for (expires,) in rows(database, f"SELECT expires FROM {table} ORDER BY id")]


def test_expired_codes_are_deleted_some_at_a_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth2, "MOST_DELETED", 2)
    with database.transaction() as connection:
        session = new_session(connection)
        # At that instant, none has expired.
        for number, expires in enumerate((VALID, EXPIRED, EXPIRED - 2, EXPIRED - 1)):
            oauth2.add_code(connection, code(session, number, expires), now=0)
        oauth2.add_code(connection, code(session, 4, VALID), now=LOADED)
    assert expiries(database, "oauth2_codes") == [VALID, EXPIRED, VALID]


def test_expired_access_tokens_are_deleted_some_at_a_time(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(oauth2, "MOST_DELETED", 2)
    (of_the_world,) = expiries(database, "oauth2_tokens")
    with database.transaction() as connection:
        session = new_session(connection)
        for number, expires in enumerate((EXPIRED, EXPIRED - 2, EXPIRED - 1)):
            token = AccessToken(number.to_bytes(32, "big"), "viewer", ALICE.uuid, "", expires)
            oauth2.save_token(connection, token)
        for number, left in ((4, 1), (5, 0)):
            new = code(session, number, VALID)
            oauth2.add_code(connection, new, now=LOADED)
            oauth2.change_code(connection, new, number.to_bytes(32, "big"), VALID, now=LOADED)
            (count,) = connection.execute(
                "SELECT count(*) FROM oauth2_tokens WHERE expires < ?", (LOADED,)
            ).fetchone()
            assert count == left
    assert expiries(database, "oauth2_tokens") == [of_the_world, VALID, VALID]


def test_a_session_has_so_many_codes_and_tokens(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oauth2, "MOST_CODES", 2)
    monkeypatch.setattr(oauth2, "MOST_TOKENS", 3)
    with database.transaction() as connection:
        session, other = new_session(connection), new_session(connection, b"o")
        oauth2.add_code(connection, code(other, 99, VALID), now=LOADED)
        for number in range(5):
            oauth2.add_code(connection, code(session, number, VALID), now=LOADED)
        left = [number for number in (*range(5), 99) if oauth2.find_code(connection, hash_of(number))]
        assert left == [3, 4, 99]
        for number in range(5):
            new = code(session, number, VALID)
            oauth2.add_code(connection, new._replace(code_hash=hash_of(200 + number)), now=LOADED)
            oauth2.change_code(connection, new, hash_of(number), VALID, now=LOADED)
        kept = [number for number in range(5) if oauth2.find_token(connection, hash_of(number))]
        assert kept == [2, 3, 4]
        assert oauth2.find_token(connection, token_hash(ACCESS_TOKEN)), "that of no session"
