"""What a batch of operations does is what they would do one after the other."""

import contextlib
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from astakos.ledger.batch import perform
from astakos.ledger.operations import (
    Idempotency,
    Issue,
    Issued,
    IssuedMany,
    IssueMany,
    Operation,
    Outcome,
    Reconcile,
    Reconciled,
    Resolve,
    Resolved,
)
from astakos.ledger.ports import LedgerStorage, LedgerTransaction
from astakos.ledger.rules import Holding, InvariantViolatedError, Key, NoCapacity, Provision, merge
from astakos.storage.opening import ledger_storage
from astakos.storage.protocol import Database
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables.commissions import list_pending
from service.installation import copy_world, database_at, holdings, rows, set_limits
from service.stored import settled_sums, stored_sums
from service.world import ALICE, BOB, LOADED, member_key, project_key

pytestmark = pytest.mark.ledger

COMPUTE, STORAGE = 1, 2
U, V, P = member_key(ALICE), member_key(BOB), project_key()


def charge(
    quantity: int, component: int = COMPUTE, *, auto_accept: bool = False, force: bool = False
) -> Issue:
    provisions = (Provision(U, quantity), Provision(P, quantity))
    return Issue(component, provisions, auto_accept=auto_accept, force=force)


def do(database: Database, *operations: Operation) -> list[Outcome]:
    with contextlib.closing(ledger_storage(database)) as store:
        return perform(store, operations, LOADED)


def figures(database: Database) -> tuple[Holding, Holding, Holding]:
    found = holdings(database)
    return found[U], found[V], found[P]


def test_each_operation_sees_what_those_before_it_did(database: Database) -> None:
    outcomes = do(database, charge(6), charge(4), charge(1), charge(-1))
    first, second, third, fourth = outcomes
    assert isinstance(first, Issued)
    assert isinstance(second, Issued)
    assert second.serial > first.serial
    assert third == NoCapacity(Provision(U, 1), usage=10, limit=10)
    assert not isinstance(fourth, Issued)
    assert figures(database) == (Holding(10, 0, 10), Holding(10), Holding(12, 0, 10))
    outcomes = do(
        database,
        Resolve(COMPUTE, accept=frozenset([first.serial])),
        Resolve(COMPUTE, reject=frozenset([second.serial])),
        charge(4),
        Resolve(COMPUTE, accept=frozenset([first.serial, second.serial])),
    )
    assert outcomes[:2] == [Resolved(accepted=(first.serial,)), Resolved(rejected=(second.serial,))]
    assert isinstance(outcomes[2], Issued)
    assert outcomes[2].serial > second.serial
    assert outcomes[3] == Resolved(not_found=(first.serial, second.serial))
    assert figures(database) == (Holding(10, 6, 10), Holding(10), Holding(12, 6, 10))


def test_a_commission_exists_for_its_component_alone(database: Database) -> None:
    (issued,) = do(database, charge(3))
    assert isinstance(issued, Issued)
    serials = frozenset([issued.serial])
    assert do(database, Resolve(STORAGE, accept=serials)) == [Resolved(not_found=(issued.serial,))]
    assert do(database, Resolve(STORAGE, reject=serials)) == [Resolved(not_found=(issued.serial,))]
    assert figures(database)[0] == Holding(10, 0, 3)
    assert do(database, Resolve(COMPUTE, reject=serials)) == [Resolved(rejected=(issued.serial,))]


def test_serials_that_are_asked_both_ways_stay_pending(database: Database) -> None:
    one, two = do(database, charge(1), charge(2))
    assert isinstance(one, Issued)
    assert isinstance(two, Issued)
    resolve = Resolve(COMPUTE, frozenset([one.serial, two.serial, 99]), frozenset([two.serial, 98]))
    assert do(database, resolve) == [
        Resolved(accepted=(one.serial,), not_found=(98, 99), conflicting=(two.serial,))
    ]
    assert list_pending(database.reader(), COMPUTE) == [two.serial]


