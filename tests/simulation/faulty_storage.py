"""Storage that fails where a test wants it to: between statements of SQLite, or around a transaction."""

import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

from astakos.ledger.clock_guard import ClockAnchor, ClockRecord
from astakos.ledger.operations import Changes
from astakos.ledger.ports import LedgerStorage, LedgerTransaction, Needs, State, StorageUnavailableError
from astakos.ledger.rules import Key
from astakos.storage.sqlite.sqlite_connection import SQLiteConnection, SQLiteCursor, recognized
from astakos.storage.sqlite.sqlite_database import SQLiteDatabase
from simulation.worlds import copy_as_crashed


class Fault(Enum):
    """What can go wrong with a statement."""

    BUSY = "database is locked"
    FULL = "database or disk is full"
    FULL_AND_ROLLED_BACK = "database or disk is full (SQLite has rolled back by itself)"
    IO = "disk I/O error"
    CRASH = "the process dies before it"
    CRASH_AFTER = "the process dies after it"
    ANSWER_LOST = "disk I/O error after it was carried out"
    SLOW = "it takes long"


CODES = {
    Fault.BUSY: sqlite3.SQLITE_BUSY,
    Fault.FULL: sqlite3.SQLITE_FULL,
    Fault.FULL_AND_ROLLED_BACK: sqlite3.SQLITE_FULL,
    Fault.IO: sqlite3.SQLITE_IOERR,
    Fault.ANSWER_LOST: sqlite3.SQLITE_IOERR,
}


def failure(fault: Fault) -> Exception:
    """What a connection raises when SQLite reports a fault."""
    error = sqlite3.OperationalError(fault.value)
    error.sqlite_errorcode = CODES[fault]
    meaning = recognized(error)
    meaning.__cause__ = error
    return meaning


class Crashed(BaseException):
    """The process ended here: nothing of it may run on."""


class Schedule:
    """Which statement fails, counted from when it was armed, and how."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.then: Fault | None = None
        """What the statement after that one meets."""
        self.countdown = 0
        self.image: Path | None = None
        """Where a crash leaves the file as it stood then."""
        self.dead = False
        self.fired: str | None = None
        """The statement that failed."""

    def arm(self, fault: Fault | None, countdown: int, image: Path) -> None:
        """Lets the fault come at that many statements from now (-1: at the next commit)."""
        self.fault, self.countdown, self.image = fault, countdown, image
        self.then = None
        self.fired = None

    def comes_to(self, statement: str) -> Fault | None:
        """The fault that this statement meets, if any."""
        if self.dead:
            raise Crashed
        if self.fault is None:
            return None
        if self.countdown == 0 or (self.countdown < 0 and statement == "COMMIT"):
            fault, self.fault, self.then = self.fault, self.then, None
            self.countdown = 0
            self.fired = statement
            return fault
        self.countdown -= 1
        return None


class FaultyConnection(SQLiteConnection):
    """A connection whose statements fail by schedule."""

    schedule = Schedule()
    path = Path()

    def execute(self, sql: str, parameters: Any = (), /) -> SQLiteCursor:
        return self._run(sql, lambda: super(FaultyConnection, self).execute(sql, parameters))

    def executemany(self, sql: str, parameters: Any, /) -> SQLiteCursor:
        return self._run(sql, lambda: super(FaultyConnection, self).executemany(sql, parameters))

    def _run(self, sql: str, run: Callable[[], SQLiteCursor]) -> SQLiteCursor:
        match self.schedule.comes_to(sql):
            case None:
                return run()
            case Fault.SLOW:
                time.sleep(0.002)
                return run()
            case Fault.CRASH:
                self._crash()
            case Fault.CRASH_AFTER:
                run()
                self._crash()
            case Fault.ANSWER_LOST:
                run()
                raise failure(Fault.ANSWER_LOST)
            case Fault.FULL_AND_ROLLED_BACK:
                if self.in_transaction:
                    super().execute("ROLLBACK")
                raise failure(Fault.FULL_AND_ROLLED_BACK)
            case fault:
                raise failure(fault)
        raise Crashed

    def _crash(self) -> None:
        if self.schedule.image is not None:
            copy_as_crashed(self.path, self.schedule.image)
        self.schedule.dead = True


class FaultyDatabase(SQLiteDatabase):
    """A database all of whose connections fail by one schedule."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"sqlite:///{path}")
        self.schedule = schedule = Schedule()

        class Scheduled(FaultyConnection):
            pass

        Scheduled.schedule, Scheduled.path = schedule, path
        self._class = Scheduled

    def connect_plainly(self) -> sqlite3.Connection:
        return self.connect()

    def connect(self) -> SQLiteConnection:
        connection = sqlite3.connect(
            self.path, timeout=0.0, isolation_level=None, check_same_thread=False, factory=self._class
        )
        try:
            for pragma in ("journal_mode = WAL", "synchronous = OFF", "foreign_keys = ON"):
                connection.execute(f"PRAGMA {pragma}")
        except BaseException:
            connection.close()
            raise
        return connection


