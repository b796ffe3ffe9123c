"""Several engines on one database: whatever they want at the same time, all is done once."""

import random
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue, Issued, Operation, Outcome, Resolve, Resolved
from astakos.ledger.rules import Key, NoCapacity
from astakos.storage.errors import TransactionLostError
from astakos.storage.postgresql.postgresql_database import PostgreSQLDatabase, writing
from astakos.storage.postgresql.postgresql_ledger import PostgreSQLLedger
from astakos.storage.protocol import Connection, Database
from service.installation import rows
from simulation.comparison import make_issue
from simulation.invariants import read_figures
from simulation.postgresql_worlds import PATIENCE, STORABLE_KEYS, answered, count, do, issue, set_limits_of
from simulation.worlds import PROJECT, SECOND, START, USER_1

pytestmark = pytest.mark.postgresql


def both(
    stores: Sequence[PostgreSQLLedger], batches: Sequence[Sequence[Operation]], pool: ThreadPoolExecutor
) -> list[list[Outcome]]:
    """What two engines answer that begin at the same moment."""
    met = threading.Barrier(2)

    def run(store: PostgreSQLLedger, batch: Sequence[Operation]) -> list[Outcome]:
        met.wait()
        return perform(store, batch, START)

    return list(pool.map(run, stores, batches))


class TestTwoEngines:
    @pytest.fixture
    def stores(self, store: PostgreSQLLedger, other_store: PostgreSQLLedger) -> list[PostgreSQLLedger]:
        return [store, other_store]

    def test_the_same_keys_in_any_order_are_issued_once(
        self, database: Database, stores: list[PostgreSQLLedger], pool: ThreadPoolExecutor
    ) -> None:
        for number in range(30):
            keyed = [make_issue(1, [(USER_1, 1)], key=f"{number} {place}") for place in range(3)]
            one, other = both(stores, [keyed, keyed[::-1]], pool)
            for first, second in zip(one, reversed(other), strict=True):
                assert isinstance(first, Issued)
                assert isinstance(second, Issued)
                assert first.serial == second.serial
                assert {first.repeated, second.repeated} == {False, True}
        assert count(database) == 90

    def test_a_commission_is_accepted_or_rejected_by_one_of_them(
        self, database: Database, stores: list[PostgreSQLLedger], pool: ThreadPoolExecutor
    ) -> None:
        for _ in range(20):
            serials = [issue(stores[0]) for _ in range(3)]
            batches = [
                [Resolve(1, accept=frozenset([serial])) for serial in serials],
                [Resolve(1, reject=frozenset([serial])) for serial in reversed(serials)],
            ]
            accepted, rejected = both(stores, batches, pool)
            for one, other in zip(accepted, reversed(rejected), strict=True):
                assert isinstance(one, Resolved)
                assert isinstance(other, Resolved)
                assert len(one.accepted + other.rejected) == 1
                assert one.not_found == other.rejected
                assert other.not_found == one.accepted
        assert count(database) == 60

    def test_the_last_unit_is_given_once(
        self, database: Database, stores: list[PostgreSQLLedger], pool: ThreadPoolExecutor
    ) -> None:
        for limit in range(1, 31):
            set_limits_of(database, {PROJECT: limit})
            outcomes = both(stores, [[make_issue(1, [(PROJECT, 1)])]] * 2, pool)
            assert Counter(type(outcome) for (outcome,) in outcomes) == {Issued: 1, NoCapacity: 1}
        assert read_figures(database.reader())[PROJECT].usage_max == 30

    def test_overlapping_holdings_in_any_order_are_no_hindrance_and_no_serial_repeats(
        self, database: Database, stores: list[PostgreSQLLedger], pool: ThreadPoolExecutor
    ) -> None:
        choice = random.Random(5)

        def random_batch() -> list[Issue]:
            return [
                make_issue(1, [(key, 1) for key in choice.sample(STORABLE_KEYS, 3)], auto_accept=True)
                for _ in range(choice.randint(1, 4))
            ]

        serials: list[int] = []
        for _ in range(40):
            for outcomes in both(stores, [random_batch(), random_batch()], pool):
                for outcome in outcomes:
                    assert isinstance(outcome, Issued)
                    serials.append(outcome.serial)
        assert len(set(serials)) == len(serials) == count(database)

    def test_who_lock_each_other_out_are_both_done(
        self, database: Database, store: PostgreSQLLedger, pool: ThreadPoolExecutor
    ) -> None:
        """Somebody else locks holdings in the other order: the server ends one of the two."""
        first, second = (
            identifier for (identifier,) in rows(database, "SELECT id FROM holdings ORDER BY id LIMIT 2")
        )
        keys = sorted(STORABLE_KEYS, key=lambda key: holding_id(database.reader(), key))[:2]
        lock = 'UPDATE holdings SET "limit" = 1000 WHERE id = ?'
        assert isinstance(database, PostgreSQLDatabase)
        for _ in range(2):
            connection = database.connect()
            try:
                with writing(connection):
                    connection.execute(lock, (second,))
                    under_way = pool.submit(do, store, make_issue(1, [(key, 1) for key in keys]))
                    (process,) = connection.execute("SELECT pg_backend_pid()").fetchone()
                    await_blocked(database, process)
                    connection.execute(lock, (first,))
            except TransactionLostError:
                pass
            finally:
                connection.close()
            assert isinstance(answered(under_way), Issued)
        assert count(database) == 2

    def test_what_another_is_just_ending_since_its_time_is_over_can_not_be_accepted(
        self, database: Database, store: PostgreSQLLedger
    ) -> None:
        (outcome,) = do(store, make_issue(1, [(USER_1, 1)], time_to_live=SECOND))
        assert isinstance(outcome, Issued)
        assert isinstance(database, PostgreSQLDatabase)
        other = database.connect()
        with writing(other):
            other.execute("SELECT 1 FROM pending_commissions FOR UPDATE")
            accept = Resolve(1, accept=frozenset([outcome.serial]))
            assert do(store, accept, now=START + SECOND) == [Resolved(not_found=(outcome.serial,))]
        other.close()


def holding_id(connection: Connection, key: Key) -> int:
    found = connection.execute(
        "SELECT id FROM holdings WHERE holder = ? AND source = ? AND resource = ?",
        (key.holder, key.source or "", key.resource),
    ).fetchone()
    return int(found[0])


def await_blocked(database: Database, by: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while not rows(
        database, "SELECT 1 FROM pg_stat_activity WHERE CAST(? AS integer) = ANY (pg_blocking_pids(pid))", by
    ):
        assert time.monotonic() < deadline, "nobody waits for it"
        time.sleep(0.01)
