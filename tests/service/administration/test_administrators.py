import pytest

from astakos.administration.accounts import find_user
from astakos.administration.administrators import (
    decides_about_projects,
    grant_admin,
    is_administrator,
    list_administrators,
    revoke_admin,
)
from astakos.administration.state_document import StateError
from astakos.administration.user_registration import deactivate_user
from astakos.events.event import OPERATOR
from astakos.storage.protocol import Database
from astakos.storage.tables import settings, users
from service.caller import ACCOUNT, Caller
from service.command import astakos, refused
from service.installation import all_rows, last_event
from service.world import ALICE, BOB, CHLOE, HUGO, LOADED

pytestmark = pytest.mark.every_engine


def granted(database: Database, name: str) -> None:
    database.change(lambda connection: grant_admin(connection, OPERATOR, find_user(connection, name), LOADED))


def is_one(database: Database, name: str) -> tuple[bool, bool]:
    reader = database.reader()
    user = find_user(reader, name)
    return is_administrator(reader, user), decides_about_projects(reader, user)


def test_an_administrator_decides_about_projects_until_revoked(database: Database) -> None:
    assert is_one(database, BOB.uuid) == (False, False)
    assert is_one(database, CHLOE.uuid) == (False, True)
    granted(database, BOB.email)
    number, _, *told = last_event(database)
    assert told[:5] == ["user.changed", None, "command", None, BOB.uuid]
    assert is_one(database, BOB.uuid) == (True, True)
    assert [user.uuid for user in list_administrators(database.reader())] == [BOB.uuid]
    granted(database, BOB.email)
    assert last_event(database)[0] == number
    database.change(
        lambda connection: revoke_admin(connection, OPERATOR, find_user(connection, BOB.uuid), LOADED)
    )
    assert is_one(database, BOB.uuid) == (False, False)
    with pytest.raises(StateError, match="is not an administrator"):
        revoke_admin(database.reader(), OPERATOR, find_user(database.reader(), BOB.uuid), LOADED)


def test_other_groups_stay(database: Database) -> None:
    reader = database.reader()
    alice = find_user(reader, ALICE.uuid)
    granted(database, ALICE.uuid)
    assert users.names_of_groups(reader, alice.id) == ("staff", "admin-api", "administrators")
    database.change(lambda connection: revoke_admin(connection, OPERATOR, alice, LOADED))
    assert users.names_of_groups(reader, alice.id) == ("staff", "admin-api")


def test_a_deactivated_administrator_is_none(database: Database) -> None:
    granted(database, BOB.uuid)
    database.change(
        lambda connection: deactivate_user(
            connection, OPERATOR, find_user(connection, BOB.uuid), "left", LOADED
        )
    )
    assert is_one(database, BOB.uuid) == (False, False)
    with pytest.raises(StateError, match="is not active"):
        granted(database, HUGO.uuid)


def test_no_members_of_a_group_become_administrators_by_accident(database: Database) -> None:
    def join(group: str) -> None:
        with database.transaction() as connection:
            users.add_groups(connection, [group])
            users.set_groups(connection, find_user(connection, ALICE.uuid).id, [group])

    join("administrators")
    before = all_rows(database)
    assert "already a group" in refused(database, "user", "grant-admin", BOB.email)
    assert all_rows(database) == before
    with database.transaction() as connection:
        settings.save(connection, settings.ADMINISTRATORS, "operators")
    granted(database, BOB.uuid)
    assert (is_one(database, BOB.uuid)[0], is_one(database, ALICE.uuid)[0]) == (True, False)


def test_the_command_line_makes_administrators_and_the_api_knows_them(
    database: Database, service: Caller
) -> None:
    assert service.get(f"{ACCOUNT}/events", BOB.token).status == 403
    assert astakos(database, "user", "grant-admin", BOB.email).output == f"{BOB.email} is an administrator.\n"
    assert service.get(f"{ACCOUNT}/events", BOB.token).status == 200
    (listed,) = astakos(database, "user", "admins", "--json").document
    assert listed == {"email": BOB.email, "uuid": BOB.uuid, "is_active": True}
    told = astakos(database, "user", "revoke-admin", BOB.email)
    assert told.output.endswith("Administrators left: 0.\n")
    assert service.get(f"{ACCOUNT}/events", BOB.token).status == 403
