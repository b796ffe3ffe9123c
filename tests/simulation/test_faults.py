"""Faults of the storage at every step: what failed has left nothing, what was committed is whole and there.

Each seed is a short history with a fault in each batch. By hand, more of them, or one that failed:

    ASTAKOS_SEEDS=20000 pytest tests/simulation/test_faults.py -k seed
    ASTAKOS_SEED=4711 pytest tests/simulation/test_faults.py -k seed
"""

import contextlib
import os
import random
import sqlite3
from pathlib import Path

import pytest

from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue, Issued, Operation, Outcome
from astakos.ledger.periods import MINUTE
from astakos.ledger.ports import NotCarriedOutError, OutcomeUnknownError, StorageUnavailableError
from astakos.storage.opening import ledger_storage
from astakos.storage.sqlite.sqlite_ledger import SQLiteLedger
from lengths import length
from service.installation import set_limits
from simulation.comparison import make_issue
from simulation.faulty_storage import Crashed, Fault, FaultyDatabase
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
from simulation.worlds import (
    COMPONENTS,
    KEYS,
    PARENTS,
    START,
    TREE,
    USER_1,
    copy_as_crashed,
    database_at,
    make_database,
    nest,
    write_limits,
)

ONE_SEED = os.environ.get("ASTAKOS_SEED")
SEEDS = [int(ONE_SEED)] if ONE_SEED else range(int(os.environ.get("ASTAKOS_SEEDS", length(120, 40))))
BATCHES = 8
MOST_STATEMENTS = 30
LATER = START + 8 * MINUTE
"""When some periods are over."""
COMMITTED_AFTER_ALL = (Fault.ANSWER_LOST, Fault.CRASH_AFTER)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "0.db"
    make_database(made)
    return made