def test_what_is_accepted_at_once_is_never_pending(database: Database) -> None:
    (issued,) = do(database, charge(3, auto_accept=True))
    assert isinstance(issued, Issued)
    assert list_pending(database.reader(), COMPUTE) == []
    assert figures(database) == (Holding(10, 3, 3), Holding(10), Holding(12, 3, 3))
    assert do(database, Resolve(COMPUTE, accept=frozenset([issued.serial]))) == [
        Resolved(not_found=(issued.serial,))
    ]


def test_a_refused_commission_leaves_no_trace(database: Database) -> None:
    (issued,) = do(database, charge(1))
    assert isinstance(issued, Issued)
    do(database, charge(100), charge(-100))
    (next_one,) = do(database, charge(1))
    assert isinstance(next_one, Issued)
    # On SQLite it does not even use up a serial.
    assert next_one.serial == issued.serial + (1 if isinstance(database, SQLiteDatabase) else 3)
    assert len(rows(database, "SELECT serial FROM pending_commissions")) == 2


def test_figures_that_contradict_the_rule_stop_the_whole_batch(database: Database) -> None:
    (issued,) = do(database, charge(3))
    assert isinstance(issued, Issued)
    rows(database, "UPDATE pending_commissions SET provisions = replace(provisions, ',3]', ',50]')")
    before = figures(database)
    with pytest.raises(InvariantViolatedError, match=r"usage_max -46"):
        do(database, charge(1), Resolve(COMPUTE, reject=frozenset([issued.serial])))
    assert figures(database) == before
    assert list_pending(database.reader(), COMPUTE) == [issued.serial]


@pytest.mark.parametrize("auto_accept", [False, True])
def test_what_all_or_none_has_undone_is_as_if_it_had_not_been_asked(
    database: Database, auto_accept: bool
) -> None:
    keyed = Issue(COMPUTE, (Provision(U, 2),), idempotency=Idempotency("k", b"1"), auto_accept=auto_accept)
    first, undone, count, again, once_more = do(
        database,
        charge(3),
        IssueMany((keyed, charge(1, auto_accept=True), charge(100)), all_or_none=True),
        Reconcile(COMPUTE, (Provision(U, 0), Provision(P, 0))),
        keyed,
        keyed,
    )
    assert isinstance(first, Issued)
    assert isinstance(undone, IssuedMany)
    assert undone.undone
    assert isinstance(count, Reconciled)
    assert [(drift.holding.usage_max, drift.settled) for drift in count.drifts] == [(3, 0), (3, 0)]
    assert isinstance(again, Issued)
    assert again.serial not in [outcome.serial for outcome in undone.outcomes if isinstance(outcome, Issued)]
    assert once_more == Issued(again.serial, repeated=True)
    expected = Holding(10, 2, 5) if auto_accept else Holding(10, 0, 5)
    assert figures(database) == (expected, Holding(10), Holding(12, 0, 3))


class CountingStore:
    """A storage that counts how often a batch sums pending commissions."""

    repeats = 0

    def __init__(self, store: LedgerStorage) -> None:
        self.sums = 0
        self.closing_seconds = store.closing_seconds
        self._store = store
        self.tidy, self.close = store.tidy, store.close
        self.prove_writable = store.prove_writable
        self.read_clock_record, self.save_clock_record = store.read_clock_record, store.save_clock_record

    def transact(self, work: Callable[[LedgerTransaction], None], *, is_awaited: bool = True) -> None:
        self._store.transact(
            lambda transaction: work(CountingTransaction(transaction, self)), is_awaited=is_awaited
        )


class CountingTransaction:
    def __init__(self, transaction: LedgerTransaction, store: CountingStore) -> None:
        self.read, self.write, self.expires = transaction.read, transaction.write, transaction.expires
        self.grants, self.rolled = transaction.grants, transaction.rolled
        self._settled = transaction.settled
        self._store = store

    def settled(self, keys: Collection[Key]) -> Mapping[Key, int]:
        self._store.sums += 1
        return self._settled(keys)


class CountedProvisions(tuple[Provision, ...]):
    """Counts how often somebody walks through the provisions of a commission."""

    __slots__ = ()
    walks = 0

    def __iter__(self) -> Iterator[Provision]:
        type(self).walks += 1
        return super().__iter__()


