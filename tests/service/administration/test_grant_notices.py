"""Grants that expire soon are announced once, while something of them is left."""

import json
import threading
from typing import Any

import pytest

from astakos.administration import grant_notices
from astakos.administration.grant_notices import announce_grants
from astakos.administration.grants import GrantPlace, Terms, add_grant, revoke_grant
from astakos.administration.journal import Journal
from astakos.administration.load import load
from astakos.administration.state_document import ResourceEntry, Settings, StateDocument
from astakos.clock import DAY, to_iso
from astakos.events.event import OPERATOR
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.periods import Unit
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import settings
from service.installation import rows
from service.world import ALICE, LAB, LOADED, VM

pytestmark = pytest.mark.every_engine

OWN, MEMBER, PROJECT = (
    GrantPlace(ALICE.uuid, None, VM),
    GrantPlace(ALICE.uuid, LAB, VM),
    GrantPlace(None, LAB, VM),
)


@pytest.fixture
def database(database: Database) -> Database:
    """The world, in which machines are limited per day."""
    meter = ResourceEntry(name=f"{VM}/day", service="compute_api", meter=MeterDefinition(unit=Unit.DAY))
    load(database, StateDocument(resources=[meter]), LOADED)
    return database


def grant(database: Database, place: GrantPlace, expires: int, amount: int = 5) -> int:
    def change(connection: Connection) -> int:
        with Journal(connection, OPERATOR, LOADED) as journal:
            return add_grant(connection, journal, place, Terms(amount, LOADED, expires), LOADED)

    return database.change(change)


def told(database: Database) -> list[tuple[Any, ...]]:
    found = rows(
        database, "SELECT project, subject, after FROM events WHERE kind = 'grant.expiring' ORDER BY id"
    )
    return [(project, subject, json.loads(str(after))["grant"]) for project, subject, after in found]


def test_each_is_announced_once_a_week_before(database: Database) -> None:
    end = LOADED + 30 * DAY
    first, second, third = (grant(database, place, end + n) for n, place in enumerate((OWN, MEMBER, PROJECT)))
    assert announce_grants(database, end - 7 * DAY - 1) == 0
    assert announce_grants(database, end - 7 * DAY) == 1
    assert announce_grants(database, end - 6 * DAY) == 2
    assert announce_grants(database, end - 5 * DAY) == announce_grants(database, end + DAY) == 0
    assert told(database) == [
        (ALICE.uuid, ALICE.uuid, first),
        (LAB, ALICE.uuid, second),
        (LAB, None, third),
    ]
    ((after,),) = rows(database, "SELECT after FROM events WHERE kind = 'grant.expiring' ORDER BY id LIMIT 1")
    assert json.loads(str(after)) == {"grant": first, "resource": VM, "left": 5, "expires": to_iso(end)}


def test_what_is_gone_or_revoked_or_never_expires_is_not_announced(database: Database) -> None:
    end = LOADED + DAY
    used, revoked = grant(database, MEMBER, end), grant(database, PROJECT, end)
    rows(
        database,
        "UPDATE holdings SET usage_max = 5 WHERE id IN (SELECT holding_id FROM grants WHERE number = ?)",
        used,
    )

    def change(connection: Connection) -> None:
        with Journal(connection, OPERATOR, LOADED) as journal:
            revoke_grant(connection, journal, revoked)

    database.change(change)
    assert (announce_grants(database, LOADED), told(database)) == (0, [])


def test_several_services_announce_many_that_expire_at_once(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grant_notices, "AT_A_TIME", 2)
    numbers = [grant(database, MEMBER, LOADED + DAY * (1 + n // 5)) for n in range(7)]
    threads = [threading.Thread(target=announce_grants, args=(database, LOADED)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    announce_grants(database, LOADED)
    assert [number for *_, number in told(database)] == numbers


def test_no_transaction_takes_many_however_many_expire_at_the_same_instant(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grant_notices, "AT_A_TIME", 3)
    numbers = [grant(database, MEMBER, LOADED + DAY) for _ in range(8)]
    asked = iter((False, False, True))
    assert announce_grants(database, LOADED, lambda: next(asked)) == 6
    late = grant(database, MEMBER, LOADED + DAY)
    assert announce_grants(database, LOADED) == 3
    assert [number for *_, number in told(database)] == [*numbers, late]


def test_what_an_older_version_has_announced_is_not_announced_again(database: Database) -> None:
    grant(database, MEMBER, LOADED + DAY)
    later = grant(database, MEMBER, LOADED + DAY + 1)
    database.change(lambda connection: settings.save(connection, grant_notices.ANNOUNCED_UNTIL, LOADED + DAY))
    assert announce_grants(database, LOADED) == 1
    assert [number for *_, number in told(database)] == [later]


@pytest.mark.parametrize(("days", "number"), [(0, 0), (1, 1), (30, 2)])
def test_a_setting_says_how_long_before(database: Database, days: int, number: int) -> None:
    load(database, StateDocument(settings=Settings(grant_notice_days=days)), LOADED)
    grant(database, MEMBER, LOADED + DAY)
    grant(database, MEMBER, LOADED + 30 * DAY)
    assert announce_grants(database, LOADED, lambda: True) == 0
    assert announce_grants(database, LOADED) == number
