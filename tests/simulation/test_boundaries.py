"""Two engines on one database over thousands of boundaries: what is spent in each period, beside the model.

In CI, about 3,000 periods with something in them end.

By hand, more of them, or one that failed:

    ASTAKOS_SEEDS=200 pytest tests/simulation/test_boundaries.py
    ASTAKOS_SEED=4711 pytest tests/simulation/test_boundaries.py
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from astakos.clock import DAY
from astakos.ledger.batch import perform
from astakos.ledger.operations import Grow, Operation, Resolve
from astakos.ledger.periods import HOUR, MINUTE
from astakos.ledger.ports import LedgerStorage
from astakos.storage.opening import ledger_storage
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase
from astakos.storage.protocol import Database
from lengths import length
from service.engines import PostgreSQLEngine
from service.simulated_clock import SimulatedClock
from simulation.following import Follower
from simulation.histories import (
    Wishes,
    change_a_meter,
    change_grants,
    limits_of_meters,
    look_at_all_meters,
    reorganize,
)
from simulation.postgresql_worlds import STORABLE_KEYS, filled, set_limits_of
from simulation.worlds import COMPONENTS, PARENTS, START, database_at, make_database, nest

ONE_SEED = os.environ.get("ASTAKOS_SEED")
STEPS = (MINUTE, 7 * MINUTE, HOUR, 5 * HOUR, DAY, DAY, 3 * DAY, 3 * DAY, 20 * DAY)
BATCHES = length(150, 60)
BATCHES_UNCHECKED = 16
"""How many batches are only compared by their outcomes, because all tables are read for more."""


def seeds(first: int, count: int) -> list[int]:
    if ONE_SEED:
        return [int(ONE_SEED)]
    return list(range(first, first + int(os.environ.get("ASTAKOS_SEEDS", count))))


class World:
    """A ledger that two engines write by turns, and the model of what must be there."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database = database
        self.random = random.Random(seed)
        self.follower = Follower()
        self.wishes = Wishes(self.random, self.follower, STORABLE_KEYS)
        self.clock = SimulatedClock(database, START)
        self.stores = ledger_storage(database), ledger_storage(database)
        # Connections that were made before the clock have the server's.
        self.reader = database.connect()
        limits = dict.fromkeys(STORABLE_KEYS, 100) | limits_of_meters(self.random.choice([60, 100, 200]))
        set_limits_of(database, limits)
        for key, limit in limits.items():
            self.follower.set_limit(key, limit)
        database.change(nest)
        self.follower.model.parents.update(PARENTS)
        for _ in range(3):
            change_grants(self.random, self.follower, database, START)

    def carry_out(self, operations: list[Operation], store: LedgerStorage | None = None) -> None:
        outcomes = perform(store or self.random.choice(self.stores), operations, self.clock.now)
        self.follower.follow(operations, outcomes, self.clock.now)

    def live(self) -> None:
        for batch in range(BATCHES):
            if self.random.random() < 0.05:
                self.meddle()
            operations = self.wishes.settled_at_once(self.wishes.random_spending())
            operations += [self.wishes.random_spending(), self.wishes.random_operation()]
            chance = self.random.random()
            if chance < 0.1:
                operations = self.wishes.asked_in_vain(self.random.choice(COMPONENTS))
            elif chance < 0.2:
                self.change_by_turns()
            # What has grown since tables were read last would seem to have grown just now.
            has_grown = any(isinstance(operation, Grow) for operation in operations)
            if has_grown:
                self.check()
            self.clock.set(self.clock.now + self.random.choice(STEPS))
            self.carry_out(operations)
            if has_grown or batch % BATCHES_UNCHECKED == 0:
                self.check()
        self.check()

    def change_by_turns(self) -> None:
        """One engine settles what the other one has changed after it was read."""
        model = self.follower.model
        pending = [(one, serial) for one in COMPONENTS for serial in model.pending(one)]
        if pending:
            self.check()
            operations = self.wishes.changed_by_turns(*self.random.choice(pending))
            for place, operation in enumerate(operations):
                self.carry_out([operation], self.stores[place % 2])
            self.check()

    def meddle(self) -> None:
        """Somebody changes a meter, moves a project, or sets the clock back."""
        self.carry_out([look_at_all_meters()])
        self.check()
        change_a_meter(self.random, self.follower, self.database)
        change_grants(self.random, self.follower, self.database, self.clock.now)
        if self.random.random() < 0.7:
            self.carry_out([Resolve(one, frozenset(self.follower.model.pending(one))) for one in COMPONENTS])
        reorganize(self.random, self.follower, self.database, self.clock.now)
        self.carry_out([look_at_all_meters()])
        if self.random.random() < 0.5:
            self.clock.set(self.clock.now - self.random.choice(STEPS))
            self.follower.step_back(self.reader, self.clock.now)
        self.check()

    def check(self) -> None:
        self.follower.check(self.reader, COMPONENTS)

    def close(self) -> None:
        self.reader.close()
        for store in self.stores:
            store.close()


def live(database: Database, seed: int) -> None:
    world = World(database, seed)
    try:
        world.live()
    except BaseException as error:
        error.add_note(f"replay this with ASTAKOS_SEED={seed}")
        raise
    finally:
        world.close()
    # The run meant something: so many periods ended in which something had been settled.
    assert world.follower.ends() > BATCHES // 2


@pytest.mark.parametrize("seed", seeds(0, length(5, 2)))
def test_no_period_has_more_than_its_limit(tmp_path: Path, seed: int) -> None:
    path = tmp_path / "ledger.db"
    make_database(path)
    database = database_at(path)
    live(database, seed)
    database.close()


@pytest.fixture
def on_postgresql(postgresql_engine: PostgreSQLEngine, tmp_path: Path) -> Iterator[Database]:
    database = filled(postgresql_engine, tmp_path)
    yield database
    postgresql_engine.discard(database)


@pytest.mark.postgresql
@pytest.mark.parametrize("seed", seeds(100, length(2, 1)))
def test_no_period_has_more_than_its_limit_on_postgresql(on_postgresql: Database, seed: int) -> None:
    assert isinstance(on_postgresql, PostgreSQLDatabase)
    live(on_postgresql, seed)
