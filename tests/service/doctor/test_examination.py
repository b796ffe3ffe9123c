"""What is broken on purpose is found, by the check whose business it is, and nothing else is."""

import contextlib
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from astakos import clock
from astakos.clock import DAY
from astakos.doctor.checks import CHECKS, REVISION_CHECK
from astakos.doctor.examination import MOST_FINDINGS, Examination, examine
from astakos.doctor.findings import Level
from astakos.events.event import OPERATOR, Event
from astakos.storage.protocol import Connection, Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables import deliveries, events, recounted, settings
from astakos.storage.tables.deliveries import DeliveryState
from astakos.storage.tables.destinations import LOG, Destination, add
from service.installation import all_rows, rows, running
from service.metered import DAILY, Laboratory
from service.storage.inspection import structure
from service.world import ALICE, COMPUTE_TOKEN, member_key, project_key

U, P = member_key(ALICE), project_key()
NAMES = {REVISION_CHECK.name, *(check.name for check in CHECKS)}


def examined(database: Database, now: int | None = None) -> dict[str, Examination]:
    """What each check finds; nobody is asked over HTTP."""
    rows(database, "DELETE FROM settings WHERE name = 'base_url'")
    instant = clock.now() if now is None else now
    return {one.check.name: one for one in examine(database, instant, None, lambda *_: None)}


def wrong(database: Database, now: int | None = None) -> dict[str, tuple[Level, str]]:
    """The first finding of each check that has some."""
    return {
        name: (one.findings[0].level, one.findings[0].text)
        for name, one in examined(database, now).items()
        if one.findings
    }


@pytest.fixture
def used(database: Database) -> Database:
    """The world after three machines were charged and one was given back, while another one is pending."""
    with running(database) as service:
        for quantity in (3, -1):
            serial = service.issued(COMPUTE_TOKEN, (U, quantity), (P, quantity))
            service.act(COMPUTE_TOKEN, serial, "accept")
        service.issued(COMPUTE_TOKEN, (U, 1), (P, 1), ttl=3600)
    return database


@pytest.mark.every_engine
def test_a_healthy_installation_is_fine_and_is_not_changed(used: Database) -> None:
    found = examined(used)
    before = all_rows(used)
    assert {name: one.findings for name, one in found.items() if one.findings} == {}
    assert found.keys() == NAMES
    not_examined = {name for name, one in found.items() if one.not_examined is not None}
    on_a_server = set() if isinstance(used, SQLiteDatabase) else {"file", "permissions", "disk"}
    assert not_examined == {"address", "forwarding"} | on_a_server
    assert examined(used).keys() == NAMES
    assert all_rows(used) == before


BREAKAGES = [
    ("UPDATE holdings SET usage_max = usage_max + 1 WHERE usage_max = 3", "holdings", "pending"),
    ("UPDATE holdings SET settled = settled + 5 WHERE usage_max = 3", "holdings", "make 7 to 8"),
    (
        "UPDATE holdings SET settled = 5, usage_min = 5, usage_max = 6 WHERE usage_max = 3",
        "holdings",
        "history adds up to 2",
    ),
    ("DELETE FROM resolved_commissions", "holdings", "history adds up to 0"),
    ("DELETE FROM pending_commissions", "holdings", "add up to 0"),
    ("UPDATE resolved_commissions SET provisions = '[[1,'", "holdings", "cannot be read"),
    (
        "UPDATE holdings SET settled = 1, usage_min = 1, usage_max = 2 WHERE usage_max = 3 AND source = ''",
        "levels",
        "has 1 settled, but what is below it 2",
    ),
    ("DROP INDEX events_of_kind", "tables", "index events_of_kind of events is missing"),
    ("UPDATE events SET reason = 'another' WHERE id = 2", "audit log", "event 2 was changed"),
    ("UPDATE pending_commissions SET issue_time = 5", "commissions", "compute has 1 commission pending"),
    ("UPDATE pending_commissions SET expires = 5", "commissions", "1 commission is over"),
    ("INSERT INTO settings VALUES ('history_days', '\"x\"')", "settings", "history_days"),
    ("INSERT INTO settings VALUES ('trusted_proxies', '[\"0.0.0.0/0\"]')", "proxies", "all of 0.0.0.0/0"),
    (
        "INSERT INTO settings VALUES ('administrators', '\"nobody\"')",
        "settings",
        "Nobody is an administrator",
    ),
    ("INSERT INTO settings VALUES ('clock_hold', 'true')", "clocks", "The clock is held"),
]


