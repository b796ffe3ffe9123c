import pytest

from astakos.administration.accounts import find_user, renew_user_token
from astakos.administration.state_document import StateError
from astakos.directory.tokens import USER_TOKEN_LIFETIME, token_hash
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Database
from service.installation import all_rows, last_event, rows
from service.world import ALICE, BOB, LOADED, UNKNOWN_UUID

pytestmark = pytest.mark.every_engine


@pytest.mark.parametrize("name", [BOB.uuid, BOB.email, BOB.email.lower(), BOB.email.upper()])
def test_a_user_is_found_by_uuid_or_address(database: Database, name: str) -> None:
    assert find_user(database.reader(), name).uuid == BOB.uuid


@pytest.mark.first_on_every_engine
@pytest.mark.parametrize("name", ["", "bob", UNKNOWN_UUID, "nobody@example.org", "\0"])
def test_a_user_who_is_not_there_is_named(database: Database, name: str) -> None:
    with pytest.raises(StateError) as caught:
        find_user(database.reader(), name)
    assert str(caught.value) == f"there is no user {name!r}; name one by UUID or whole email address"


def test_a_new_token_replaces_the_old_one_and_changes_nothing_else(database: Database) -> None:
    before = all_rows(database)
    with database.transaction() as connection:
        token = renew_user_token(connection, OPERATOR, find_user(connection, ALICE.uuid), LOADED)
    statement = "SELECT token_hash, token_created, token_expires FROM users WHERE uuid = ?"
    assert rows(database, statement, ALICE.uuid) == [
        (token_hash(token), LOADED, LOADED + USER_TOKEN_LIFETIME)
    ]
    after = all_rows(database)
    assert after.pop("users")[1:] == before.pop("users")[1:]
    # The access tokens of OAuth2 clients end with it.
    assert (after.pop("oauth2_tokens"), len(before.pop("oauth2_tokens"))) == ([], 1)
    number, _, *told = last_event(database)
    assert (number, told[:5]) == (
        len(before.pop("events")) + 1,
        ["user.token_renewed", None, "command", None, ALICE.uuid],
    )
    del after["events"]
    assert after == before
