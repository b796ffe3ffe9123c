"""The group commit before a storage that fails, stalls or contradicts itself: every answer is a true one."""

import asyncio
import contextlib
import logging
import random
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from astakos.ledger.embedded_engine import EmbeddedLedger
from astakos.ledger.engine_client import OperationFailedError, TooMuchInProgressError
from astakos.ledger.operations import Issue, Issued, Operation, Outcome
from astakos.ledger.ports import NotCarriedOutError, OutcomeUnknownError, StorageUnavailableError
from astakos.ledger.rules import NoCapacity
from astakos.ledger.waiting import LARGEST_BATCH
from astakos.storage.opening import ledger_storage
from lengths import length
from service.stored import stored_commissions
from simulation.comparison import make_issue
from simulation.faulty_storage import FaultyStorage, PoisonedStorage, Stall, unavailable
from simulation.invariants import check_sums, read_figures
from simulation.worlds import PROJECT, START, USER_1, database_at, make_database, write_limits

PATIENCE = 20.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "ledger.db"
    make_database(made)
    with contextlib.closing(sqlite3.connect(made, isolation_level=None)) as connection:
        write_limits(connection, {USER_1: 2**62, PROJECT: 10})
    return made


def storage_at(path: Path) -> FaultyStorage:
    return FaultyStorage(ledger_storage(database_at(path)))


@contextlib.asynccontextmanager
async def running(
    storage: FaultyStorage, *, most_waiting: int = 4096, longest_wait: float = PATIENCE
) -> AsyncIterator[EmbeddedLedger]:
    engine = EmbeddedLedger(storage, lambda: START, most_waiting=most_waiting, longest_wait=longest_wait)
    await engine.start()
    try:
        yield engine
    finally:
        if isinstance(storage.before, Stall):
            storage.before.let_go.set()  # so that a test that fails does not hang
        await asyncio.wait_for(engine.stop(), PATIENCE)


async def ended(futures: Sequence[asyncio.Future[Outcome]]) -> list[Outcome | BaseException]:
    """What became of each; it fails if any of them hangs."""
    async with asyncio.timeout(PATIENCE):
        return await asyncio.gather(*futures, return_exceptions=True)


def named(number: int, quantity: int = 1) -> Issue:
    return make_issue(1, [(USER_1, quantity)], key=f"key {number}")


def committed(path: Path) -> dict[int, str]:
    """The serial of each commission, and its key."""
    with contextlib.closing(database_at(path).connect()) as connection:
        check_sums(connection)
        keys = dict(connection.execute("SELECT serial, key FROM idempotency_keys"))
        return {serial: keys.get(serial, "") for serial in stored_commissions(connection)}


def usage(path: Path) -> int:
    with contextlib.closing(database_at(path).connect()) as connection:
        return read_figures(connection)[USER_1].usage_max


@pytest.mark.parametrize("seed", range(length(60, 20)))
def test_each_answer_is_true_whatever_fails(path: Path, seed: int) -> None:
    """Issued means stored, refused before the commit means not; after it, repeating finds the same."""
    choice = random.Random(seed)
    storage = storage_at(path)
    lost: list[str] = []

    def fail_before() -> None:
        if choice.random() < 0.3:
            unavailable()

    def fail_at_commit() -> None:
        if choice.random() < 0.3:
            raise choice.choice(
                [
                    StorageUnavailableError("full"),
                    sqlite3.OperationalError("disk I/O error"),
                    ValueError("a bug"),
                ]
            )

    def fail_after() -> None:
        if choice.random() < 0.2:
            lost.append("a batch")
            unavailable()

    async def submit() -> tuple[
        list[Operation], list[Outcome | BaseException], list[Outcome | BaseException]
    ]:
        operations: list[Operation] = []
        outcomes: list[Outcome | BaseException] = []
        async with running(storage) as engine:
            storage.before, storage.at_commit, storage.after = fail_before, fail_at_commit, fail_after
            for _ in range(6):
                burst = [named(len(operations) + number) for number in range(choice.choice([1, 3, 20]))]
                operations += burst
                outcomes += await ended([engine.submit(operation) for operation in burst])
            storage.before = storage.at_commit = storage.after = lambda: None
            before = committed(path)
            for operation, outcome in zip(operations, outcomes, strict=True):
                assert isinstance(operation, Issue)
                assert operation.idempotency is not None
                stored = operation.idempotency.key in before.values()
                if isinstance(outcome, Issued):
                    assert before[outcome.serial] == operation.idempotency.key
                else:
                    assert isinstance(outcome, StorageUnavailableError | OperationFailedError)
                    assert not stored or lost
                    assert not stored or not isinstance(outcome, OperationFailedError)
            return operations, outcomes, await ended([engine.submit(operation) for operation in operations])

    operations, first, second = asyncio.run(submit())
    after = committed(path)
    assert len(after) == len(operations)
    assert Counter(after.values()).most_common(1)[0][1] == 1
    assert usage(path) == len(operations)
    for one, two in zip(first, second, strict=True):
        assert isinstance(two, Issued)
        assert not isinstance(one, Issued) or (two.repeated and one.serial == two.serial)


