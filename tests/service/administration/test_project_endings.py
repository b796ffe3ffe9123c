"""Projects end at their end dates, each in a transaction of its own, and a notice tells of it before."""

import json
import threading
from typing import Any

import pytest

from astakos.administration.load import load
from astakos.administration.project_changes import act_on_project
from astakos.administration.project_endings import Done, end_what_is_over
from astakos.administration.state_document import ProjectEntry, Settings, StateDocument
from astakos.clock import DAY, to_iso
from astakos.projects.project import ProjectState
from astakos.projects.refusals import ProjectRefusedError, RefusalKind
from astakos.storage.protocol import Connection, Database
from astakos.storage.tables import clock_records, project_endings
from service.installation import holdings, rows
from service.world import ALICE, BOB, CLOSED, HALTED, LAB, LOADED, member_key, project_key

pytestmark = pytest.mark.every_engine

END = LOADED + 30 * DAY
UNTOUCHED = [f"000000b{number}-0000-4000-8000-0000000000b{number}" for number in range(3)]


@pytest.fixture
def database(database: Database) -> Database:
    """The world, in which projects end by themselves, and the lab does so soon."""
    set_end(database, LAB, END)
    configure(database, end_projects=True)
    return database


def configure(database: Database, **given: Any) -> None:
    load(database, StateDocument(settings=Settings(**given)), LOADED)


def set_end(database: Database, project: str, instant: int) -> None:
    rows(database, "UPDATE projects SET end_date = ? WHERE uuid = ?", instant, project)


def state(database: Database, project: str) -> object:
    return rows(database, "SELECT state FROM projects WHERE uuid = ?", project)[0][0]


def events(database: Database, kind: str) -> list[tuple[object, ...]]:
    found = rows(
        database,
        "SELECT project, actor, origin, reason, after FROM events WHERE kind = ? ORDER BY id",
        kind,
    )
    return [(*row[:4], json.loads(str(row[4]))) for row in found]


def test_a_project_is_terminated_at_its_end_date(database: Database) -> None:
    rows(database, f"UPDATE users SET default_project = '{LAB}' WHERE uuid = '{BOB.uuid}'")
    assert end_what_is_over(database, END - 1).ended == 0
    assert end_what_is_over(database, END) == Done(1, 0)
    assert end_what_is_over(database, END + DAY) == Done(0, 0)
    assert state(database, LAB) == "terminated"
    limits = holdings(database)
    assert (limits[member_key(ALICE)].limit, limits[project_key()].limit) == (0, 0)
    assert rows(database, f"SELECT default_project FROM users WHERE uuid = '{BOB.uuid}'") == [(BOB.uuid,)]
    reason = f"its end date, {to_iso(END)}, has passed"
    after = {"state": "terminated", "deactivated": to_iso(END)}
    assert events(database, "project.terminated") == [(LAB, None, "service", reason, after)]


def test_only_active_and_suspended_shared_projects_end(database: Database) -> None:
    set_end(database, HALTED, END)
    rows(database, f"UPDATE projects SET end_date = 1 WHERE system_project OR uuid = '{CLOSED}'")
    new = ProjectEntry(uuid=UNTOUCHED[0], name="new", end_date=to_iso(1), state=ProjectState.UNINITIALIZED)
    load(database, StateDocument(projects=[new]), LOADED)
    assert end_what_is_over(database, END + 7 * DAY).ended == 2
    assert state(database, HALTED) == "terminated"
    assert state(database, UNTOUCHED[0]) == "uninitialized"
    assert {row[0] for row in rows(database, "SELECT state FROM projects WHERE system_project")} <= {
        "active",
        "suspended",
    }


def test_by_default_nothing_ends_and_nothing_is_announced(database: Database) -> None:
    configure(database, end_projects=False)
    assert end_what_is_over(database, END) == end_what_is_over(database, END - DAY) == Done(0, 0)


def test_nothing_ends_while_a_service_holds_the_clock(database: Database) -> None:
    database.change(lambda connection: clock_records.save(connection, anchor=None, is_held=True))
    assert end_what_is_over(database, END) == end_what_is_over(database, END - DAY) == Done(0, 0)
    database.change(clock_records.accept)
    assert end_what_is_over(database, END).ended == 1


def test_a_notice_is_given_once_for_each_end_date(database: Database) -> None:
    assert end_what_is_over(database, END - 7 * DAY - 1) == Done(0, 0)
    assert end_what_is_over(database, END - 7 * DAY) == Done(0, 1)
    assert end_what_is_over(database, END - DAY) == Done(0, 0)
    set_end(database, LAB, END + 10 * DAY)
    assert end_what_is_over(database, END) == Done(0, 0)
    assert end_what_is_over(database, END + 9 * DAY) == Done(0, 1)
    assert events(database, "project.ending") == [
        (LAB, None, "service", "", {"end_date": to_iso(date)}) for date in (END, END + 10 * DAY)
    ]


@pytest.mark.parametrize(("days", "announced"), [(0, 0), (1, 0), (30, 1)])
def test_the_time_of_the_notice_is_a_setting(database: Database, days: int, announced: int) -> None:
    configure(database, ending_notice_days=days)
    assert end_what_is_over(database, END - 2 * DAY) == Done(0, announced)


def ending_soon(database: Database) -> None:
    """Lets three more projects end before the lab."""
    entries = [
        ProjectEntry(uuid=uuid, name=f"{uuid[:8]}.example.org", end_date=to_iso(END - DAY))
        for uuid in UNTOUCHED
    ]
    load(database, StateDocument(projects=entries), LOADED)


def test_projects_end_one_after_the_other_until_it_is_stopped(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending_soon(database)
    monkeypatch.setattr(project_endings, "AT_A_TIME", 2)
    asked = iter([False, True, True])
    assert end_what_is_over(database, END, lambda: next(asked)).ended == 1
    assert [state(database, uuid) for uuid in UNTOUCHED] == ["terminated", "active", "active"]
    assert end_what_is_over(database, END).ended == 3


def test_a_project_that_fails_keeps_no_other_from_ending(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    ending_soon(database)

    def failing(connection: Connection, *arguments: Any) -> None:
        if arguments[2] == UNTOUCHED[0]:
            raise ProjectRefusedError(RefusalKind.CONFLICT, "no")
        act_on_project(connection, *arguments)

    monkeypatch.setattr("astakos.administration.project_endings.act_on_project", failing)
    assert end_what_is_over(database, END).ended == 3
    assert f"the end of project {UNTOUCHED[0]} failed" in caplog.text
    assert state(database, UNTOUCHED[0]) == "active"


def test_several_services_end_each_project_once(database: Database) -> None:
    ending_soon(database)
    begin = threading.Barrier(3)
    done: list[Done] = []

    def serve() -> None:
        begin.wait()
        done.append(end_what_is_over(database, END))

    threads = [threading.Thread(target=serve) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one.ended for one in done) == len(events(database, "project.terminated")) == 4


def test_millions_of_system_projects_are_not_looked_at(database: Database) -> None:
    if not database.reads_inline:
        pytest.skip("a server reads a small table without an index")
    with database.transaction() as connection:
        steps = connection.execute(
            f"EXPLAIN QUERY PLAN {project_endings.LIST_OVER}", (END, 0, 0, 1)
        ).fetchall()
    assert any("projects_by_end_date" in str(step) for step in steps)
