"""Commissions that are pending for long are told, once for each component and day."""

import contextlib
import json

import pytest

from astakos.administration.load import load
from astakos.administration.overdue_commissions import tell_overdue
from astakos.administration.state_document import Settings, StateDocument
from astakos.clock import DAY, to_iso
from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue, Issued, Resolve
from astakos.ledger.periods import HOUR
from astakos.ledger.rules import Provision
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from astakos.storage.tables import clock_records
from service.installation import rows
from service.world import ALICE, LOADED, member_key

pytestmark = pytest.mark.every_engine

START = LOADED - LOADED % DAY + DAY


def issue(database: Database, component: int, at: int) -> int:
    with contextlib.closing(ledger_storage(database)) as store:
        (issued,) = perform(store, [Issue(component, (Provision(member_key(ALICE), 1),))], at)
        assert isinstance(issued, Issued)
        return issued.serial


def set_hours(database: Database, hours: int) -> None:
    load(database, StateDocument(settings=Settings(pending_notice_hours=hours)), LOADED)


def told(database: Database) -> list[dict[str, object]]:
    found = rows(database, "SELECT after FROM events WHERE kind = 'commission.overdue' ORDER BY id")
    return [json.loads(str(after)) for (after,) in found]


def test_each_component_is_told_of_once_a_day_while_they_are_pending(database: Database) -> None:
    first, _ = issue(database, 1, START), issue(database, 1, START + 1)
    third = issue(database, 2, START + HOUR)
    assert tell_overdue(database, START + 5 * DAY) == 0
    set_hours(database, 2)
    assert tell_overdue(database, START + 2 * HOUR - 1) == 0
    assert tell_overdue(database, START + 2 * HOUR) == 1
    assert tell_overdue(database, START + 3 * HOUR) == 1
    assert [tell_overdue(database, START + hour * HOUR) for hour in range(4, 24)] == [0] * 20
    of_compute, of_storage = told(database)
    assert (of_compute["oldest_serial"], of_compute["oldest_issued"]) == (first, to_iso(START))
    assert of_storage == {
        "component": "storage",
        "commissions": 1,
        "oldest_serial": third,
        "oldest_issued": to_iso(START + HOUR),
    }
    with contextlib.closing(ledger_storage(database)) as store:
        perform(store, [Resolve(2, reject=frozenset([third]))], START + 5 * HOUR)
    assert tell_overdue(database, START + DAY) == 1
    assert (told(database)[-1]["component"], told(database)[-1]["commissions"]) == ("compute", 2)


def test_nothing_is_told_while_the_clock_is_held_or_the_process_ends(database: Database) -> None:
    issue(database, 1, START)
    set_hours(database, 1)
    assert tell_overdue(database, START + HOUR, lambda: True) == 0
    with database.transaction() as connection:
        clock_records.save(connection, anchor=None, is_held=True)
    assert tell_overdue(database, START + HOUR) == 0
    with database.transaction() as connection:
        clock_records.save(connection, anchor=None, is_held=False)
    assert tell_overdue(database, START + HOUR) == 1