def test_a_poisoned_operation_does_not_take_others_with_it(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    storage = PoisonedStorage(ledger_storage(database_at(path)))
    stall = Stall()
    bad = Issue(1, named(0).provisions, name="poison")
    unspeakable = Issue(1, named(0).provisions, name="\ud800")  # nobody stores half of a character

    async def submit() -> list[Outcome | BaseException]:
        async with running(storage) as engine:
            storage.before = stall
            futures = [engine.submit(named(0))]
            await asyncio.to_thread(stall.reached.wait)
            futures += [engine.submit(one) for one in (named(1), bad, named(2), unspeakable, named(3))]
            stall.let_go.set()
            return await ended(futures)

    with caplog.at_level(logging.CRITICAL, "astakos.ledger"):
        outcomes = asyncio.run(submit())
    assert [type(outcome) for outcome in outcomes] == [
        Issued, Issued, OperationFailedError, Issued, OperationFailedError, Issued,
    ]  # fmt: skip
    assert sorted(committed(path).values()) == ["key 0", "key 1", "key 2", "key 3"]
    assert usage(path) == 4


def test_figures_that_contradict_the_rule_stop_the_ledger(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("UPDATE holdings SET usage_min = 5, usage_max = 3 WHERE source <> ''")
    dumped = _dump(path)
    storage = storage_at(path)

    async def submit() -> None:
        async with running(storage) as engine:
            futures = [engine.submit(make_issue(1, [(PROJECT, 1)])), engine.submit(named(1))]
            for outcome in (await ended(futures))[1:]:
                assert isinstance(outcome, StorageUnavailableError)
                assert "stopped" in str(outcome)
                assert "usage_min 5" in str(outcome)
            with pytest.raises(StorageUnavailableError, match="stopped"):
                await engine.submit(make_issue(1, [(PROJECT, 1)]))

    storage.before = _delay  # so that both are in one batch, or each in one of its own, as may be
    with caplog.at_level(logging.CRITICAL, "astakos.ledger"):
        asyncio.run(submit())
    assert "ledger stopped" in caplog.text
    assert [line for line in _dump(path) if "holdings" in line and "user:u1" in line] == [
        line for line in dumped if "holdings" in line and "user:u1" in line
    ]
    assert set(committed_names(path)) <= {make_issue(1, [(PROJECT, 1)]).name}


def test_a_stopped_ledger_writes_nothing_of_what_was_waiting(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Good operations behind the bad one are refused, too, whether they share its batch or come after it."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        connection.execute("UPDATE holdings SET usage_min = 5, usage_max = 3 WHERE source <> ''")
    dumped = _dump(path)
    storage = storage_at(path)
    stall = Stall()

    async def submit() -> list[Outcome | BaseException]:
        async with running(storage) as engine:
            storage.before = stall
            futures = [engine.submit(named(0))]
            await asyncio.to_thread(stall.reached.wait)
            futures += [engine.submit(make_issue(1, [(PROJECT, 1)])) for _ in range(LARGEST_BATCH + 5)]
            stall.let_go.set()
            return await ended(futures)

    with caplog.at_level(logging.CRITICAL, "astakos.ledger"):
        outcomes = asyncio.run(submit())
    assert {type(outcome) for outcome in outcomes} == {NotCarriedOutError}
    assert _dump(path) == dumped


def test_past_its_bound_the_queue_refuses_at_once_and_loses_nothing(path: Path) -> None:
    storage = storage_at(path)
    stall = Stall()

    async def submit() -> list[Outcome | BaseException]:
        async with running(storage, most_waiting=10) as engine:
            storage.before = stall
            futures = [engine.submit(named(number)) for number in range(10)]
            for number in range(10, 15):
                with pytest.raises(TooMuchInProgressError, match="too many operations in progress"):
                    engine.submit(named(number))
            assert not any(future.done() for future in futures)
            stall.let_go.set()
            outcomes = await ended(futures)
            return [*outcomes, *await ended([engine.submit(named(99))])]

    outcomes = asyncio.run(submit())
    assert all(isinstance(outcome, Issued) for outcome in outcomes)
    assert sorted(committed(path).values()) == sorted(f"key {number}" for number in [*range(10), 99])


def test_who_waits_too_long_is_told_so_and_not_charged_later(path: Path) -> None:
    storage = storage_at(path)
    stall = Stall()

    async def submit() -> tuple[list[Outcome | BaseException], list[Outcome | BaseException]]:
        async with running(storage, longest_wait=0.2) as engine:
            storage.before = stall
            futures = [engine.submit(named(0))]
            await asyncio.to_thread(stall.reached.wait)
            futures += [engine.submit(named(number)) for number in range(1, 5)]
            outcomes = await ended(futures)
            stall.let_go.set()
            storage.before = lambda: None
            return outcomes, await ended([engine.submit(named(5))])

    outcomes, later = asyncio.run(submit())
    assert {type(outcome) for outcome in outcomes} == {OutcomeUnknownError}
    assert isinstance(later[0], Issued)
    # Key 0 had been taken up when it stalled; the others had not begun.
    assert set(committed(path).values()) - {"key 0"} == {"key 5"}
    assert usage(path) == len(committed(path))


def test_who_has_gone_away_before_it_began_is_not_charged(path: Path) -> None:
    storage = storage_at(path)
    stall = Stall()

    async def submit() -> None:
        async with running(storage, longest_wait=4) as engine:
            storage.before = stall
            first = engine.submit(named(0))
            await asyncio.to_thread(stall.reached.wait)
            gone, stays = engine.submit(named(1)), engine.submit(named(2))
            gone.cancel()
            await asyncio.sleep(1.2)  # who has gone is looked for once a second
            stall.let_go.set()
            await ended([first, stays])

    asyncio.run(submit())
    assert sorted(committed(path).values()) == ["key 0", "key 2"]


def test_stopping_finishes_what_was_submitted(path: Path) -> None:
    storage = storage_at(path)
    storage.after = _delay
    before = set(threading.enumerate())

    async def submit() -> list[Outcome | BaseException]:
        async with running(storage) as engine:
            futures = [engine.submit(named(number)) for number in range(2 * LARGEST_BATCH + 10)]
        assert all(future.done() for future in futures)
        return await ended(futures)

    outcomes = asyncio.run(submit())
    assert all(isinstance(outcome, Issued) for outcome in outcomes)
    assert len(committed(path)) == len(outcomes)
    assert storage.closed.is_set()
    assert "astakos-engine" not in {thread.name for thread in set(threading.enumerate()) - before}


def test_after_stopping_nothing_hangs(path: Path) -> None:
    async def submit() -> None:
        async with running(storage_at(path)) as engine:
            pass
        with pytest.raises(StorageUnavailableError):
            await asyncio.wait_for(engine.submit(named(0)), 2)

    asyncio.run(submit())
    assert committed(path) == {}


@pytest.mark.parametrize("error", [StorageUnavailableError("full"), sqlite3.DatabaseError("malformed")])
def test_tidying_that_fails_does_not_end_the_ledger(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    monkeypatch.setattr("astakos.ledger.engine.TIDY_SECONDS", 0.0)
    monkeypatch.setattr(threading, "excepthook", lambda _: None)
    storage = storage_at(path)
    tidied: list[Exception] = []

    def fail() -> None:
        tidied.append(error)
        raise error

    async def submit() -> list[Outcome | BaseException]:
        async with running(storage, longest_wait=2) as engine:
            storage.on_tidy = fail
            outcomes = await ended([engine.submit(named(0))])
            return outcomes + await ended([engine.submit(named(1))])

    with caplog.at_level(logging.CRITICAL, "astakos.ledger"):
        outcomes = asyncio.run(submit())
    assert tidied
    assert all(isinstance(outcome, Issued) for outcome in outcomes), outcomes


def test_a_busy_time_keeps_limits(path: Path) -> None:
    """Many at once for the last units of a limit: as many are issued as there is room, batch or not."""
    storage = storage_at(path)

    async def submit() -> list[Outcome | BaseException]:
        async with running(storage) as engine:
            return await ended([engine.submit(make_issue(1, [(PROJECT, 3)])) for _ in range(300)])

    kinds = Counter(type(outcome) for outcome in asyncio.run(submit()))
    assert kinds == {Issued: 3, NoCapacity: 297}


def committed_names(path: Path) -> list[str]:
    with contextlib.closing(database_at(path).connect()) as connection:
        return [commission.name for commission in stored_commissions(connection).values()]


def _dump(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return list(connection.iterdump())


def _delay() -> None:
    time.sleep(0.02)
