"""Who uses most, and who is near a limit."""

import contextlib

import pytest

from astakos import clock
from astakos.administration.usage_leaders import PERIOD, period_start, refresh_leaders, start_before
from astakos.administration.usage_reports import all_in_period, find_over, top_now
from astakos.ledger.rules import Key
from astakos.storage.protocol import Database
from astakos.storage.tables import usage_leaders, usage_over
from astakos.storage.tables.usage_leaders import Ranking
from service.caller import Caller
from service.command import astakos, refused
from service.world import (
    ALICE,
    BOB,
    CHLOE,
    COMPUTE_TOKEN,
    LAB,
    LOADED,
    SPACE,
    VM,
    Person,
    member_key,
    project_key,
)

pytestmark = pytest.mark.every_engine


def own(person: Person) -> tuple[Key, Key]:
    return member_key(person, person.uuid), project_key(person.uuid)


@pytest.fixture
def used(database: Database, service: Caller) -> None:
    """Alice uses 3 of 4, Bob 5 of 7, Chloe 1 of 4, and the lab 6 of 12: Alice alone, 6 of 10."""
    for person, number in ((ALICE, 3), (BOB, 5), (CHLOE, 1)):
        service.issued(COMPUTE_TOKEN, *((key, number) for key in own(person)), auto_accept=True)
    service.issued(COMPUTE_TOKEN, (member_key(ALICE), 6), (project_key(), 6))


def top(database: Database, *options: str) -> list[tuple[str, int, int, int]]:
    rows = astakos(database, "resource", "usage", VM, *options, "--json").document
    return [(row["name"], row["usage"], row["pending"], row["percent"]) for row in rows]


@pytest.mark.usefixtures("used")
def test_who_uses_most_is_shown_by_amount_and_by_share(database: Database) -> None:
    lab = ("lab.example.org", 6, 6, 50)
    alice, bob, chloe = (ALICE.email, 3, 0, 75), (BOB.email, 5, 0, 71), (CHLOE.email, 1, 0, 25)
    assert top(database) == [lab, bob, alice, chloe]
    assert top(database, "--by", "share", "--top", "2") == [alice, bob]
    assert "there is no resource" in refused(database, "resource", "usage", "x")
    assert "has no periods" in refused(database, "resource", "usage", VM, "--period", "last")
    table = astakos(database, "resource", "usage", VM).output
    assert table.splitlines()[1].split()[:3] == ["lab.example.org", LAB, VM]


