"""What the ledger has to tell of limits comes into the audit log: each alert once, whoever dies when."""

import contextlib
import threading
from typing import cast

import pytest

from astakos.administration import quota_alerts
from astakos.administration.state_document import ResourceEntry
from astakos.clock import DAY, to_iso
from astakos.directory.api_keys import ApiKey
from astakos.ledger.key_levels import key_holder
from astakos.ledger.meter_definitions import MeterDefinition
from astakos.ledger.periods import Unit
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import api_keys, clock_records, events, key_holdings, users
from astakos.storage.tables import quota_alerts as stored
from service.installation import rows
from service.metered import DAILY, START, Laboratory
from service.world import ALICE, BOB, LAB, LOADED, VM, member_key, project_key

pytestmark = pytest.mark.ledger

MIDNIGHT = START - START % DAY


@pytest.fixture
def lab(database: Database) -> Laboratory:
    return Laboratory(database)


def told(lab: Laboratory) -> list[tuple[object, ...]]:
    return [(kind, subject, after.get("percent")) for kind, _, subject, after in lab.events()]


def test_an_event_says_what_was_reached_when_and_until_when(lab: Laboratory) -> None:
    lab.charge(80)
    lab.wait(1)
    lab.charge(45, BOB)
    assert lab.events() == []
    assert lab.record() == 2
    facts = {"resource": DAILY, "period_start": to_iso(MIDNIGHT), "resets": to_iso(MIDNIGHT + DAY)}
    of_alice = {**facts, "percent": 80, "at": to_iso(START), "usage": 80, "limit": 100}
    of_lab = {**facts, "percent": 80, "at": to_iso(START + 1), "usage": 125, "limit": 150}
    assert lab.events() == [
        ("quota.reached", LAB, ALICE.uuid, of_alice),
        ("quota.reached", LAB, None, of_lab),
    ]
    assert lab.record() == 0
    assert all(event for (event,) in rows(lab.database, "SELECT event FROM quota_alerts"))


def test_over_several_periods_each_is_told_once_in_each(lab: Laboratory) -> None:
    for day in range(3):
        for quantity in (85, 15, 1, 1):
            lab.charge(quantity)
        if day != 1:
            # Housekeeping may be late.
            lab.record()
        lab.wait(DAY)
    alice = ALICE.uuid
    once = [("quota.reached", alice, 80), ("quota.reached", alice, 100), ("quota.refused", alice, None)]
    assert told(lab) == once * 3
    times = [after["at"] for *_, after in lab.events()]
    assert times == sorted(times)


def test_what_comes_back_does_not_reset(lab: Laboratory) -> None:
    lab.set_up(ResourceEntry(name=VM, service="compute_api", thresholds=[50]), 10, 2**62)
    lab.charge(6)
    lab.record()
    ((_, _, _, after),) = lab.events()
    assert (after["resets"], after["period_start"]) == (None, to_iso(MIDNIGHT))


def test_a_user_is_not_told_twice_of_what_is_theirs(lab: Laboratory) -> None:
    """A system project and its user have the same limit and usage; of another limit of it they are told."""
    keys = member_key(ALICE, ALICE.uuid, DAILY), project_key(ALICE.uuid, DAILY)
    for key in keys:
        rows(
            lab.database,
            'UPDATE holdings SET "limit" = 10, member_limit = 10 WHERE holder = ? AND source = ? '
            "AND resource = ?",
            key.holder,
            key.source or "",
            DAILY,
        )
    lab.charge(8, project=ALICE.uuid, force=True)
    assert lab.record() == 1
    assert [(project, subject) for _, project, subject, _ in lab.events()] == [(ALICE.uuid, ALICE.uuid)]
    assert {event for (event,) in rows(lab.database, "SELECT event FROM quota_alerts")} > {stored.NOT_TOLD}
    rows(
        lab.database,
        'UPDATE holdings SET "limit" = 9 WHERE holder = ? AND resource = ?',
        keys[1].holder,
        DAILY,
    )
    lab.charge(1, project=ALICE.uuid, force=True)
    assert lab.record() == 1
    assert lab.events()[-1][1:3] == (ALICE.uuid, ALICE.uuid)


