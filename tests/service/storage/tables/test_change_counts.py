from functools import partial

import pytest

from astakos.administration.administrators import grant_admin
from astakos.clock import DAY, MICROSECONDS
from astakos.events.change_allowance import ALLOWANCES, PROTECTIVE_FACTOR, TooManyChangesError
from astakos.events.event import OPERATOR, SERVICE, Actor, Event
from astakos.storage.protocol import Database
from astakos.storage.tables import events, settings, users
from service.installation import rows
from service.world import ALICE, BOB, LOADED

pytestmark = pytest.mark.every_engine

AN_HOUR, A_DAY = ALLOWANCES
HOUR = AN_HOUR.within
NOW = LOADED + 7 * DAY
CHANGE = Event("user.changed", Actor(ALICE.uuid, "192.0.2.7"), subject=ALICE.uuid, after={"a": "b"})
REVOCATION = CHANGE._replace(kind="key.revoked")


def happen(database: Database, event: Event, now: int, number: int = 1) -> None:
    database.change(partial(events.record_all, happened=[event] * number, now=now))


def again(database: Database, event: Event, now: int) -> int:
    """When one more is allowed, as the refusal says; nothing is recorded."""
    before = rows(database, "SELECT COUNT(*) FROM events")
    with pytest.raises(TooManyChangesError) as refusal:
        happen(database, event, now)
    assert rows(database, "SELECT COUNT(*) FROM events") == before
    return refusal.value.again


def test_a_user_changes_so_much_within_an_hour(database: Database) -> None:
    happen(database, CHANGE, NOW, AN_HOUR.most - 1)
    happen(database, CHANGE, NOW + 1)
    assert again(database, CHANGE, NOW + 2) == NOW + HOUR
    happen(database, CHANGE, NOW + HOUR)
    happen(database, CHANGE._replace(actor=Actor(BOB.uuid, "192.0.2.7")), NOW + 2)


def test_and_so_much_within_a_day(database: Database) -> None:
    each = A_DAY.most // 6
    for number in range(6):
        happen(database, CHANGE, NOW + number * HOUR, each)
    assert again(database, CHANGE, NOW + 7 * HOUR) == NOW + DAY
    happen(database, CHANGE, NOW + DAY)


def test_what_locks_an_intruder_out_is_possible_for_longer(database: Database) -> None:
    happen(database, CHANGE, NOW, AN_HOUR.most)
    happen(database, REVOCATION, NOW + 1, AN_HOUR.most * (PROTECTIVE_FACTOR - 1))
    assert again(database, REVOCATION, NOW + 2) == NOW + HOUR


@pytest.mark.parametrize("actor", [OPERATOR, SERVICE, Actor(ALICE.uuid, OPERATOR.origin)])
def test_operators_and_the_service_change_any_number(database: Database, actor: Actor) -> None:
    for now in (NOW, NOW + 1):
        happen(database, CHANGE._replace(actor=actor), now, AN_HOUR.most)


def test_so_do_administrators_of_each_kind(database: Database) -> None:
    happen(database, CHANGE, NOW, AN_HOUR.most)
    happen(database, CHANGE._replace(actor=CHANGE.actor._replace(is_project_admin=True)), NOW + 1)
    with database.transaction() as connection:
        settings.save(connection, settings.PROJECT_ADMINS, [ALICE.uuid])
    happen(database, CHANGE, NOW + 1)
    with database.transaction() as connection:
        settings.save(connection, settings.PROJECT_ADMINS, [])
        user = users.find_by_uuid(connection, ALICE.uuid)
        assert user is not None
        grant_admin(connection, OPERATOR, user, NOW)
    happen(database, CHANGE, NOW + 1)


def test_so_do_those_who_manage_users_over_http_while_that_is_on(database: Database) -> None:
    happen(database, CHANGE, NOW, AN_HOUR.most)
    with database.transaction() as connection:
        user = users.find_by_uuid(connection, ALICE.uuid)
        assert user is not None
        users.add_groups(connection, ["people"])
        users.set_groups(connection, user.id, ["people"])
        settings.save(connection, settings.ADMIN_USERS_GROUPS, ["people"])
    again(database, CHANGE, NOW + 1)
    with database.transaction() as connection:
        settings.save(connection, settings.ADMIN_USERS, True)
    happen(database, CHANGE, NOW + 1)


def test_a_clock_that_was_set_back_keeps_nobody_waiting_for_long(database: Database) -> None:
    happen(database, CHANGE, NOW + 365 * DAY, AN_HOUR.most)
    happen(database, CHANGE, NOW, AN_HOUR.most)
    assert again(database, CHANGE, NOW + 1) <= NOW + HOUR + MICROSECONDS
