"""Several engines on one database, and lost transactions that are still at work: all is done once."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from benchmarks.postgres_server import PostgresServer, own_server

from astakos.clock import DAY
from astakos.ledger.batch import perform
from astakos.ledger.operations import Issue, Issued, Operation, Outcome, Resolve, Resolved
from astakos.ledger.rules import Key, NoCapacity
from astakos.ledger.storage import LedgerTransaction, StorageUnavailableError
from astakos.storage.database import Connection, Database, TransactionLostError
from astakos.storage.postgresql import PostgreSQLDatabase, writing
from astakos.storage.postgresql_ledger import ENGINES_KEPT, PostgreSQLLedger
from service.engines import PostgreSQLEngine, changed_url
from service.installation import rows
from service.proxy import Network, proxy_to
from service.stored import stored_commissions
from simulation.comparison import check_sums, make_issue, read_figures
from simulation.postgresql_worlds import STORABLE_KEYS, filled, set_limits_of
from simulation.worlds import PROJECT, SECOND, START, USER_1

pytestmark = pytest.mark.postgresql

PATIENCE = 20.0
WAITING_FOR_STANDBY = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    """One whose commits can be made to wait."""
    with own_server({"synchronous_commit": "on"}) as server:
        yield server


@pytest.fixture
def database(server: PostgresServer, tmp_path: Path) -> Iterator[Database]:
    engine = PostgreSQLEngine(server.url)
    database = filled(engine, tmp_path)
    set_limits_of(database, dict.fromkeys(STORABLE_KEYS, 1000))
    yield database
    engine.discard(database)
    engine.close()


@pytest.fixture
def store(database: Database) -> Iterator[PostgreSQLLedger]:
    store = new_store(database)
    yield store
    store.close()


@pytest.fixture
def other_store(database: Database) -> Iterator[PostgreSQLLedger]:
    store = new_store(database)
    yield store
    store.close()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as pool:
        yield pool


def new_store(database: Database) -> PostgreSQLLedger:
    assert isinstance(database, PostgreSQLDatabase)
    return PostgreSQLLedger(database)


def do(store: PostgreSQLLedger, *operations: Operation, now: int = START) -> list[Outcome]:
    return perform(store, operations, now)


def issue(store: PostgreSQLLedger, key: Key = USER_1) -> int:
    (outcome,) = do(store, make_issue(1, [(key, 1)]))
    assert isinstance(outcome, Issued)
    return outcome.serial


def count(database: Database) -> int:
    connection = database.reader()
    check_sums(connection)
    return len(stored_commissions(connection))


class Waiting:
    """Commits wait for a standby that is not there, until they are let go."""

    def __init__(self, server: PostgresServer) -> None:
        self.server = server

    def __enter__(self) -> "Waiting":
        self.server.set("synchronous_standby_names", "nobody")
        return self

    def let_go(self) -> None:
        self.server.set("synchronous_standby_names", "")

    def __exit__(self, *_: object) -> None:
        self.let_go()

    def next_after(self, *known: int) -> int:
        """The process of the next commit that waits."""
        deadline = time.monotonic() + PATIENCE
        while True:
            for (process,) in self.server.execute(WAITING_FOR_STANDBY):
                if process not in known:
                    return int(process)
            assert time.monotonic() < deadline, "no commit waits"
            time.sleep(0.01)


def answered(future: "Future[list[Outcome]]") -> Outcome:
    (outcome,) = future.result(PATIENCE)
    return outcome


class TestLostTransactionsAtWork:
    def test_while_it_waits_to_be_durable_it_is_not_done_again(
        self, server: PostgresServer, database: Database, pool: ThreadPoolExecutor
    ) -> None:
        """The connection is gone, the commit is not: the repetition meets its lock, and then its record."""
        with proxy_to(str(server.folder), 5432) as proxy:
            store = new_store(
                PostgreSQLDatabase(changed_url(database.url, host="127.0.0.1", port=str(proxy.port)))
            )
            do(store)
            with Waiting(server) as waiting:
                under_way = pool.submit(do, store, make_issue(1, [(USER_1, 1)], key="k"))
                lost = waiting.next_after()
                proxy.state = Network.CUT
                proxy.state = Network.WHOLE
                await_locked(server, lost)
                assert not under_way.done()
                waiting.let_go()
                outcome = answered(under_way)
            assert isinstance(outcome, Issued)
            assert not outcome.repeated
            assert do(store, make_issue(1, [(USER_1, 1)], key="k")) == [Issued(outcome.serial, repeated=True)]
            assert count(database) == 1
            store.close()

    @pytest.mark.parametrize("how", ["terminate", "cancel"])
    def test_what_is_not_on_the_standby_yet_is_not_told_though_it_can_be_seen(
        self,
        server: PostgresServer,
        database: Database,
        store: PostgreSQLLedger,
        pool: ThreadPoolExecutor,
        how: str,
    ) -> None:
        """Who ends the waiting of a commit makes it visible; should this server die now, it would be lost."""
        do(store)
        with Waiting(server) as waiting:
            under_way = pool.submit(do, store, make_issue(1, [(USER_1, 1)]))
            process = waiting.next_after()
            server.execute(f"SELECT pg_{how}_backend({process})")
            await_seen(database)
            if how == "terminate":
                waiting.next_after(process)
            else:
                waiting.next_after()
            assert not under_way.done()
            waiting.let_go()
            assert isinstance(answered(under_way), Issued)
        assert count(database) == 1

    def test_a_repetition_by_another_engine_is_not_told_either_before_it_is_on_the_standby(
        self,
        server: PostgresServer,
        database: Database,
        store: PostgreSQLLedger,
        other_store: PostgreSQLLedger,
        pool: ThreadPoolExecutor,
    ) -> None:
        keyed = make_issue(1, [(USER_1, 1)], key="k")
        serial = issue(store)
        resolve = Resolve(1, accept=frozenset([serial]))
        do(other_store)
        with Waiting(server) as waiting:
            lost = pool.submit(do, store, keyed, resolve)
            process = waiting.next_after()
            server.execute(f"SELECT pg_terminate_backend({process})")
            second = waiting.next_after(process)
            server.execute(f"SELECT pg_terminate_backend({second})")
            third = waiting.next_after(process, second)
            repeated = pool.submit(do, other_store, keyed)
            waiting.next_after(process, second, third)
            assert not repeated.done()
            waiting.let_go()
            outcome = answered(repeated)
            first, resolved = lost.result(PATIENCE)
        assert isinstance(outcome, Issued)
        assert isinstance(first, Issued)
        assert outcome == Issued(first.serial, repeated=True)
        assert resolved == Resolved(accepted=(serial,))
        assert count(database) == 2

    def test_that_a_commission_is_resolved_already_is_not_told_before_it_is_on_the_standby(
        self, server: PostgresServer, store: PostgreSQLLedger, pool: ThreadPoolExecutor
    ) -> None:
        serial = issue(store)
        resolve = Resolve(1, accept=frozenset([serial]))
        do(store, resolve)
        with Waiting(server) as waiting:
            again = pool.submit(do, store, resolve)
            waiting.next_after()
            assert not again.done()
            waiting.let_go()
            assert answered(again) == Resolved(not_found=(serial,))


def await_locked(server: PostgresServer, by: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while not server.execute(f"SELECT 1 FROM pg_stat_activity WHERE {by} = ANY (pg_blocking_pids(pid))"):
        assert time.monotonic() < deadline, "nobody waits for it"
        time.sleep(0.01)


def await_seen(database: Database) -> None:
    deadline = time.monotonic() + PATIENCE
    while not count(database):
        assert time.monotonic() < deadline, "it has not come through"
        time.sleep(0.01)


class TestRecords:
    def test_an_engine_whose_record_is_gone_goes_on(
        self, database: Database, store: PostgreSQLLedger
    ) -> None:
        first = issue(store)
        rows(database, "DELETE FROM engines")
        assert issue(store) > first
        assert count(database) == 2

    def test_no_clock_makes_others_forget_the_record_of_an_engine_that_is_at_work(
        self, database: Database, store: PostgreSQLLedger, other_store: PostgreSQLLedger
    ) -> None:
        """Its commit has come through, its connection is lost, and a host two days ahead tidies up."""
        attempts = []

        class Lossy(PostgreSQLLedger):
            def _attempt(self, work: Callable[[LedgerTransaction], None]) -> None:
                attempts.append(1)
                super()._attempt(work)
                if len(attempts) == 1:
                    other_store.tidy(START + 2 * DAY)
                    raise StorageUnavailableError("the connection was lost")

        assert isinstance(database, PostgreSQLDatabase)
        lossy = Lossy(database)
        issue(lossy)
        lossy.close()
        assert len(attempts) == 2
        assert count(database) == 1

    def test_those_of_engines_long_gone_are_forgotten(
        self, database: Database, store: PostgreSQLLedger, other_store: PostgreSQLLedger
    ) -> None:
        issue(store)
        other_store.tidy(START + ENGINES_KEPT)
        assert rows(database, "SELECT count(*) FROM engines") == [(1,)]
        other_store.tidy(START + ENGINES_KEPT + 1)
        assert rows(database, "SELECT count(*) FROM engines") == [(0,)]


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