class World:
    """A ledger on a disk that fails, and the model of what must be there."""

    def __init__(self, path: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.path = path
        self.generation = 0
        self.now = START
        self.follower = Follower()
        self.wishes = Wishes(self.random, self.follower)
        with sqlite3.connect(path, isolation_level=None) as connection:
            limits = {key: self.random.choice([5, 20, 100, 2**63 - 1]) for key in KEYS}
            limits |= limits_of_meters(self.random.choice([20, 70, 200]))
            write_limits(connection, limits)
        connection.close()
        for key, limit in limits.items():
            self.follower.set_limit(key, limit)
        with contextlib.closing(database_at(path)) as administration:
            administration.change(nest)
            for gift in (prepaid, *(random_gift(self.random) for _ in range(2))):
                give(self.follower, administration, gift, self.now)
        self.follower.model.parents.update(PARENTS)
        self.open()

    def open(self) -> None:
        self.database = FaultyDatabase(self.path)
        self.store = SQLiteLedger(self.database)
        self.store._connected()  # so that the faults hit its transactions; connecting has a test of its own

    def close(self) -> None:
        self.database.schedule.dead = False
        self.store.close()

    def step(self) -> None:
        """One batch with a fault in it, then the same issues again if nobody knows what became of them."""
        if self.random.random() < 0.1:
            self.meddle()
        self.now += self.random.choice(STEPS)
        operations = [self.wishes.random_operation() for _ in range(self.random.randint(0, 5))]
        fault = self.random.choice(list(Fault))
        countdown = self.random.choice([-1, self.random.randrange(MOST_STATEMENTS)])
        self.generation += 1
        image = self.path.with_name(f"{self.generation}.db")
        undisturbed = self.undisturbed(operations) if fault in COMMITTED_AFTER_ALL else None
        schedule = self.database.schedule
        schedule.arm(fault, countdown, image)
        failed = True
        try:
            outcomes = perform(self.store, operations, self.now)
            failed = False
        except Crashed:
            assert fault in {Fault.CRASH, Fault.CRASH_AFTER}
            self.crash(image)
        except NotCarriedOutError:
            assert schedule.fired != "COMMIT" or fault is not Fault.ANSWER_LOST
            self.perhaps_reopen()
        except OutcomeUnknownError:
            assert schedule.fired == "COMMIT"
            self.perhaps_reopen()
        if not failed:
            assert schedule.fired is None or fault is Fault.SLOW, "a fault was swallowed"
            self.follower.follow(operations, outcomes, self.now)
        elif undisturbed is not None and schedule.fired == "COMMIT":
            self.follower.follow(operations, undisturbed, self.now)
        self.database.schedule.arm(None, 0, image)
        self.check()
        if failed:
            self.repeat([operation for operation in operations if isinstance(operation, Issue)])

    def meddle(self) -> None:
        """Somebody changes a meter, moves a project, or sets the clock back."""
        look = look_at_all_meters()
        self.follower.follow([look], perform(self.store, [look], self.now), self.now)
        with contextlib.closing(database_at(self.path)) as database:
            change_a_meter(self.random, self.follower, database)
            change_grants(self.random, self.follower, database, self.now)
            reorganize(self.random, self.follower, database, self.now)
            self.follower.follow([look], perform(self.store, [look], self.now), self.now)
            if self.random.random() < 0.5:
                self.now -= self.random.choice(STEPS)
                self.follower.step_back(database.reader(), self.now)

    def undisturbed(self, operations: list[Operation]) -> list[Outcome]:
        """What would come of the batch without any fault: found out on a copy."""
        twin = self.path.with_name("twin.db")
        copy_as_crashed(self.path, twin)
        store = ledger_storage(database_at(twin))
        outcomes = perform(store, operations, self.now)
        store.close()
        return outcomes

    def crash(self, image: Path) -> None:
        self.close()
        self.path.unlink()
        self.path = image
        self.open()

    def perhaps_reopen(self) -> None:
        """After an error a process may go on with its connection, or be restarted."""
        if self.random.random() < 0.5:
            self.close()
            self.open()

    def repeat(self, issues: list[Issue]) -> None:
        """With its key each of them exists once, whether or not the first time came through."""
        keyed = [issue for issue in issues if issue.idempotency is not None]
        outcomes = perform(self.store, keyed, self.now)
        self.follower.follow(keyed, outcomes, self.now)
        again = perform(self.store, keyed, self.now)
        self.follower.follow(keyed, again, self.now)
        for first, second in zip(outcomes, again, strict=True):
            if isinstance(first, Issued):
                assert second == Issued(first.serial, repeated=True, granted=first.granted)
        self.check()

    def check(self) -> None:
        with contextlib.closing(database_at(self.path)) as database:
            self.follower.check(database.reader(), COMPONENTS)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_fault_leaves_all_or_nothing_whatever_the_seed(path: Path, seed: int) -> None:
    world = World(path, seed)
    try:
        for _ in range(BATCHES):
            world.step()
    except BaseException as error:
        error.add_note(f"replay this with ASTAKOS_SEED={seed}")
        raise
    finally:
        world.close()


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.SLOW])
def test_each_single_statement_of_a_batch_may_fail(path: Path, tmp_path: Path, fault: Fault) -> None:
    world = World(path, 0)
    limits = dict.fromkeys(KEYS, 1000) | limits_of_meters(1000)
    with database_at(path).transaction() as connection:
        set_limits(connection, limits.items())
    world.follower.model.limits.update(limits)
    before = prepared()
    world.follower.follow(before, perform(world.store, before, START), START)
    operations = one_of_each(world.follower.model.pending(1))
    statements = 0
    fired: set[str | None] = set()
    while True:
        copied = tmp_path / "copy.db"
        copy_as_crashed(world.path, copied)
        database = FaultyDatabase(copied)
        store = ledger_storage(database)
        perform(store, [], START)
        if fault is Fault.ANSWER_LOST and statements == 0:
            statements += 1  # SQLite does not begin a transaction and then deny it
        database.schedule.arm(fault, statements, tmp_path / "image.db")
        read = copied
        try:
            perform(store, operations, LATER)
        except Crashed:
            read = tmp_path / "image.db"
        except StorageUnavailableError:
            # The connection is of use at once.
            perform(store, [], START)
        if database.schedule.fired is None:
            break
        fired.add(database.schedule.fired)
        if not (database.schedule.fired == "COMMIT" and fault in COMMITTED_AFTER_ALL):
            reading = database_at(read)
            world.follower.check(reading.reader(), COMPONENTS)
            reading.close()
        database.schedule.dead = False
        store.close()
        statements += 1
    store.close()
    world.close()
    assert "COMMIT" in fired
    assert statements > 15


