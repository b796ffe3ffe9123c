import json
from functools import partial

import pytest

from astakos.administration.administrators import grant_admin
from astakos.clock import DAY, MICROSECONDS
from astakos.events.change_allowance import (
    ALLOWANCES,
    KEYS_A_DAY,
    OF_APPLICATIONS,
    OF_MEMBERSHIP,
    PROTECTIVE_FACTOR,
    TEXT_A_DAY,
    TooManyChangesError,
    TooManyKeysError,
)
from astakos.events.event import OPERATOR, SERVICE, Actor, Event
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import change_counts, events, settings, users
from service.installation import rows
from service.world import ALICE, BOB, CHLOE, HALTED, LAB, LOADED

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


def test_and_adds_so_much_text_within_a_day(database: Database) -> None:
    long = CHANGE._replace(reason="é" * 2000, before={"a": "é" * 2000}, after={"a": "é" * 2000})
    of_one = 2000 + 2 * len(json.dumps(long.after, ensure_ascii=False))
    happen(database, CHANGE, NOW)
    happen(database, long, NOW + 1)
    happen(database, long, NOW + 2)
    happen(database, long, NOW + 3, TEXT_A_DAY // of_one - 2)
    happen(database, long, NOW + 4)
    assert again(database, CHANGE, NOW + 5) == NOW + 1 + DAY
    happen(database, REVOCATION, NOW + 5)
    happen(database, CHANGE._replace(actor=Actor(BOB.uuid, "192.0.2.7")), NOW + 5)
    happen(database, CHANGE, NOW + 1 + DAY)


def test_a_user_plagues_nobody_with_mail_about_a_membership(database: Database) -> None:
    enrolled = Event("membership.enrolled", CHANGE.actor, LAB, BOB.uuid)
    removed = enrolled._replace(kind="membership.removed")
    happen(database, CHANGE._replace(project=LAB, subject=BOB.uuid), NOW)
    happen(database, enrolled, NOW + 1)
    for event in (enrolled, removed):
        happen(database, event, NOW + 2, OF_MEMBERSHIP.most // 2 - 1)
    happen(database, removed, NOW + 3)
    assert again(database, enrolled, NOW + 4) == NOW + 1 + DAY
    happen(database, enrolled._replace(subject=CHLOE.uuid), NOW + 4)
    happen(database, enrolled._replace(project=HALTED), NOW + 4)
    happen(database, enrolled._replace(actor=Actor(CHLOE.uuid, "192.0.2.7")), NOW + 4)
    happen(database, enrolled, NOW + 1 + DAY)


def test_nor_administrators_with_mail_about_applications(database: Database) -> None:
    submitted = CHANGE._replace(kind="application.submitted", project=LAB)
    happen(database, CHANGE, NOW)
    happen(database, submitted, NOW + 1, OF_APPLICATIONS.most)
    assert again(database, submitted, NOW + 2) == NOW + 1 + DAY
    happen(database, submitted._replace(kind="application.cancelled"), NOW + 2)


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


KEY_MADE = CHANGE._replace(kind="key.created")


def require_key(database: Database, now: int, most_keys: int = 50, actor: Actor = CHANGE.actor) -> None:
    def require(connection: Connection) -> None:
        change_counts.require_key_allowed(connection, actor, most_keys, now)

    database.change(require)


def test_a_user_makes_so_many_keys_within_a_day(database: Database) -> None:
    happen(database, CHANGE, NOW, 500)
    happen(database, KEY_MADE, NOW + 1)
    happen(database, KEY_MADE, NOW + 2, KEYS_A_DAY - 2)
    require_key(database, NOW + 3)
    happen(database, KEY_MADE, NOW + 3)
    with pytest.raises(TooManyKeysError) as refusal:
        require_key(database, NOW + 4)
    assert refusal.value.again == NOW + 1 + DAY
    require_key(database, NOW + 1 + DAY)
    require_key(database, NOW + 4, actor=Actor(BOB.uuid, "192.0.2.7"))
    happen(database, CHANGE, NOW + 4)


def test_who_can_have_more_keys_makes_as_many_within_a_day(database: Database) -> None:
    happen(database, KEY_MADE, NOW, KEYS_A_DAY)
    require_key(database, NOW + 1, most_keys=KEYS_A_DAY + 1)
    happen(database, KEY_MADE, NOW + 1)
    with pytest.raises(TooManyKeysError):
        require_key(database, NOW + 2, most_keys=KEYS_A_DAY + 1)


@pytest.mark.parametrize("actor", [OPERATOR, Actor(CHLOE.uuid, "192.0.2.7")])
def test_operators_and_administrators_make_any_number(database: Database, actor: Actor) -> None:
    for now in (NOW, NOW + 1):
        happen(database, KEY_MADE._replace(actor=actor), now, KEYS_A_DAY)
    require_key(database, NOW + 2, actor=actor)