@pytest.mark.usefixtures("used")
def test_the_leaders_are_remembered_and_have_their_present_figures(
    database: Database, service: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(usage_leaders, "IDS_AT_A_TIME", 7)
    reader = database.reader()
    assert top_now(reader, VM, Ranking.USAGE, 9, LOADED) == []
    assert not refresh_leaders(database, LOADED, lambda: True)
    assert refresh_leaders(database, LOADED)
    assert not refresh_leaders(database, LOADED + PERIOD - 1)
    service.issued(COMPUTE_TOKEN, *((key, -5) for key in own(BOB)), auto_accept=True)
    found = top_now(reader, VM, Ranking.USAGE, 9, LOADED)
    assert [(one.name, one.usage) for one in found] == [
        ("lab.example.org", 6),
        (ALICE.email, 3),
        (CHLOE.email, 1),
    ]
    assert usage_leaders.refreshed(reader) == LOADED
    assert refresh_leaders(database, LOADED + PERIOD)
    assert len(top_now(reader, VM, Ranking.SHARE, 9, LOADED)) == 3


@pytest.mark.usefixtures("used")
def test_who_is_near_a_limit_is_listed(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(usage_over, "IDS_AT_A_TIME", 5)

    def over(*options: str) -> set[tuple[str, str]]:
        rows = astakos(database, "quota", "list", *options, "--json").document
        return {(row["name"], row["project"]) for row in rows}

    assert over() == set()
    assert over("--over", "75") == {(ALICE.email, ALICE.uuid)}
    near = {(ALICE.email, ALICE.uuid), (BOB.email, BOB.uuid), (ALICE.email, LAB)}
    assert over("--over", "60%") == near
    assert over("--over", "50%", "--resource", VM) == near | {("lab.example.org", LAB)}
    assert over("--over", "50%", "--resource", SPACE) == set()
    assert astakos(database, "quota", "set", ALICE.email, VM, "2").status == 0
    assert over("--over", "150%") == {(ALICE.email, ALICE.uuid)}
    assert astakos(database, "quota", "list", "--over", "much").status == 2
    page = find_over(database.reader(), 50, LOADED)
    assert page.end == 5


def test_periods_that_are_over_are_compared(database: Database) -> None:
    assert astakos(database, "resource", "set", VM, "--meter", "month=100").status == 0
    meter = f"{VM}/month"
    assert top_of(database, meter) == []
    start = last_start(database, meter)
    with contextlib.closing(database.connect()) as connection:
        for person, total in ((ALICE, 40), (BOB, 60), (CHLOE, 0)):
            (holding,) = connection.execute(
                "SELECT id FROM holdings WHERE holder = ? AND resource = ?", (f"project:{person.uuid}", meter)
            ).fetchone()
            connection.execute(
                "INSERT INTO closed_periods VALUES (?, ?, ?, ?, ?, ?)",
                (holding, start, start + 1, total, 2**60, meter),
            )
    assert top_of(database, meter) == [(BOB.email, 60, 60), (ALICE.email, 40, 40)]


def test_who_has_not_used_a_meter_since_is_in_its_last_period(database: Database) -> None:
    assert astakos(database, "resource", "set", VM, "--meter", "month=100").status == 0
    meter = f"{VM}/month"
    start = last_start(database, meter)
    earlier = start_before(database.reader(), meter, start)
    with contextlib.closing(database.connect()) as connection:
        for person, used, mark in ((ALICE, 40, start), (BOB, 60, earlier), (CHLOE, 0, start)):
            connection.execute(
                "UPDATE holdings SET usage_min = ?, usage_max = 100, mark = ? "
                "WHERE holder = ? AND resource = ?",
                (used, mark, f"project:{person.uuid}", meter),
            )
    assert top_of(database, meter) == [(ALICE.email, 40, 40)]


def test_a_period_that_was_closed_in_part_counts_as_a_whole(database: Database) -> None:
    """Such as the first day of a month, if the meter was one of days on that day."""
    assert astakos(database, "resource", "set", VM, "--meter", "month=100").status == 0
    meter = f"{VM}/month"
    start = last_start(database, meter)
    with contextlib.closing(database.connect()) as connection:
        for person, closed, used in ((ALICE, 30, 40), (BOB, 60, 0)):
            ((holding,),) = connection.execute(
                "UPDATE holdings SET usage_min = ?, usage_max = ?, mark = ? "
                "WHERE holder = ? AND resource = ? RETURNING id",
                (used, used, start if used else None, f"project:{person.uuid}", meter),
            ).fetchall()
            connection.execute(
                "INSERT INTO closed_periods VALUES (?, ?, ?, ?, ?, ?)",
                (holding, start, start + 1, closed, 2**60, meter),
            )
    assert top_of(database, meter) == [(ALICE.email, 70, 70), (BOB.email, 60, 60)]
    found = all_in_period(database.reader(), meter, start, 1, clock.now())
    assert [(one.name, one.usage) for one in found] == [(ALICE.email, 70)]


@pytest.mark.parametrize("moment", ["pages", "read_not_closed"])
def test_whoever_closes_a_period_while_it_is_read_is_told_once(
    database: Database, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    assert astakos(database, "resource", "set", VM, "--meter", "month=100").status == 0
    meter = f"{VM}/month"
    start = last_start(database, meter)
    with contextlib.closing(database.connect()) as connection:
        ((holding,),) = connection.execute(
            "UPDATE holdings SET usage_min = 40, usage_max = 40, mark = ? WHERE holder = ? AND resource = ? "
            "RETURNING id",
            (start, f"project:{ALICE.uuid}", meter),
        ).fetchall()
    read = getattr(usage_leaders, moment)

    def read_while_it_closes(*arguments: object) -> list[object]:
        found = list(read(*arguments))
        with contextlib.closing(database.connect()) as connection:
            connection.execute(
                "INSERT INTO closed_periods VALUES (?, ?, ?, 40, ?, ?) ON CONFLICT DO NOTHING",
                (holding, start, start + 1, 2**60, meter),
            )
            connection.execute(
                "UPDATE holdings SET usage_min = 1, usage_max = 1, mark = ? WHERE id = ?",
                (period_start(connection, meter, clock.now()), holding),
            )
        return found

    monkeypatch.setattr(usage_leaders, moment, read_while_it_closes)
    found = all_in_period(database.reader(), meter, start, 10, clock.now())
    assert [(one.name, one.usage) for one in found] == [(ALICE.email, 40)]


def test_all_are_shown_of_a_period_that_is_over(database: Database) -> None:
    assert astakos(database, "resource", "set", VM, "--meter", "month=100").status == 0
    every = ("resource", "usage", f"{VM}/month", "--top", "1000000")
    assert astakos(database, *every, "--period", "last").status == 0
    done = astakos(database, *every)
    assert (done.status, "200 at most without --period" in done.errors) == (2, True)


def top_of(database: Database, meter: str) -> list[tuple[str, int, int]]:
    rows = astakos(database, "resource", "usage", meter, "--period", "last", "--json").document
    return [(row["name"], row["usage"], row["percent"]) for row in rows]


def last_start(database: Database, meter: str) -> int:
    reader = database.reader()
    start = period_start(reader, meter, clock.now())
    assert start is not None
    before = start_before(reader, meter, start)
    assert before is not None
    return before


@pytest.mark.usefixtures("used")
def test_a_page_of_those_near_a_limit_goes_on_where_the_last_one_ended(database: Database) -> None:
    whole = find_over(database.reader(), 25, LOADED)
    found, after, skip = [], 0, 0
    for _ in whole.rows:
        page = find_over(database.reader(), 25, LOADED, after=after, skip=skip, most=1)
        found += page.rows
        after, skip = page.end or 0, page.skip
    assert found == whole.rows
    assert (after, skip) == (0, 0)
