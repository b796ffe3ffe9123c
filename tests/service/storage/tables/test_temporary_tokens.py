"""Further tokens of a user: found like the user's own, bounded, and gone when they must be."""

from dataclasses import replace

import pytest

from astakos.directory.tokens import token_hash
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import temporary_tokens, users
from astakos.storage.tables.proofs import PasswordProof, Proof, TokenProof
from astakos.storage.tables.temporary_tokens import MOST_OF_A_USER, TemporaryToken, TooManyTokensError
from service.installation import rows
from service.world import ALICE, BOB, LAB

pytestmark = pytest.mark.every_engine

NOW, LATER = 1_000_000, 2_000_000
COUNT = "SELECT count(*) FROM temporary_tokens"


def identifier(connection: Connection, uuid: str = ALICE.uuid) -> int:
    found = users.find_by_uuid(connection, uuid)
    assert found is not None
    return found.id


def token(user: int, name: str = "one", *, created: int = NOW, expires: int = LATER) -> TemporaryToken:
    return TemporaryToken(token_hash(name), user, LAB, "password", created, expires)


def added(database: Database, name: str = "one", *, created: int = NOW, expires: int = LATER) -> bool:
    def add(connection: Connection) -> bool:
        new = token(identifier(connection), name, created=created, expires=expires)
        return temporary_tokens.add(connection, new, TokenProof(token_hash(ALICE.token)))

    return database.change(add)


def is_found(database: Database, name: str = "one") -> bool:
    return users.find_by_token(database.reader(), token_hash(name)) is not None


def test_it_is_found_like_the_users_own_with_its_own_times(database: Database) -> None:
    assert added(database)
    found = users.find_by_token(database.reader(), token_hash("one"))
    own = users.find_by_token(database.reader(), token_hash(ALICE.token))
    assert found is not None
    assert own is not None
    assert (found.token_created, found.token_expires) == (NOW, LATER)
    assert replace(found, token_created=own.token_created, token_expires=own.token_expires) == own
    assert temporary_tokens.find(database.reader(), token_hash("one")) == token(own.id)
    assert temporary_tokens.find(database.reader(), token_hash("two")) is None


def revoked(database: Database, name: str) -> set[str]:
    """Revokes a token; the names of those that ended."""
    names = {token_hash(one): one for one in ("one", *(f"token {number}" for number in range(200)))}
    ended = database.change(lambda connection: temporary_tokens.revoke(connection, token_hash(name)))
    return {names[one] for one in ended}


def issued_for(database: Database, origin: str, name: str, *, created: int = NOW) -> bool:
    """Adds a token that is issued for another one."""

    def add(connection: Connection) -> bool:
        new = token(identifier(connection), name, created=created)
        return temporary_tokens.add(connection, new, TokenProof(token_hash(origin)))

    return database.change(add)


def test_it_can_be_revoked_once(database: Database) -> None:
    added(database)
    assert revoked(database, "one") == {"one"}
    assert not is_found(database)
    assert revoked(database, "one") == set()


@pytest.mark.parametrize("event", ["token", "password", "deactivated"])
def test_it_ends_with_what_it_was_given_for(database: Database, event: str) -> None:
    added(database)

    def happen(connection: Connection) -> None:
        if event == "token":
            users.set_token(connection, ALICE.uuid, token_hash("new"), NOW, None)
        elif event == "password":
            users.set_password_hash(connection, ALICE.uuid, "$argon2new")
        else:
            user = users.find_by_uuid(connection, ALICE.uuid)
            assert user is not None
            users.save(connection, replace(user, is_active=False))

    database.change(happen)
    assert not is_found(database)
    assert rows(database, COUNT) == [(0,)]


def test_what_happens_to_others_does_not_matter(database: Database) -> None:
    added(database)

    def happen(connection: Connection) -> None:
        users.set_token(connection, BOB.uuid, token_hash("new"), NOW, None)
        users.set_password_hash(connection, BOB.uuid, "$argon2new")
        user = users.find_by_uuid(connection, ALICE.uuid)
        assert user is not None
        users.save(connection, replace(user, first_name="Alicia"))

    database.change(happen)
    assert is_found(database)


@pytest.mark.parametrize(
    "proof",
    [
        TokenProof(token_hash("another")),
        TokenProof(token_hash(BOB.token)),
        PasswordProof("$argon2another"),
    ],
    ids=["unknown", "bob", "password"],
)
def test_what_is_good_no_more_gives_nothing(database: Database, proof: Proof) -> None:
    def add(connection: Connection) -> bool:
        return temporary_tokens.add(connection, token(identifier(connection)), proof)

    assert not database.change(add)
    assert rows(database, COUNT) == [(0,)]


def test_the_password_and_another_temporary_token_are_good(database: Database) -> None:
    stored = users.find_password_hash(database.reader(), ALICE.uuid)
    assert stored is not None

    def add(connection: Connection) -> tuple[bool, bool]:
        user = identifier(connection)
        first = temporary_tokens.add(connection, token(user, "one"), PasswordProof(stored))
        return first, temporary_tokens.add(connection, token(user, "two"), TokenProof(token_hash("one")))

    assert database.change(add) == (True, True)


def test_one_too_many_takes_the_place_of_the_oldest(database: Database) -> None:
    for number in range(MOST_OF_A_USER + 2):
        added(database, f"token {number}", created=NOW + number, expires=NOW + LATER)
    assert rows(database, COUNT) == [(MOST_OF_A_USER,)]
    assert [is_found(database, f"token {number}") for number in range(4)] == [False, False, True, True]
    assert is_found(database, f"token {MOST_OF_A_USER + 1}")


def test_what_has_expired_is_forgotten_when_another_comes(database: Database) -> None:
    added(database, "old", created=NOW, expires=NOW + 5)
    added(database, "still good", created=NOW, expires=NOW + 10)
    added(database, "new", created=NOW + 10, expires=NOW + 20)
    assert [is_found(database, name) for name in ("old", "still good", "new")] == [False, True, True]


def test_all_that_was_issued_for_it_ends_with_it_and_nothing_else(database: Database) -> None:
    added(database, "one")
    added(database, "token 0")
    for origin, name in (("one", 1), ("token 1", 2), ("token 2", 3), ("one", 4), ("token 0", 5)):
        assert issued_for(database, origin, f"token {name}")
    assert revoked(database, "token 2") == {"token 2", "token 3"}
    assert revoked(database, "one") == {"one", "token 1", "token 4"}
    assert is_found(database, "token 0")
    assert is_found(database, "token 5")


def test_one_for_which_another_was_issued_is_not_replaced(database: Database) -> None:
    added(database, "token 0")
    issued_for(database, "token 0", "token 1", created=NOW + MOST_OF_A_USER + 2)
    for number in range(2, MOST_OF_A_USER + 1):
        added(database, f"token {number}", created=NOW + number)
    assert rows(database, COUNT) == [(MOST_OF_A_USER,)]
    assert [is_found(database, f"token {number}") for number in range(4)] == [True, True, False, True]


def test_a_chain_has_an_end(database: Database) -> None:
    added(database, "token 0")
    for number in range(1, MOST_OF_A_USER):
        assert issued_for(database, f"token {number - 1}", f"token {number}")
    with pytest.raises(TooManyTokensError):
        issued_for(database, f"token {MOST_OF_A_USER - 1}", "one more")
    assert rows(database, COUNT) == [(MOST_OF_A_USER,)]
    assert added(database, "by the own token"), "which replaces the end of the chain"
    assert len(revoked(database, "token 0")) == MOST_OF_A_USER - 1
