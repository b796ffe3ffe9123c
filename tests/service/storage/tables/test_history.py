"""A page of the history takes a bounded amount of work, whatever the filter and however long the history."""

import json
from functools import partial

import pytest

from astakos.ledger.operations import Verdict
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables import history
from astakos.storage.tables.history import Wanted, read_history
from service.installation import holdings, rows
from service.storage.tables.counting import steps_of
from service.world import ALICE, member_key

COMPUTE = 1
ALICES = member_key(ALICE).holder
SELDOM = 3
"""The serial of the one commission that is rejected, first of all in time, and of another holding."""


def fill(database: SQLiteDatabase, first: int, last: int) -> None:
    assert member_key(ALICE) in holdings(database)
    usual, seldom = (
        rows(database, "SELECT id FROM holdings WHERE holder = ? AND resource = ?", ALICES, resource)[0][0]
        for resource in ("compute.vm", "compute.ram")
    )
    with database.transaction() as connection:
        for serial in range(first, last):
            is_seldom = serial == SELDOM
            document = json.dumps([[seldom if is_seldom else usual, 1, 1, 9, 0, 0]])
            connection.execute(
                "INSERT INTO resolved_commissions VALUES (?, ?, '', ?, ?, ?, ?)",
                (COMPUTE, serial, serial, serial, "REJECT" if is_seldom else "ACCEPT", document),
            )
            connection.execute("INSERT INTO commission_holders VALUES (?, ?, ?)", (ALICES, serial, COMPUTE))


FILTERS = {
    "resource": Wanted(component=COMPUTE, resource="compute.ram"),
    "unknown resource": Wanted(component=COMPUTE, resource="nosuch"),
    "unknown source": Wanted(component=COMPUTE, source="project:nosuch"),
    "unknown holder": Wanted(component=COMPUTE, holder="user:nosuch"),
    "outcome": Wanted(component=COMPUTE, verdict=Verdict.REJECT),
    "until": Wanted(component=COMPUTE, until=SELDOM + 1, since=SELDOM),
    "since": Wanted(component=COMPUTE, since=10**12),
    "own outcome": Wanted(holder=ALICES, verdict=Verdict.REJECT),
    "own resource": Wanted(holder=ALICES, resource="compute.ram"),
    "own of another component": Wanted(holder=ALICES, component=2),
    "serial": Wanted(component=COMPUTE, serial=SELDOM),
    "own serial": Wanted(holder=ALICES, serial=SELDOM),
}


@pytest.mark.parametrize("wanted", FILTERS.values(), ids=FILTERS)
def test_a_page_takes_no_more_work_in_a_longer_history(
    database: SQLiteDatabase, monkeypatch: pytest.MonkeyPatch, wanted: Wanted
) -> None:
    monkeypatch.setattr(history, "MOST_LOOKED_AT", 100)
    monkeypatch.setattr(history, "AT_A_TIME", 50)
    read = partial(read_history, wanted=wanted, most=10)
    fill(database, 1, 400)
    steps = steps_of(database, read)
    fill(database, 400, 4000)
    assert steps_of(database, read) <= 1.1 * steps


@pytest.mark.parametrize("name", [name for name in FILTERS if "unknown" not in name and name != "since"])
def test_what_is_seldom_is_found_by_following_the_pages(
    database: SQLiteDatabase, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(history, "MOST_LOOKED_AT", 100)
    monkeypatch.setattr(history, "AT_A_TIME", 30)
    fill(database, 1, 501)
    wanted, found = FILTERS[name], []
    for _ in range(10):
        page = database.read(partial(read_history, wanted=wanted, most=10), snapshot=True)
        found += [entry.serial for entry in page.entries]
        if page.end is None:
            break
        wanted = Wanted(
            **{field: getattr(wanted, field) for field in Wanted.__slots__} | {"before": page.end}
        )
    assert page.end is None
    assert found == ([] if name == "own of another component" else [SELDOM])
