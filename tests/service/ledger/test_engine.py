"""The group commit: many at once, one transaction, one answer each."""

import asyncio
import contextlib
import socket
import time
from collections.abc import AsyncIterator, Callable
from functools import partial
from pathlib import Path

import pytest

from astakos.ledger import engine_client, waiting
from astakos.ledger.embedded_engine import EmbeddedLedger
from astakos.ledger.engine import Engine
from astakos.ledger.engine_client import OperationFailedError
from astakos.ledger.frames import Asked, frame
from astakos.ledger.operations import (
    Issue,
    Issued,
    IssuedMany,
    IssueMany,
    Operation,
    Outcome,
    Resolve,
    Resolved,
)
from astakos.ledger.ports import (
    LedgerStorage,
    LedgerTransaction,
    NotCarriedOutError,
    OutcomeUnknownError,
    StorageUnavailableError,
)
from astakos.ledger.recent_refusals import RefusalsWanted
from astakos.ledger.rules import Holding, Key, NoCapacity, Provision
from astakos.ledger.watched_clock import WatchedClock
from astakos.storage.opening import ledger_storage
from astakos.storage.postgresql import connection, postgresql_ledger
from astakos.storage.protocol import Database
from astakos.storage.sqlite import sqlite_database
from astakos.storage.sqlite.log_state import log_state
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from astakos.storage.tables import settings
from astakos.storage.tables.commissions import list_pending
from service.installation import database_at, holdings, locked, rows, set_limits
from service.world import ALICE, BOB, LOADED, member_key, project_key

pytestmark = pytest.mark.ledger

COMPUTE, STORAGE = 1, 2
U, V, P = member_key(ALICE), member_key(BOB), project_key()


class CountingStore:
    """A store that remembers how many transactions it was asked for."""

    repeats = 0

    def __init__(self, database: Database) -> None:
        self.store = ledger_storage(database)
        self.closing_seconds = self.store.closing_seconds
        self.transactions = 0
        self.tidy, self.close = self.store.tidy, self.store.close
        self.read_clock_record = self.store.read_clock_record
        self.prove_writable = self.store.prove_writable
        self.save_clock_record = self.store.save_clock_record

    def transact(self, work: Callable[[LedgerTransaction], None], *, is_awaited: bool = True) -> None:
        self.transactions += 1
        self.store.transact(work, is_awaited=is_awaited)


@contextlib.asynccontextmanager
async def working(store: LedgerStorage) -> AsyncIterator[EmbeddedLedger]:
    ledger = EmbeddedLedger(store, lambda: LOADED)
    await ledger.start()
    try:
        yield ledger
    finally:
        await ledger.stop()


def charge(quantity: int, key: Key = U) -> Issue:
    return Issue(COMPUTE, (Provision(key, quantity), Provision(P, quantity)))


def test_many_at_once_end_in_the_figures_that_they_would_have_one_by_one(database: Database) -> None:
    with database.transaction() as connection:
        set_limits(connection, [(U, 300), (V, 1000), (P, 500)])
    store = CountingStore(database)

    async def run() -> list[Outcome]:
        async with working(store) as ledger:
            wishes = [charge(1, (U, V)[number % 2]) for number in range(1000)]
            outcomes = await asyncio.gather(*map(ledger.submit, wishes))
            serials = [outcome.serial for outcome in outcomes if isinstance(outcome, Issued)]
            assert serials == sorted(set(serials))
            half = len(serials) // 2
            resolves = [Resolve(COMPUTE, accept=frozenset([serial])) for serial in serials[:half]]
            resolves += [Resolve(COMPUTE, reject=frozenset([serial])) for serial in serials[half:]]
            return [*outcomes, *await asyncio.gather(*map(ledger.submit, resolves))]

    outcomes = asyncio.run(run())
    assert sum(isinstance(outcome, Issued) for outcome in outcomes) == 500
    assert sum(isinstance(outcome, NoCapacity) for outcome in outcomes) == 500
    assert sum(isinstance(outcome, Resolved) for outcome in outcomes) == 500
    found = holdings(database)
    assert (found[U], found[V]) == (Holding(300, 125, 125), Holding(1000, 125, 125))
    assert found[P] == Holding(500, 250, 250)
    assert list_pending(database.reader(), COMPUTE) == []
    assert store.transactions < 100