@pytest.mark.parametrize(("statement", "check", "words"), BREAKAGES)
@pytest.mark.every_engine
@pytest.mark.first_on_every_engine
def test_what_is_broken_is_found(used: Database, statement: str, check: str, words: str) -> None:
    rows(used, statement)
    found = wrong(used)
    assert words in found[check][1]
    assert found.keys() - {check} <= {"holdings"}, "only one check finds it"


@pytest.mark.postgresql
def test_what_only_a_server_can_have_is_found(used: Database) -> None:
    rows(used, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'projects_by_name'::regclass")
    rows(used, "ALTER TABLE services DROP CONSTRAINT services_name_key")
    rows(used, "DROP TABLE rollovers")
    rows(used, "CREATE INDEX left_over ON users (email)")
    rows(used, "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'left_over'::regclass")
    findings = examined(used)["tables"].findings
    texts = " ".join(finding.text for finding in findings)
    remedies = " ".join(finding.remedy for finding in findings)
    assert "Run on the database: DROP INDEX left_over; or" in remedies
    assert "DROP INDEX projects_by_name; CREATE INDEX CONCURRENTLY projects_by_name ON" in remedies
    assert "The index projects_by_name of projects is not valid" in texts
    assert "Nothing keeps name of services unique" in texts
    assert "The table rollovers is missing" in texts


def test_an_index_of_other_columns_is_found(database: Database) -> None:
    rows(database, "DROP INDEX events_of_kind")
    rows(database, "CREATE INDEX events_of_kind ON events (id, kind)")
    assert "is of id, kind, and not of kind, id" in wrong(database)["tables"][1]


@pytest.mark.every_engine
@pytest.mark.parametrize(
    "breakage",
    [
        ["DROP INDEX public_projects"],
        ["DROP INDEX public_projects", "CREATE INDEX public_projects ON projects (name)"],
    ],
    ids=["missing", "of another column"],
)
def test_the_remedy_for_an_index_is_what_creates_it(database: Database, breakage: list[str]) -> None:
    before = structure(database)
    for statement in breakage:
        rows(database, statement)
    (finding,) = examined(database)["tables"].findings
    found = re.fullmatch(r"Run on the database: (.+); or load an archive of it .+", finding.remedy)
    assert found is not None
    for statement in found[1].split("; "):
        rows(database, statement)
    assert structure(database) == before
    assert not examined(database)["tables"].findings


def test_a_history_that_retention_has_cut_off_leaves_a_balance(used: Database) -> None:
    rows(used, "INSERT INTO settings VALUES ('history_days', '1')")
    rows(used, "UPDATE resolved_commissions SET resolve_time = 5")
    rows(
        used, "DELETE FROM resolved_commissions WHERE serial = (SELECT min(serial) FROM resolved_commissions)"
    )
    assert not wrong(used)
    rows(used, "UPDATE resolved_commissions SET resolve_time = ?", clock.now())
    assert not wrong(used), "three were charged before, and one is given back since"
    change = "UPDATE resolved_commissions SET provisions = replace(provisions, ',-1,-1,', ',9,9,')"
    rows(used, change)
    assert "less than nothing is left" in wrong(used)["holdings"][1]
    rows(used, "DELETE FROM settings WHERE name = 'history_days'")
    assert "holdings" in wrong(used), "nothing says that anything was deleted"


def test_the_periods_of_a_budget_add_up_to_what_is_settled(database: Database) -> None:
    laboratory = Laboratory(database)
    for _ in range(3):
        laboratory.charge(7, auto_accept=True)
        laboratory.wait(DAY)
    now = laboratory.clock.now
    assert not wrong(database, now)
    assert rows(database, "SELECT DISTINCT total FROM closed_periods") == [(7,)]
    rows(database, "DELETE FROM closed_periods WHERE start = (SELECT min(start) FROM closed_periods)")
    level, text = wrong(database, now)["holdings"]
    assert level is Level.FAULT
    assert f"of {DAILY} by" in text
    assert "periods add up to 14" in text
    assert not wrong(database, now + 2000 * DAY), "by then, retention may have deleted it"
    rows(
        database, "UPDATE holdings SET usage_min = 30, usage_max = 30 WHERE mark IS NOT NULL AND settled > 0"
    )
    assert "periods add up to 37" in wrong(database, now + 2000 * DAY)["holdings"][1]


def test_holdings_are_taken_in_several_parts(used: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recounted, "MOST_HOLDINGS", 7)
    assert not wrong(used)
    last = "(SELECT max(id) FROM holdings)"
    rows(used, f"UPDATE holdings SET usage_min = 1, usage_max = 1, settled = 1 WHERE id = {last}")
    found = examined(used)
    assert "history adds up to 0" in found["holdings"].findings[0].text
    assert found["holdings"].number == 1


def test_findings_are_counted_but_not_all_told(database: Database) -> None:
    rows(database, "UPDATE holdings SET usage_max = 1")
    (number,) = rows(database, "SELECT count(*) FROM holdings")[0]
    found = examined(database)["holdings"]
    assert (found.number, len(found.findings)) == (number, MOST_FINDINGS)


@pytest.mark.every_engine
def test_without_the_right_revision_nothing_else_is_examined(database: Database) -> None:
    rows(database, "UPDATE alembic_version SET version_num = '0001'")
    (found,) = examined(database).values()
    assert found.level is Level.FAULT
    assert "has revision 0001 of the tables" in found.findings[0].text
    assert "`astakos migrate`" in found.findings[0].remedy


def test_deliveries_that_nobody_makes_are_found(database: Database) -> None:
    def fill(connection: Connection) -> None:
        add(connection, Destination(LOG, None, (), 0, None, 5, 0))
        event = Event("project.suspended", OPERATOR, None, None, "unpaid")
        numbers = [events.record(connection, event, 5) for _ in range(2)]
        deliveries.plan(connection, LOG, [(number, "") for number in numbers], 5)
        claimed = deliveries.claim(connection, LOG, 5, 6)
        assert claimed is not None
        deliveries.settle(connection, claimed, DeliveryState.DEAD, 5, 5, "answered 500")

    database.change(fill)
    first, second = examined(database)["deliveries"].findings
    assert "1 delivery to log was given up" in first.text
    assert "are due for more than 2 hours" in second.text


def test_the_files_of_a_database_are_for_their_owner(database: SQLiteDatabase) -> None:
    database.path.chmod(0o644)
    level, text = wrong(database)["permissions"]
    assert level is Level.WARNING
    assert "0644" in text


@pytest.mark.parametrize("suffix", ["", "-wal", "-shm"])
def test_a_file_that_its_owner_cannot_write_is_found(database: SQLiteDatabase, suffix: str) -> None:
    with contextlib.closing(database.connect()) as connection:
        connection.execute("CREATE TABLE more (x)")
        database.path.with_name(database.path.name + suffix).chmod(0o400)
        level, text = wrong(database)["permissions"]
    assert level is Level.FAULT
    assert f"{database.path.name}{suffix} cannot be written by its owner (its mode is 0400)" in text


def test_a_clock_that_has_jumped_is_found(database: Database) -> None:
    def jump(connection: Connection) -> None:
        anchor = [clock.now() - clock.elapsed() - DAY, clock.boot()]
        settings.save(connection, "clock_anchor", anchor)

    database.change(jump)
    # The two clocks of the machine are read one after the other.
    assert re.search(r"has jumped by \+86(399|400) s", wrong(database)["clocks"][1])


def _cut(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(20 * 4096)
        file.write(os.urandom(40 * 4096))


def _lose(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(("damage", "words"), [(_cut, "damaged"), (_lose, "There is no")])
def test_a_file_that_is_damaged_or_missing_is_told_in_words(
    database: SQLiteDatabase, damage: Callable[[Path], None], words: str
) -> None:
    database.close()
    damage(database.path)
    found = list(examine(SQLiteDatabase(database.url), clock.now(), None, lambda *_: None))
    assert max(one.level for one in found) is Level.FAULT
    assert any(words in finding.text for one in found for finding in one.findings)
