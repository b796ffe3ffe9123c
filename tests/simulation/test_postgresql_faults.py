"""Faults at every statement on PostgreSQL: all is done in the end, once, as it was answered.

Each seed is a short history with a fault in each batch. By hand, more of them, or one that failed:

    ASTAKOS_SEEDS=2000 pytest tests/simulation/test_postgresql_faults.py -k seed
    ASTAKOS_SEED=4711 pytest tests/simulation/test_postgresql_faults.py -k seed
"""

import contextlib
import itertools
import os
import random
from collections.abc import Iterator, Sequence

import pytest

from astakos.ledger.batch import perform
from astakos.ledger.operations import Issued, Operation, Outcome
from astakos.ledger.periods import MINUTE
from astakos.storage.postgresql import postgresql_ledger
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase
from astakos.storage.postgresql.postgresql_ledger import PostgreSQLLedger
from astakos.storage.protocol import Database
from lengths import length
from service.engines import PostgreSQLEngine, changed_url
from service.proxy import Proxy, proxy_to
from service.simulated_clock import SimulatedClock
from simulation.comparison import make_issue
from simulation.faulty_pipelining import Fault, Schedule
from simulation.following import Follower
from simulation.histories import (
    STEPS,
    Wishes,
    change_a_meter,
    change_grants,
    give,
    limits_of_meters,
    look_at_all_meters,
    one_of_each,
    prepaid,
    prepared,
    random_gift,
    reorganize,
)
from simulation.postgresql_worlds import STORABLE_KEYS, empty, filled, set_limits_of
from simulation.worlds import COMPONENTS, PARENTS, SECOND, START, USER_1, nest

pytestmark = pytest.mark.postgresql

ONE_SEED = os.environ.get("ASTAKOS_SEED")
SEEDS = [int(ONE_SEED)] if ONE_SEED else range(int(os.environ.get("ASTAKOS_SEEDS", length(12, 4))))
BATCHES = 6
STRIDE = length(1, 3)
"""Each kind of fault at every statement, or at every third; then each statement fails in several ways."""
CLOCKS: dict[str, SimulatedClock] = {}


@pytest.fixture(scope="module")
def of_all(
    postgresql_engine: PostgreSQLEngine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Database]:
    database = filled(postgresql_engine, tmp_path_factory.mktemp("faults"))
    CLOCKS[database.url] = SimulatedClock(database, START)
    # Connections that were made before have the server's clock.
    database.close()
    database = PostgreSQLDatabase(database.url)
    yield database
    postgresql_engine.discard(database)


@pytest.fixture
def emptied(of_all: Database) -> Database:
    empty(of_all)
    return of_all


@pytest.fixture(scope="module")
def proxy(of_all: Database) -> Iterator[Proxy]:
    assert isinstance(of_all, PostgreSQLDatabase)
    parameters = of_all._parameters
    with proxy_to(str(parameters["host"]), parameters.get("port", 5432)) as proxy:
        yield proxy


@pytest.fixture
def schedule(monkeypatch: pytest.MonkeyPatch) -> Schedule:
    schedule = Schedule()
    monkeypatch.setattr(postgresql_ledger, "Pipelining", schedule.pipelining())
    monkeypatch.setattr(postgresql_ledger, "FIRST_PAUSE_SECONDS", 0.001)
    return schedule


class World:
    """A ledger whose statements fail, and the model of what must be there."""

    def __init__(self, database: Database, clock: SimulatedClock, url: str | None = None) -> None:
        self.database = database
        self.follower = Follower()
        self.now = START
        self.store = PostgreSQLLedger(PostgreSQLDatabase(url or database.url))
        self.clock = clock
        self.set_limits(1000)
        database.change(nest)
        self.follower.model.parents.update(PARENTS)
        give(self.follower, database, prepaid, self.now)

    def set_limits(self, limit: int) -> None:
        limits = dict.fromkeys(STORABLE_KEYS, limit) | limits_of_meters(limit)
        set_limits_of(self.database, limits)
        for key, of_it in limits.items():
            self.follower.set_limit(key, of_it)

    def carry_out(self, operations: Sequence[Operation]) -> list[Outcome]:
        self.clock.set(self.now)
        outcomes = perform(self.store, operations, self.now)
        self.follower.follow(operations, outcomes, self.now)
        return outcomes

    def check(self) -> None:
        self.follower.check(self.database.reader(), COMPONENTS)

    def prepare_one_of_each(self) -> None:
        """With what is prepared for, so that all statements of a batch are carried out."""
        self.carry_out([make_issue(1, [(USER_1, 3)], time_to_live=SECOND) for _ in range(2)])
        self.carry_out(prepared())
        self.now += 8 * MINUTE

    def meddle(self, choice: random.Random) -> None:
        """Somebody changes a meter, moves a project, or sets the clock back."""
        self.carry_out([look_at_all_meters()])
        change_a_meter(choice, self.follower, self.database)
        change_grants(choice, self.follower, self.database, self.now)
        reorganize(choice, self.follower, self.database, self.now)
        self.carry_out([look_at_all_meters()])
        if choice.random() < 0.5:
            self.now -= choice.choice(STEPS)
            self.clock.set(self.now)
            self.follower.step_back(self.database.reader(), self.now)

    def close(self) -> None:
        self.store.close()