def test_a_batch_sums_what_is_pending_once_however_many_holdings_it_reconciles(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    do(database, charge(1))
    walks = []
    for count in (1, 2, 200):
        missing = [U._replace(resource=f"none.{number}") for number in range(count - 1)]
        reconcile = Reconcile(COMPUTE, tuple(Provision(key, 0) for key in (U, *missing)))
        issue = Issue(COMPUTE, CountedProvisions([Provision(U, 1)]))
        monkeypatch.setattr(CountedProvisions, "walks", 0)
        with contextlib.closing(CountingStore(ledger_storage(database))) as store:
            _, *reconciled = perform(store, [IssueMany((issue,)), *[reconcile] * count], LOADED)
        for outcome in reconciled:
            assert isinstance(outcome, Reconciled)
            assert outcome.drifts[0].settled == 0
        assert store.sums == 1
        walks.append(CountedProvisions.walks)
    assert len(set(walks)) == 1


def test_holdings_without_pending_provisions_are_reconciled_without_reading_what_is_pending(
    database: Database,
) -> None:
    do(database, charge(1), Issue(COMPUTE, (Provision(V, 2),), auto_accept=True))
    with contextlib.closing(CountingStore(ledger_storage(database))) as store:
        (outcome,) = perform(store, [Reconcile(COMPUTE, (Provision(V, 2),))], LOADED)
    assert isinstance(outcome, Reconciled)
    assert outcome.drifts[0].drift == 0
    assert store.sums == 0


MEMBERS = st.sampled_from([U, V])
ISSUES = st.builds(
    lambda key, quantity, component, force, auto_accept: Issue(
        component,
        tuple(merge([Provision(key, quantity), Provision(P, quantity)])),
        force=force,
        auto_accept=auto_accept,
    ),
    MEMBERS,
    st.integers(-8, 8),
    st.sampled_from([COMPUTE, STORAGE]),
    st.booleans(),
    st.booleans(),
)
# 1 to 5 were given out before the batch began; higher ones are guesses of what it gives out itself.
SERIALS = st.frozensets(st.integers(1, 8), max_size=3)
RESOLVES = st.builds(Resolve, st.sampled_from([COMPUTE, STORAGE]), SERIALS, SERIALS)
MANY = st.builds(IssueMany, st.lists(ISSUES, max_size=3).map(tuple))
RECONCILES = st.builds(
    lambda usage, mend: Reconcile(COMPUTE, tuple(Provision(*one) for one in usage.items()), mend=mend),
    st.dictionaries(st.sampled_from([U, V, P]), st.integers(0, 12), max_size=3),
    st.booleans(),
)


@pytest.fixture(scope="module")
def ledger_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with some commissions, pending and resolved, of two components."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"
    database = database_at(path)
    with database.transaction() as connection:
        connection.execute("INSERT INTO components (name, menu) VALUES ('one', '{}'), ('two', '{}')")
        set_limits(connection, [(U, 10), (V, 10), (P, 12)])
    do(
        database,
        charge(3),
        charge(2, STORAGE),
        charge(2, auto_accept=True),
        charge(-1, STORAGE),
        charge(1),
    )
    return path


@settings(max_examples=80)
@given(batch=st.lists(ISSUES | RESOLVES | MANY | RECONCILES, max_size=10))
def test_a_batch_does_what_its_operations_do_one_by_one(
    batch: list[Operation], ledger_file: Path, tmp_path: Path
) -> None:
    together = copy_world(ledger_file, tmp_path / "together.db")
    alone = copy_world(ledger_file, tmp_path / "alone.db")
    with contextlib.closing(ledger_storage(together)) as store:
        outcomes = perform(store, batch, LOADED)
    with contextlib.closing(ledger_storage(alone)) as store:
        expected = [_perform_one(store, operation) for operation in batch]
    assert outcomes == expected
    assert holdings(together) == holdings(alone)
    for table in ("pending_commissions", "resolved_commissions", "commission_holders"):
        statement = f"SELECT * FROM {table} ORDER BY 1, 2"
        assert rows(together, statement) == rows(alone, statement)
    with contextlib.closing(together.connect()) as connection:
        assert stored_sums(connection) == settled_sums(connection)


def _perform_one(store: LedgerStorage, operation: Operation) -> Outcome:
    (outcome,) = perform(store, [operation], LOADED)
    return outcome
