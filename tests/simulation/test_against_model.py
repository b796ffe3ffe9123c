"""The ledger beside a naive model of it, through long random histories with crashes in between.

In CI this takes some seconds. By hand, for as many histories of as many steps as wanted:

    ASTAKOS_EXAMPLES=20000 ASTAKOS_STEPS=100 pytest tests/simulation/test_against_model.py [-k PostgreSQL]

What fails is shrunk, which takes minutes; with ASTAKOS_SHRINKING=no, it is told as it was found.
"""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from astakos.ledger.batch import perform
from astakos.ledger.operations import Operation, Resolve, Settle
from astakos.ledger.rules import Key
from astakos.storage.opening import ledger_storage
from astakos.storage.postgresql.postgresql_ledger import PostgreSQLLedger
from astakos.storage.protocol import Database
from lengths import length
from service.engines import PostgreSQLEngine
from service.simulated_clock import SimulatedClock
from simulation.invariants import read_figures
from simulation.machine import LedgerMachine
from simulation.plans import Plan
from simulation.postgresql_worlds import END_CONNECTION, STORABLE_KEYS, empty, filled, set_limits_of
from simulation.worlds import COMPONENTS, START, copy_as_crashed, database_at, make_database, write_limits

STEPS = int(os.environ.get("ASTAKOS_STEPS", "40"))
EXAMPLES = os.environ.get("ASTAKOS_EXAMPLES")
NO_SHRINKING = os.environ.get("ASTAKOS_SHRINKING") == "no"


def settings_of(examples: int) -> settings:
    return settings(
        max_examples=int(EXAMPLES or examples),
        stateful_step_count=STEPS,
        deadline=None,
        derandomize=EXAMPLES is None,
        database=None,
        suppress_health_check=list(HealthCheck),
        print_blob=True,
        phases=[Phase.generate] if NO_SHRINKING else list(Phase),
    )


class SQLiteMachine(LedgerMachine):
    def make_database(self) -> Database:
        self.folder = tempfile.TemporaryDirectory()
        self.generation = 0
        self.path = Path(self.folder.name, "0.db")
        make_database(self.path)
        return database_at(self.path)

    def write_limits(self, limits: Mapping[Key, int]) -> None:
        write_limits(self.administration, limits)

    def leave_crashed(self, drawn: list[Plan], *, closed: bool) -> None:
        self.generation += 1
        path = Path(self.folder.name, f"{self.generation}.db")
        self.leave_unfinished(drawn, lambda: copy_as_crashed(self.path, path))
        self.close()
        if not closed:
            self.path.unlink()
            self.path = path
            self.database = database_at(path)
        self.open()

    def check_the_end(self) -> None:
        """Invariants 5 and 7: everything that is pending, resolved at once and one after the other."""
        accepted, _ = self.split_pending()
        backwards: list[Operation] = [
            Settle(component, serial, ())
            if serial in accepted
            else Resolve(component, reject=frozenset([serial]))
            for component in reversed(COMPONENTS)
            for serial in reversed(self.follower.model.pending(component))
        ]
        at_once = self.resolve_all()
        ends = []
        for name, batches in (("at once", [at_once]), ("backwards", [[one] for one in backwards])):
            path = Path(self.folder.name, f"{name}.db")
            copy_as_crashed(self.path, path)
            database = database_at(path)
            store = ledger_storage(database)
            for batch in batches:
                # A moment before anything expires: START is before all of it.
                perform(store, batch, START - 1)
            figures = read_figures(database.reader())
            assert all(usage_min == usage_max for _, usage_min, usage_max in figures.values()), "invariant 5"
            ends.append(figures)
            store.close()
            database.close()
        assert ends[0] == ends[1], "invariant 7"

    def teardown(self) -> None:
        try:
            super().teardown()
        finally:
            self.folder.cleanup()


class PostgreSQLMachine(LedgerMachine):
    """Histories one after the other in one database, which is emptied before each."""

    keys = STORABLE_KEYS

    database_of_all: Database
    clock: SimulatedClock

    def make_database(self) -> Database:
        empty(self.database_of_all)
        return self.database_of_all

    def write_limits(self, limits: Mapping[Key, int]) -> None:
        set_limits_of(self.database, limits)

    def leave_crashed(self, drawn: list[Plan], *, closed: bool) -> None:
        """The server loses the connection; then the same engine goes on, or one that takes its place."""
        self.leave_unfinished(drawn, self.end_connection)
        if not closed:
            self.close()
            self.open()

    def end_connection(self) -> None:
        assert isinstance(self.store, PostgreSQLLedger)
        assert self.store._connection is not None
        self.administration.execute(END_CONNECTION, (self.store._connection.raw.info.backend_pid,))

    def show(self, now: int) -> None:
        self.clock.set(now)

    def check_the_end(self) -> None:
        self.do(self.resolve_all())
        self.follower.check(self.administration, COMPONENTS, log=self.complete_log)


def test_ledger_on_sqlite() -> None:
    class Machine(SQLiteMachine):
        pass

    run_state_machine_as_test(Machine, settings=settings_of(length(40, 10)))
    assert Machine.ends >= length(100, 20) or EXAMPLES, "periods with use in them ended"


@pytest.mark.postgresql
def test_ledger_on_postgresql(postgresql_engine: PostgreSQLEngine, tmp_path: Path) -> None:
    emptied = filled(postgresql_engine, tmp_path)

    class Machine(PostgreSQLMachine):
        database_of_all = emptied
        clock = SimulatedClock(emptied, START)

    try:
        run_state_machine_as_test(Machine, settings=settings_of(length(5, 2)))
        assert Machine.ends >= length(10, 3) or EXAMPLES, "periods with use in them ended"
    finally:
        postgresql_engine.discard(emptied)