@contextlib.contextmanager
def world_of(database: Database, url: str | None = None) -> Iterator[World]:
    empty(database)
    world = World(database, CLOCKS[database.url], url)
    try:
        yield world
    finally:
        world.close()


def pending_first(world: World) -> list[Operation]:
    """One of each kind; they meet commissions that have just expired, too."""
    soon = START + SECOND
    world.prepare_one_of_each()
    model = world.follower.model
    return one_of_each([serial for serial in model.pending(1) if model.commissions[serial].expires != soon])


@pytest.mark.parametrize("fault", list(Fault))
def test_each_single_statement_of_a_batch_may_fail(
    emptied: Database, schedule: Schedule, fault: Fault
) -> None:
    fired: list[str] = []
    for statement in itertools.count(list(Fault).index(fault) % STRIDE, STRIDE):
        with world_of(emptied) as world:
            operations = pending_first(world)
            schedule.arm(fault, statement)
            world.carry_out(operations)
            if schedule.fired is None:
                break
            fired.append(schedule.fired)
            world.check()
            again = world.carry_out(operations[:1])
            assert isinstance(again[0], Issued)
            assert again[0].repeated
            world.check()
    assert len(fired) > 15 // STRIDE
    if STRIDE == 1:
        assert {"astakos_begin", "astakos_record", "astakos_set_usage", "astakos_set_marks"} <= set(fired)
        assert {"astakos_insert_closed", "astakos_revise", "astakos_extend", "astakos_commit", ""} <= set(
            fired
        )


@pytest.mark.parametrize("kind", range(13))
def test_the_answer_to_any_question_may_be_lost_with_the_connection(
    emptied: Database, proxy: Proxy, kind: int
) -> None:
    """The server has carried out what was asked, and nobody knows it."""
    url = changed_url(emptied.url, host="127.0.0.1", port=str(proxy.port))
    answers = 0
    while True:
        with world_of(emptied, url) as world:
            operation = pending_first(world)[kind]
            proxy.lose_answer(answers)
            world.carry_out([operation])
            if not proxy.has_lost_answer:
                break
            world.check()
            world.carry_out([make_issue(2, [(USER_1, 1)])])
            world.check()
            answers += 1
    assert answers >= 2


@pytest.mark.parametrize("seed", SEEDS)
def test_a_history_goes_on_through_faults_whatever_the_seed(
    emptied: Database, proxy: Proxy, schedule: Schedule, seed: int
) -> None:
    choice = random.Random(seed)
    url = changed_url(emptied.url, host="127.0.0.1", port=str(proxy.port))
    try:
        with world_of(emptied, url) as world:
            world.set_limits(choice.choice([5, 20, 100]))
            give(world.follower, world.database, random_gift(choice), world.now)
            wishes = Wishes(choice, world.follower, STORABLE_KEYS)
            for _ in range(BATCHES):
                if choice.random() < 0.15:
                    world.meddle(choice)
                world.now += choice.choice(STEPS)
                schedule.arm(choice.choice(list(Fault)), choice.randrange(25))
                if choice.random() < 0.4:
                    proxy.lose_answer(choice.randrange(4))
                world.carry_out([wishes.random_operation() for _ in range(choice.randint(0, 5))])
                world.check()
    except BaseException as error:
        error.add_note(f"replay this with ASTAKOS_SEED={seed}")
        raise