class FaultyStorage:
    """A storage around a real one: it can stall, refuse, fail at the commit, or lose its answer.

    `before` is called on entering and may raise; `at_commit` before the commit and may raise, and then
    nothing has happened; `after` when the commit is done.
    """

    def __init__(self, store: LedgerStorage) -> None:
        self.store = store
        self.before: Callable[[], None] = _nothing
        self.at_commit: Callable[[], None] = _nothing
        self.after: Callable[[], None] = _nothing
        self.on_tidy: Callable[[], None] = _nothing
        self.batches = 0
        self.repeats = 0
        self.closing_seconds = store.closing_seconds
        self.closed = threading.Event()

    def transact(self, work: Callable[[LedgerTransaction], None], *, is_awaited: bool = True) -> None:
        self.before()

        def interrupted(transaction: LedgerTransaction) -> None:
            work(transaction)
            self.at_commit()

        self.store.transact(interrupted, is_awaited=is_awaited)
        self.batches += 1
        self.after()

    def prove_writable(self) -> None:
        self.store.prove_writable()

    def read_clock_record(self) -> ClockRecord:
        return self.store.read_clock_record()

    def save_clock_record(self, *, anchor: ClockAnchor | None, is_held: bool) -> None:
        self.store.save_clock_record(anchor=anchor, is_held=is_held)

    def tidy(self, now: int) -> bool:
        self.on_tidy()
        return self.store.tidy(now)

    def close(self) -> None:
        self.store.close()
        self.closed.set()


class PoisonedTransaction:
    """A transaction in which storing a commission of a certain name breaks."""

    def __init__(self, transaction: LedgerTransaction, poison: str) -> None:
        self.grants, self.rolled = transaction.grants, transaction.rolled
        self._transaction = transaction
        self._poison = poison

    def read(self, now: int, needs: Needs) -> State:
        return self._transaction.read(now, needs)

    def settled(self, keys: Collection[Key]) -> Mapping[Key, int]:
        return self._transaction.settled(keys)

    def expires(self, component: int, serial: int) -> int | None:
        return self._transaction.expires(component, serial)

    def write(self, now: int, changes: Changes) -> None:
        self._transaction.write(now, changes)
        if any(commission.issue.name == self._poison for commission in changes.issued):
            raise ValueError(self._poison)


class PoisonedStorage(FaultyStorage):
    """A storage that one commission breaks, after it has been written but before the commit."""

    poison = "poison"

    def transact(self, work: Callable[[LedgerTransaction], None], *, is_awaited: bool = True) -> None:
        super().transact(
            lambda transaction: work(PoisonedTransaction(transaction, self.poison)), is_awaited=is_awaited
        )


class Stall:
    """Something that hangs until it is let go."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.let_go = threading.Event()

    def __call__(self) -> None:
        self.reached.set()
        assert self.let_go.wait(30), "a stalled storage was never let go"


def unavailable() -> None:
    raise StorageUnavailableError("a fault of the simulation")


def _nothing() -> None:
    pass