def test_a_batch_has_a_largest_size(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waiting, "LARGEST_BATCH", 2)
    store = CountingStore(database)

    async def run() -> None:
        async with working(store) as ledger:
            await asyncio.gather(*(ledger.submit(charge(1)) for _ in range(10)))

    asyncio.run(run())
    assert store.transactions >= 5
    assert holdings(database)[U] == Holding(10, 0, 10)


def test_stopping_finishes_what_was_submitted(database: Database) -> None:
    async def run() -> list[Outcome]:
        ledger = EmbeddedLedger(ledger_storage(database), lambda: LOADED)
        await ledger.start()
        answers = [ledger.submit(charge(1)) for _ in range(9)]
        await ledger.stop()
        await ledger.stop()
        return await asyncio.gather(*answers)

    assert len({outcome for outcome in asyncio.run(run()) if isinstance(outcome, Issued)}) == 9
    assert holdings(database)[U] == Holding(10, 0, 9)


def test_stopping_finishes_what_was_submitted_after_it_had_been_idle(database: Database) -> None:
    async def run() -> list[Outcome]:
        ledger = EmbeddedLedger(ledger_storage(database), lambda: LOADED)
        await ledger.start()
        first = await ledger.submit(charge(1))
        answers = [ledger.submit(charge(1)) for _ in range(9)]
        await ledger.stop()
        return [first, *await asyncio.gather(*answers)]

    assert all(isinstance(outcome, Issued) for outcome in asyncio.run(run()))
    assert holdings(database)[U] == Holding(10, 0, 10)


def test_a_ledger_that_was_not_started_takes_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError, match="has not been started"):
        EmbeddedLedger(ledger_storage(database), lambda: LOADED).submit(charge(1))


def test_who_no_longer_waits_does_not_disturb_the_others(database: Database) -> None:
    async def run() -> Outcome:
        async with working(ledger_storage(database)) as ledger:
            gone, kept = ledger.submit(charge(1)), ledger.submit(charge(2))
            gone.cancel()
            return await kept

    assert isinstance(asyncio.run(run()), Issued)


