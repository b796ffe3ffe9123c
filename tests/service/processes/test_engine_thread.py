"""The thread of the engine, which runs without connections until it is told to end."""

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable

import pytest

from astakos.ledger import engine as engine_module
from astakos.ledger.engine import Engine
from astakos.ledger.frames import Answered, Asked, Frames, frame
from astakos.ledger.operations import Failure, Outcome, Undone
from astakos.ledger.ports import LedgerTransaction, NotCarriedOutError
from astakos.ledger.watched_clock import WatchedClock
from astakos.processes.engine_thread import EngineThread
from astakos.storage.protocol import Database
from service.ledger.test_engine import CountingStore, charge
from service.world import LOADED

SECONDS = 20


class SteeredStore(CountingStore):
    """Calls something before each transaction."""

    def __init__(self, database: Database, before: Callable[[], object] = lambda: None) -> None:
        super().__init__(database)
        self.before = before

    def transact(self, work: Callable[[LedgerTransaction], None], *, is_awaited: bool = True) -> None:
        self.transactions += 1
        self.before()
        self.store.transact(work, is_awaited=is_awaited)


def wait_until(happened: Callable[[], object]) -> None:
    deadline = time.monotonic() + SECONDS
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def asked(connection: socket.socket, message: Asked) -> Answered:
    """What the engine answers."""
    connection.settimeout(SECONDS)
    connection.sendall(frame(message))
    frames = Frames(Answered, Outcome | Undone, Failure.OUTCOME_UNKNOWN)
    while True:
        for answered in frames.feed(connection.recv(1 << 16)):
            return answered


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "SWEEP_SECONDS", 0.001)
    monkeypatch.setattr(engine_module, "SWEEP_AGAIN_SECONDS", 0.001)


def test_once_it_shall_end_it_does_only_what_callers_wait_for(database: Database) -> None:
    store = SteeredStore(database)
    engine = Engine(store, WatchedClock(lambda: LOADED))
    with contextlib.closing(EngineThread(engine, 1.0)) as thread:
        thread.start()
        # It runs without a connection, and serves one that comes later.
        wait_until(lambda: store.transactions > 2)
        ours, its = socket.socketpair()
        with ours:
            engine.serve(its)
            thread.begin_to_end()
            assert asked(ours, Asked(standing=1)).standing is not None
            before = store.transactions
            for number in range(2, 50):
                assert asked(ours, Asked(standing=number)).standing is not None
            assert store.transactions == before
            assert len(asked(ours, Asked(operations=[(50, charge(1))])).outcomes) == 1
            assert store.transactions == before + 1
            assert not thread.has_ended
        wait_until(lambda: thread.has_ended)
        assert thread.error is None


def test_a_defect_that_ends_it_is_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise SystemError("a defect")

    engine = Engine(SteeredStore(database), WatchedClock(lambda: LOADED))
    monkeypatch.setattr(engine, "_receive", lambda _: fail())
    with contextlib.closing(EngineThread(engine, 1.0)) as thread:
        thread.start()
        assert select.select([thread.told], [], [], SECONDS)[0] == [thread.told]
        wait_until(lambda: thread.has_ended)
        assert str(thread.error) == "a defect"


def test_that_nothing_can_be_expired_is_logged_once(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    can_write = threading.Event()

    def require() -> None:
        if not can_write.is_set():
            raise NotCarriedOutError("locked")

    def told() -> int:
        return caplog.text.count("ledger batch failed: storage unavailable for 0 operations: locked")

    store = SteeredStore(database, require)
    engine = Engine(store, WatchedClock(lambda: LOADED))
    with contextlib.closing(EngineThread(engine, 1.0)) as thread:
        thread.start()
        wait_until(lambda: engine.statistics.failed > 5)
        assert told() == 1
        can_write.set()
        done = store.transactions
        wait_until(lambda: store.transactions > done + 2)
        can_write.clear()
        failed = engine.statistics.failed
        wait_until(lambda: engine.statistics.failed > failed + 5)
        assert told() == 2
        thread.begin_to_end()
        wait_until(lambda: thread.has_ended)
