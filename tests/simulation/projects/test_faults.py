"""Faults at every statement of an administrative change: it has happened as a whole, or not at all.

State, limits, the charge for applications, and the audit log are compared as whole rows.
"""

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from uuid import UUID

import pytest

from astakos.administration import project_changes
from astakos.ledger.ports import NotCarriedOutError, OutcomeUnknownError
from astakos.storage.postgresql import postgresql_database
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase
from astakos.storage.protocol import Database
from service.engines import PostgreSQLEngine
from service.installation import all_rows, copy_world
from simulation.faulty_postgresql import Fault as ServerFault
from simulation.faulty_postgresql import FaultyPostgreSQLDatabase, numbering_of
from simulation.faulty_storage import Crashed, FaultyDatabase
from simulation.faulty_storage import Fault as FileFault
from simulation.projects.transitions import TRANSITIONS, Transition, count_applications
from simulation.worlds import copy_as_crashed, database_at

Everything = Mapping[str, list[tuple[object, ...]]]
every_transition = pytest.mark.parametrize("transition", TRANSITIONS.values(), ids=TRANSITIONS)
IN_SHORT_ON_A_SERVER = (
    "a member is accepted",
    "an application replaces that of another",
    "a project is moved",
    "a project is terminated",
)
"""One of each kind; on a file, all are in a short run as well."""
every_transition_on_a_server = pytest.mark.parametrize(
    "transition",
    [
        pytest.param(transition, id=name, marks=() if name in IN_SHORT_ON_A_SERVER else pytest.mark.long)
        for name, transition in TRANSITIONS.items()
    ],
)
one_transition = pytest.mark.parametrize("transition", [TRANSITIONS["a member is accepted"]])

FEWEST_STATEMENTS = 4
"""The beginning, a change, its event, and the commit."""
NEW_PROJECT = UUID("00000000-0000-4000-8000-0000000000f1")


