"""The ledger takes the write lock as soon as whoever holds it ends."""

import contextlib
import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from astakos.ledger.ports import NotCarriedOutError
from astakos.storage.sqlite import sqlite_database
from astakos.storage.sqlite.sqlite_database import BUSY_SECONDS, SQLiteDatabase
from astakos.storage.sqlite.sqlite_ledger import SQLiteLedger
from astakos.storage.sqlite.write_lock import BEGIN, WAIT_BRIEFLY, begin_first

PATIENCE = 60.0


class Attempts(sqlite3.Connection):
    """A connection that counts how often it has looked for the lock, and how long it would have waited."""

    def __init__(self, *arguments: object, **more: object) -> None:
        super().__init__(*arguments, **more)  # type: ignore[arg-type]
        self.waits: list[int] = []
        self.has_looked_often = threading.Event()

    def execute(self, statement: str, parameters: object = ()) -> sqlite3.Cursor:
        if statement == BEGIN:
            self.waits.append(self.wait())
            if len(self.waits) == 20:
                self.has_looked_often.set()
        return super().execute(statement, parameters)  # type: ignore[arg-type]

    def wait(self) -> int:
        return int(super().execute("PRAGMA busy_timeout").fetchone()[0])


def test_the_ledger_looks_for_it_all_the_time(database: SQLiteDatabase) -> None:
    with (
        contextlib.closing(sqlite3.connect(database.path, isolation_level=None)) as other,
        contextlib.closing(
            sqlite3.connect(
                database.path,
                timeout=BUSY_SECONDS,
                isolation_level=None,
                factory=Attempts,
                check_same_thread=False,
            )
        ) as ledger,
        ThreadPoolExecutor(1) as threads,
    ):
        other.execute(BEGIN)
        ledger.execute(WAIT_BRIEFLY)
        begins = threads.submit(begin_first, ledger, BUSY_SECONDS)
        assert ledger.has_looked_often.wait(PATIENCE)
        other.execute("ROLLBACK")
        begins.result(PATIENCE)
        assert ledger.in_transaction
        assert set(ledger.waits) == {1}


def test_it_does_not_wait_for_ever(database: SQLiteDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sqlite_database, "BUSY_SECONDS", 0.01)
    with (
        contextlib.closing(sqlite3.connect(database.path, isolation_level=None)) as other,
        contextlib.closing(SQLiteLedger(database)) as ledger,
    ):
        other.execute(BEGIN)
        with pytest.raises(NotCarriedOutError, match="locked"):
            ledger.prove_writable()
        other.execute("ROLLBACK")
        ledger.prove_writable()
        assert ledger._connection is not None
        assert ledger._connection.execute("PRAGMA busy_timeout").fetchone() == (1,)