def test_an_operation_that_fails_does_not_take_others_with_it(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> list[Outcome | BaseException]:
        async with working(ledger_storage(database)) as ledger:
            bad = Issue(COMPUTE, (), name="\ud800")  # which no database can store
            wishes: list[Operation] = [charge(1), bad, charge(1), charge(100), charge(1)]
            with locked(database):
                answers = [ledger.submit(wish) for wish in wishes]
            return await asyncio.gather(*answers, return_exceptions=True)

    first, bad, second, refused, third = asyncio.run(run())
    assert isinstance(bad, OperationFailedError)
    assert isinstance(refused, NoCapacity)
    for outcome in (first, second, third):
        assert isinstance(outcome, Issued)
    assert holdings(database)[U] == Holding(10, 0, 3)
    assert caplog.records == []


@pytest.mark.parametrize("quantity", [10**4300, -(10**4299)], ids=["cannot be encoded", "cannot be decoded"])
def test_an_operation_that_cannot_reach_the_engine_does_not_take_others_with_it(
    database: Database, quantity: int
) -> None:
    async def run() -> list[Outcome | BaseException]:
        async with working(ledger_storage(database)) as ledger:
            bad = Issue(COMPUTE, (Provision(U, quantity),))
            answers = [ledger.submit(wish) for wish in (charge(1), bad, charge(1))]
            first = await asyncio.gather(*answers, return_exceptions=True)
            return [*first, await ledger.submit(charge(1))]

    first, bad, second, third = asyncio.run(run())
    assert isinstance(bad, OperationFailedError)
    for outcome in (first, second, third):
        assert isinstance(outcome, Issued)
    assert holdings(database)[U] == Holding(10, 0, 3)


def test_large_operations_of_one_component_are_refused_before_they_fill_the_memory(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_client, "MOST_WORK_WAITING", 10)
    larger_than_the_bound = IssueMany((charge(1),) * 8)

    async def run() -> list[Outcome]:
        async with working(ledger_storage(database)) as ledger:
            with locked(database):
                answers = [ledger.submit(larger_than_the_bound)]
                with pytest.raises(StorageUnavailableError, match=r"24 .* of at most 10 for one component"):
                    ledger.submit(charge(1))
                answers.append(ledger.submit(Resolve(STORAGE, accept=frozenset([1]))))
            outcomes = await asyncio.gather(*answers)
            return [*outcomes, await ledger.submit(charge(1))]

    many, resolved, issued = asyncio.run(run())
    assert isinstance(many, IssuedMany)
    assert isinstance(resolved, Resolved)
    assert isinstance(issued, Issued)


def test_figures_that_contradict_the_rule_stop_the_ledger(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> list[Outcome | BaseException]:
        async with working(ledger_storage(database)) as ledger:
            issued = await ledger.submit(charge(3))
            assert isinstance(issued, Issued)
            # A hand that is not the ledger's has been in the database.
            rows(database, "UPDATE holdings SET usage_max = 1 WHERE usage_max = 3")
            wishes: list[Operation] = [charge(1), Resolve(COMPUTE, reject=frozenset([issued.serial]))]
            with locked(database):
                answers = [ledger.submit(wish) for wish in wishes]
            outcomes = await asyncio.gather(*answers, return_exceptions=True)
            with pytest.raises(StorageUnavailableError, match="the ledger has stopped"):
                await ledger.submit(charge(1))
            return outcomes

    for outcome in asyncio.run(run()):
        assert isinstance(outcome, StorageUnavailableError)
        assert "the ledger has stopped" in str(outcome)
    assert holdings(database)[U] == Holding(10, 0, 1)
    assert [record.levelname for record in caplog.records] == ["CRITICAL"]


def test_while_the_database_is_locked_nothing_happens_and_afterwards_all_goes_on(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(sqlite_database, "BUSY_SECONDS", 0.05)
    monkeypatch.setattr(connection, "OPTIONS", "-c lock_timeout=50ms")
    monkeypatch.setattr(postgresql_ledger, "PATIENCE_SECONDS", 0.1)

    async def run() -> list[Outcome | BaseException]:
        async with working(ledger_storage(database)) as ledger:
            with locked(database):
                answers = [ledger.submit(charge(1)) for _ in range(5)]
                refused = await asyncio.gather(*answers, return_exceptions=True)
            return [*refused, await ledger.submit(charge(2))]

    *refused, issued = asyncio.run(run())
    for error in refused:
        assert isinstance(error, StorageUnavailableError)
    assert isinstance(issued, Issued)
    assert holdings(database)[U] == Holding(10, 0, 2)
    assert {record.levelname for record in caplog.records} == {"WARNING"}


def test_a_small_operation_waits_for_one_bulk_however_many_were_submitted_before(database: Database) -> None:
    """The order in which a client's operations end, those of a flood and one of another component."""
    ended: list[str] = []

    async def run() -> None:
        async with working(ledger_storage(database)) as ledger:
            flood = [ledger.submit(IssueMany((charge(0),) * 500)) for _ in range(20)]
            await flood[0]
            innocent = ledger.submit(Issue(STORAGE, (Provision(V, 1),)))
            for future in flood:
                future.add_done_callback(lambda _: ended.append("bulk"))
            innocent.add_done_callback(lambda _: ended.append("innocent"))
            await asyncio.gather(*flood, innocent)

    asyncio.run(run())
    # The first has ended before; the second may have been sent, and the third while it was being applied.
    assert ended.index("innocent") <= 3


def test_bulk_that_was_never_sent_has_certainly_not_been_carried_out(database: Database) -> None:
    async def run() -> list[Outcome | BaseException]:
        ledger = EmbeddedLedger(ledger_storage(database), lambda: LOADED, longest_wait=0.2)
        await ledger.start()
        with locked(database):
            answers = [ledger.submit(IssueMany((charge(0),) * 500)) for _ in range(3)]
            # Those that follow were submitted a little later; time is up for all of them together.
            time.sleep(0.25)  # noqa: ASYNC251 - nothing shall happen meanwhile
            found = await asyncio.gather(*answers, return_exceptions=True)
        counts = ledger.counts()
        assert (counts.late, counts.unknown) == (3, 1)
        await ledger.stop()
        return found

    first, *others = asyncio.run(run())
    assert isinstance(first, OutcomeUnknownError)
    assert [type(one) for one in others] == [NotCarriedOutError] * 2


def test_who_asks_an_engine_that_is_stuck_is_told_so(database: Database) -> None:
    async def run() -> None:
        ledger = EmbeddedLedger(ledger_storage(database), lambda: LOADED, longest_wait=0.2)
        await ledger.start()
        with locked(database):
            with pytest.raises(OutcomeUnknownError):
                await ledger.submit(charge(0))
            with pytest.raises(StorageUnavailableError, match="the ledger engine does not answer"):
                await ledger.recent_refusals(RefusalsWanted(10))
        await ledger.stop()

    asyncio.run(run())


def test_what_nobody_waits_for_is_forgotten_though_others_always_wait(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waiting, "LARGEST_BATCH", 1)
    engine = Engine(CountingStore(database), WatchedClock(lambda: LOADED))
    ours, its = socket.socketpair()
    with ours:
        engine.serve(its)
        asked = [(number, charge(number)) for number in range(1, 5)]
        ours.sendall(frame(Asked(operations=[*asked], withdrawn=[1, 3, 4])))
        engine._receive(10)
        batches = [[one.number for one in engine._next_batch()] for _ in range(3)]
    assert batches == [[], [2], []]
    assert len(engine._withdrawn) == 1
    engine._receive(10)
    assert engine._withdrawn == set()


def test_retention_waits_for_a_storage_that_is_away(
    database: Database, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = CountingStore(database)

    def fail(_: int) -> bool:
        raise NotCarriedOutError("the database cannot be reached")

    monkeypatch.setattr(store, "tidy", fail)
    engine = Engine(store, WatchedClock(lambda: LOADED))
    assert not engine._tidy()
    (record,) = caplog.records
    assert record.getMessage() == "retention pass failed, will retry: the database cannot be reached"
    assert record.exc_info is None
    assert not engine.has_stopped


def test_while_the_clock_is_in_doubt_the_log_of_a_file_does_not_grow_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody but the ledger copies it into the file, and the ledger may have nothing to write."""
    monkeypatch.setattr("astakos.storage.sqlite.sqlite_ledger.COPIED_PAGES", 1)
    with (
        contextlib.closing(database_at(tmp_path / "a.db")) as database,
        contextlib.closing(ledger_storage(database)) as storage,
    ):
        engine = Engine(storage, WatchedClock(lambda: LOADED, lambda: 0))
        assert engine.clock.read().due == 0
        assert not engine._tidy()
        for number in range(3):
            database.change(partial(settings.save, name="terms", value=f"{number}" * 9000))
        assert waiting_frames(database) > 0
        assert not engine._tidy()
        assert waiting_frames(database) == 0


def waiting_frames(database: SQLiteDatabase) -> int:
    """How much of the log is not in the file."""
    state = log_state(database.path)
    return 0 if state is None else state.waiting