@pytest.fixture(autouse=True)
def _same_uuid(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new project has the same one however often it is made, so that the rows can be compared."""
    monkeypatch.setattr(project_changes, "uuid4", lambda: NEW_PROJECT)


def failure_of(transition: Transition, database: Database) -> type[BaseException] | None:
    """How the change ends, which nobody repeats."""
    try:
        transition.change(database)
    except (Crashed, NotCarriedOutError, OutcomeUnknownError) as error:
        return type(error)
    return None


def rows_of(database: Database, tables: Collection[str]) -> Everything:
    connection = database.reader()
    return {
        name: sorted(connection.execute(f'SELECT * FROM "{name}"').fetchall(), key=repr) for name in tables
    }


def changed(before: Everything, after: Everything) -> set[str]:
    return {table for table, rows in before.items() if rows != after[table]}


class TestFile:
    @pytest.fixture
    def path(self, world_file: Path, tmp_path: Path, transition: Transition) -> Path:
        """The world in which the change comes next."""
        path = tmp_path / "before.db"
        database = copy_world(world_file, path)
        for change in transition.before:
            change(database)
        database.close()
        return path

    def everything(self, path: Path) -> Everything:
        """As the next process finds it."""
        database = database_at(path)
        found = all_rows(database)
        database.close()
        return found

    def after(self, path: Path, transition: Transition) -> Everything:
        """What it comes to without any fault: found out on a copy."""
        twin = path.with_name("twin.db")
        copy_as_crashed(path, twin)
        database = database_at(twin)
        transition.change(database)
        found = all_rows(database)
        database.close()
        return found

    @every_transition
    @pytest.mark.parametrize("fault", [FileFault.CRASH, FileFault.FULL_AND_ROLLED_BACK])
    def test_each_statement_may_fail(self, path: Path, transition: Transition, fault: FileFault) -> None:
        self.check_each_statement(path, transition, fault)

    def check_each_statement(self, path: Path, transition: Transition, fault: FileFault) -> None:
        before, after = self.everything(path), self.after(path, transition)
        assert changed(before, after) >= transition.tables
        statements = 0
        while True:
            database = FaultyDatabase(path)
            image = path.with_name(f"{statements}.db")
            database.schedule.arm(fault, statements, image)
            failure = failure_of(transition, database)
            database.schedule.dead = False
            database.close()
            if database.schedule.fired is None:
                break
            assert failure is (Crashed if fault is FileFault.CRASH else NotCarriedOutError)
            if failure is Crashed:
                path = image
            assert self.everything(path) == before
            statements += 1
        assert failure is None
        assert self.everything(path) == after
        assert statements >= FEWEST_STATEMENTS

    @one_transition
    @pytest.mark.parametrize("fault", [fault for fault in FileFault if fault is not FileFault.SLOW])
    def test_the_commit_may_fail(self, path: Path, transition: Transition, fault: FileFault) -> None:
        before, after = self.everything(path), self.after(path, transition)
        database = FaultyDatabase(path)
        image = path.with_name("image.db")
        database.schedule.arm(fault, -1, image)
        failure = failure_of(transition, database)
        assert database.schedule.fired == "COMMIT"
        database.schedule.dead = False
        database.close()
        is_there = fault in {FileFault.CRASH_AFTER, FileFault.ANSWER_LOST}
        assert self.everything(image if failure is Crashed else path) == (after if is_there else before)
        assert failure in {Crashed, OutcomeUnknownError} or (failure is NotCarriedOutError and not is_there)

    @one_transition
    def test_a_change_in_two_steps_fails_the_test(self, path: Path, transition: Transition) -> None:
        def in_two_steps(database: Database) -> None:
            transition.change(database)
            database.change(count_applications)

        with pytest.raises(AssertionError):
            self.check_each_statement(path, transition._replace(change=in_two_steps), FileFault.CRASH)


class Worlds:
    """Databases in which the change comes next."""

    def __init__(self, engine: PostgreSQLEngine, folder: Path, transition: Transition) -> None:
        self._engine = engine
        self._folder = folder
        self._transition = transition
        self._made: list[Database] = []

    def new(self) -> PostgreSQLDatabase:
        database = self._engine.world(self._folder)
        assert isinstance(database, PostgreSQLDatabase)
        self._made.append(database)
        for change in self._transition.before:
            change(database)
        return database

    def after(self) -> Everything:
        """What it comes to without any fault."""
        database = self.new()
        self._transition.change(database)
        return all_rows(database)

    def close(self) -> None:
        for database in self._made:
            self._engine.discard(database)


@pytest.mark.postgresql
class TestServer:
    @pytest.fixture(autouse=True)
    def _impatient(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(postgresql_database, "FIRST_PAUSE_SECONDS", 0.001)

    @pytest.fixture
    def worlds(
        self, postgresql_engine: PostgreSQLEngine, tmp_path: Path, transition: Transition
    ) -> Iterator[Worlds]:
        worlds = Worlds(postgresql_engine, tmp_path, transition)
        yield worlds
        worlds.close()

    @every_transition_on_a_server
    def test_each_statement_may_be_the_last(self, worlds: Worlds, transition: Transition) -> None:
        database = worlds.new()
        numbering = numbering_of(database)
        before, after = all_rows(database), worlds.after()
        assert changed(before, after) >= transition.tables
        statements = 0
        while True:
            faulty = FaultyPostgreSQLDatabase(database.url, numbering)
            faulty.schedule.arm(ServerFault.CRASH, statements)
            failure = failure_of(transition, faulty)
            faulty.close()
            if faulty.schedule.fired is None:
                break
            # Who has asked for the commit knows nothing about it.
            is_unknown = faulty.schedule.fired == "COMMIT"
            assert failure is (OutcomeUnknownError if is_unknown else NotCarriedOutError)
            # Not all tables each time, which takes most of the time of the test.
            assert rows_of(database, transition.tables) == {name: before[name] for name in transition.tables}
            statements += 1
        assert failure is None
        assert all_rows(database) == after
        assert statements >= FEWEST_STATEMENTS

    @every_transition_on_a_server
    def test_who_loses_against_another_does_all_of_it_again(
        self, worlds: Worlds, transition: Transition
    ) -> None:
        undisturbed = worlds.new()
        counting = FaultyPostgreSQLDatabase(undisturbed.url, numbering_of(undisturbed))
        transition.change(counting)
        counting.close()
        after, statements = all_rows(undisturbed), counting.schedule.seen
        for place in (statements // 2, -1):
            database = worlds.new()
            faulty = FaultyPostgreSQLDatabase(database.url, numbering_of(database))
            faulty.schedule.arm(ServerFault.SERIALIZATION, place)
            transition.change(faulty)
            faulty.close()
            assert faulty.schedule.fired is not None
            assert all_rows(database) == after

    @one_transition
    def test_the_answer_to_the_commit_may_be_lost(self, worlds: Worlds, transition: Transition) -> None:
        database = worlds.new()
        faulty = FaultyPostgreSQLDatabase(database.url, numbering_of(database))
        faulty.schedule.arm(ServerFault.ANSWER_LOST, -1)
        assert failure_of(transition, faulty) is OutcomeUnknownError
        faulty.close()
        assert all_rows(database) == worlds.after()
