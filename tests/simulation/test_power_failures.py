"""While commits are synced apart from being made: whatever was acknowledged survives a power failure."""

import asyncio
import contextlib
import random
import sqlite3
import time
from pathlib import Path

import pytest

from astakos.ledger.embedded_engine import GroupCommit
from astakos.ledger.engine import WORTH_A_BATCH
from astakos.ledger.operations import Issued, Outcome, Resolve, Resolved
from astakos.ledger.ports import NotCarriedOutError, OutcomeUnknownError, StorageBrokenError
from astakos.storage.sqlite.sqlite_connection import SQLiteConnection
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from service.stored import stored_commissions
from simulation.comparison import check_sums, make_issue
from simulation.power import Disk, Gate, LedgerOnDisk
from simulation.worlds import PROJECT, START, USER_1, QuickDatabase, database_at, make_database, write_limits

PATIENCE = 20.0


class WithoutCheckpoints(QuickDatabase):
    """A database whose log only grows."""

    def connect(self) -> SQLiteConnection:
        connection = super().connect()
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        return connection


@pytest.fixture
def database(tmp_path: Path) -> SQLiteDatabase:
    path = tmp_path / "ledger.db"
    make_database(path)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        write_limits(connection, {USER_1: 2**62, PROJECT: 10})
    return WithoutCheckpoints(f"sqlite:///{path}")


def survivors(path: Path) -> dict[int, str]:
    """The serial and key of each commission that a new start finds; the figures agree with them."""
    with contextlib.closing(database_at(path).connect()) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        check_sums(connection)
        keys = dict(connection.execute("SELECT serial, key FROM idempotency_keys"))
        return {serial: keys[serial] for serial in stored_commissions(connection)}


@pytest.mark.parametrize("seed", range(20))
def test_what_was_acknowledged_survives_and_nothing_is_there_by_half(
    database: SQLiteDatabase, tmp_path: Path, seed: int
) -> None:
    choice = random.Random(seed)
    disk = Disk(database.path)
    disk.before_end = lambda: time.sleep(choice.choice([0, 0, 0.0005, 0.002]))
    failures: list[tuple[Path, dict[int, str]]] = []

    async def work() -> None:
        engine = GroupCommit(LedgerOnDisk(database, disk), lambda: START)
        await engine.start()
        asked: dict[asyncio.Future[Outcome], str] = {}
        for number in range(120):
            key = f"key {number}"
            asked[engine.submit(make_issue(1, [(USER_1, 1)], key=key))] = key
            if choice.random() < 0.3:
                await asyncio.sleep(choice.choice([0, 0.001]))
            if number % 12 == 11:
                image = tmp_path / f"left-{number}.db"
                acknowledged = dict(serials(asked))
                disk.fail(image, choice)
                failures.append((image, acknowledged))
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*asked)
        await engine.stop()

    asyncio.run(work())
    assert len(failures) == 10
    assert any(acknowledged for _, acknowledged in failures)
    for image, acknowledged in failures:
        left = survivors(image)
        assert acknowledged.items() <= left.items()


def serials(asked: dict[asyncio.Future[Outcome], str]) -> list[tuple[int, str]]:
    done = [(future.result(), key) for future, key in asked.items() if future.done()]
    return [(outcome.serial, key) for outcome, key in done if isinstance(outcome, Issued)]


def test_nothing_is_acknowledged_before_it_is_synced(database: SQLiteDatabase, tmp_path: Path) -> None:
    disk = Disk(database.path)
    gate = disk.before_end = Gate()
    storage = LedgerOnDisk(database, disk)

    async def work() -> None:
        engine = GroupCommit(storage, lambda: START)
        await engine.start()
        issued = [engine.submit(make_issue(1, [(USER_1, 1)], key=f"key {number}")) for number in range(2)]
        await storage.has_committed()
        # It is committed, so a reader sees it and it can be resolved; a power failure would undo both.
        resolved = [engine.submit(Resolve(1, accept=frozenset({1}))) for _ in range(WORTH_A_BATCH)]
        await storage.has_committed()
        assert not any(future.done() for future in [*issued, *resolved])
        disk.fail(tmp_path / "early.db", random.Random(0))
        gate.open()
        async with asyncio.timeout(PATIENCE):
            assert await asyncio.gather(*issued) == [Issued(1), Issued(2)]
        assert not any(future.done() for future in resolved)
        disk.fail(tmp_path / "later.db", random.Random(0))
        gate.open()
        async with asyncio.timeout(PATIENCE):
            assert (await asyncio.gather(*resolved))[0] == Resolved(accepted=(1,))
        await engine.stop()

    asyncio.run(work())
    assert survivors(tmp_path / "early.db").keys() <= {1, 2}
    assert survivors(tmp_path / "later.db").keys() == {1, 2}


def test_a_failed_sync_stops_the_ledger_and_leaves_the_outcome_unknown(database: SQLiteDatabase) -> None:
    disk = Disk(database.path)

    def fail() -> None:
        raise StorageBrokenError("no space left on device", "make room")

    disk.before_end = fail

    async def work() -> None:
        engine = GroupCommit(LedgerOnDisk(database, disk), lambda: START)
        await engine.start()
        issue = make_issue(1, [(USER_1, 1)], key="first")
        with pytest.raises(OutcomeUnknownError, match="no space left"):
            await engine.submit(issue)
        assert (await engine.standing()).has_stopped
        with pytest.raises(NotCarriedOutError, match="the ledger has stopped"):
            await engine.submit(issue)
        await engine.stop()

    asyncio.run(work())
    assert disk.syncs == 0