def test_a_disk_that_is_really_full_refuses_and_leaves_nothing(path: Path) -> None:
    world = World(path, 0)
    perform(world.store, [], START)
    connection = world.store._connected()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    issues: list[Operation] = [make_issue(1, [(USER_1, 0)] * 5) for _ in range(500)]
    with pytest.raises(NotCarriedOutError, match="full"):
        perform(world.store, issues, START)
    world.check()
    # The limit was the connection's, which was given up: there is room again.
    world.follower.follow(issues, perform(world.store, issues, START), START)
    world.check()
    world.close()


def test_another_process_that_writes_is_waited_for_in_vain(path: Path) -> None:
    world = World(path, 0)
    perform(world.store, [], START)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    issue = make_issue(1, [(USER_1, 1)], key="k")
    with pytest.raises(NotCarriedOutError, match="locked"):
        perform(world.store, [issue], START)
    other.execute("ROLLBACK")
    other.close()
    world.check()
    world.follower.follow([issue], perform(world.store, [issue], START), START)
    world.check()
    world.close()


@pytest.mark.parametrize("countdown", range(4))
def test_a_database_that_can_not_be_connected_to_is_unavailable(
    path: Path, tmp_path: Path, countdown: int
) -> None:
    """Connecting comes with statements of its own; they fail as the others do."""
    database = FaultyDatabase(path)
    database.schedule.arm(Fault.IO, countdown, tmp_path / "image.db")
    store = ledger_storage(database)
    with pytest.raises(NotCarriedOutError):
        perform(store, [], START)
    perform(store, [], START)
    store.close()


def test_a_rollback_that_fails_too_does_not_break_the_storage_for_good(path: Path, tmp_path: Path) -> None:
    world = World(path, 0)
    schedule = world.database.schedule
    schedule.arm(Fault.IO, -1, tmp_path / "image.db")
    schedule.then = Fault.IO  # and the statement after the commit is the rollback
    issue = make_issue(1, [(USER_1, 1)], key="k")
    with pytest.raises(OutcomeUnknownError):
        perform(world.store, [issue], START)
    assert schedule.fired == "ROLLBACK"
    world.check()
    world.follower.follow([issue], perform(world.store, [issue], START), START)
    world.check()
    world.close()


def test_faults_can_fail_a_test(path: Path, tmp_path: Path) -> None:
    """The check of this module sees a single wrong figure, a half commission, and a lost one."""
    damages = (
        "UPDATE holdings SET usage_max = usage_max + 1 WHERE id = 1",
        "UPDATE pending_commissions SET provisions = '[' || substr(provisions, instr(provisions, ',[') + 1)",
        """
        INSERT INTO resolved_commissions
        SELECT component_id, serial, name, issue_time, 1, 'ACCEPT', '[]' FROM pending_commissions;
        DELETE FROM pending_commissions
        """,
        "DELETE FROM pending_commissions; UPDATE holdings SET usage_min = 0, usage_max = 0",
    )
    world = World(path, 0)
    issues: list[Operation] = [make_issue(1, [(key, 1) for key in KEYS if key not in TREE])]
    world.follower.follow(issues, perform(world.store, issues, START), START)
    world.check()
    world.close()
    for number, damage in enumerate(damages):
        copied = tmp_path / f"damaged{number}.db"
        copy_as_crashed(path, copied)
        with sqlite3.connect(copied) as connection:
            connection.executescript(damage)
        connection.close()
        world.path = copied
        with pytest.raises(AssertionError):
            world.check()