def test_a_death_between_charge_and_event_loses_and_repeats_nothing(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The engine has written and died; then housekeeping dies at each of its statements."""
    lab.charge(100)
    lab.charge(1)
    before = rows(lab.database, "SELECT * FROM events")
    database = lab.database
    steps = 0

    class _DiedError(Exception):
        pass

    class Dying:
        def __init__(self, connection: Connection, last: int) -> None:
            self._connection, self._left = connection, last

        def __getattr__(self, name: str) -> object:
            if name in ("execute", "executemany"):
                self._left -= 1
                if self._left < 0:
                    raise _DiedError
            return getattr(self._connection, name)

    real = quota_alerts._record_some
    for last in range(20):
        steps = last
        monkeypatch.setattr(
            quota_alerts,
            "_record_some",
            lambda connection, now, n=last: real(cast("Connection", Dying(connection, n)), now),
        )
        try:
            quota_alerts.record_alerts(database, lab.clock.now)
        except _DiedError:
            assert rows(database, "SELECT * FROM events") == before
        else:
            break
    assert steps > 4
    assert [kind for kind, *_ in lab.events()] == ["quota.reached", "quota.refused"]
    monkeypatch.undo()
    assert lab.record() == 0


def test_two_services_record_each_alert_once_in_one_chain(
    lab: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quota_alerts, "AT_A_TIME", 2)
    for _ in range(4):
        lab.charge(85)
        lab.charge(15)
        lab.charge(1)
        lab.wait(DAY)
    threads = [threading.Thread(target=lab.record) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    lab.record()
    assert len(lab.events()) == 12
    with contextlib.closing(lab.database.connect()) as connection:
        numbers = [row[0] for row in events.walk(connection)]
    assert numbers == list(range(1, len(numbers) + 1))


def test_an_engine_waits_neither_for_the_audit_log_nor_for_alerts_that_are_being_recorded(
    lab: Laboratory,
) -> None:
    """On a server, a refusal that is told already is refused while a transaction holds its alert."""
    if lab.database.reads_inline:
        pytest.skip("SQLite has one writer for all tables")
    lab.charge(101)
    refused = threading.Event()

    def refuse() -> None:
        lab.charge(101)
        lab.charge(85)
        refused.set()

    with lab.database.transaction() as connection:
        quota_alerts._record_some(connection, lab.clock.now)
        thread = threading.Thread(target=refuse)
        thread.start()
        assert refused.wait(20)
    thread.join(20)
    lab.record()
    assert [kind for kind, *_ in lab.events()] == ["quota.refused", "quota.reached"]


def test_nothing_is_recorded_while_the_clock_is_held(lab: Laboratory) -> None:
    lab.charge(100)
    with lab.database.transaction() as connection:
        clock_records.save(connection, anchor=None, is_held=True)
    assert (lab.record(), lab.events()) == (0, [])
    with lab.database.transaction() as connection:
        clock_records.save(connection, anchor=None, is_held=False)
    assert lab.record() == 1


def test_it_stops_when_the_process_ends(lab: Laboratory) -> None:
    lab.charge(100)
    assert quota_alerts.record_alerts(lab.database, lab.clock.now, lambda: True) == 0
    assert lab.events() == []


def test_alerts_are_forgotten_a_week_after_their_period_and_not_before_they_are_told(lab: Laboratory) -> None:
    lab.charge(100)
    over = MIDNIGHT + DAY + stored.KEPT
    with lab.store() as store:
        store.tidy(over + 1)
        assert len(lab.alerts()) == 1
        lab.record()
        store.tidy(over)
        assert len(lab.alerts()) == 1
        store.tidy(over + 1)
    assert lab.alerts() == []


def test_a_shadow_is_told_to_programs_and_to_nobody_by_mail(lab: Laboratory) -> None:
    meter = MeterDefinition(unit=Unit.DAY)
    lab.set_up(ResourceEntry(name=DAILY, service="compute_api", shadow=True, meter=meter))
    for _ in range(3):
        lab.charge(101)
        lab.wait(1)
    lab.record()
    assert told(lab) == [("quota.would_refuse", ALICE.uuid, None), ("quota.would_refuse", None, None)]


def test_what_is_told_of_a_key_is_told_to_its_user(lab: Laboratory) -> None:
    """Even if the key is gone by then. One that draws from a single project names it."""
    free, bound = "astk_aaaaaaaa", "astk_bbbbbbbb"
    with lab.database.transaction() as connection:
        user = users.find_by_uuid(connection, ALICE.uuid)
        assert user is not None
        api_keys.add(connection, user.id, ApiKey(0, bound, "", project=LAB, created=LOADED))
        for prefix in (free, bound):
            key_holdings.set_limits(connection, ALICE.uuid, prefix, {VM: None, DAILY: 10})
    for prefix in (free, bound):
        lab.charge(9, key_holder=key_holder(prefix))
        lab.charge(2, key_holder=key_holder(prefix))
    assert lab.record() == 4
    facts = {"resource": DAILY, "limit": 10, "at": to_iso(START), "usage": 9}
    period = {"period_start": to_iso(MIDNIGHT), "resets": to_iso(MIDNIGHT + DAY)}
    expected = []
    for prefix, project in ((free, None), (bound, LAB)):
        about = {**facts, **period, "key": prefix}
        expected.append(("quota.reached", project, ALICE.uuid, {**about, "percent": 80}))
        expected.append(("quota.refused", project, ALICE.uuid, about))
    assert sorted(lab.events(), key=str) == sorted(expected, key=str)
