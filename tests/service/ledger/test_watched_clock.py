"""A ledger whose clock jumps, on each kind of database."""

import contextlib
import logging
import queue
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from astakos.clock import DAY, MICROSECONDS
from astakos.ledger import engine
from astakos.ledger.batch import carry_out, perform
from astakos.ledger.operations import Idempotency, Issue, Issued, Resolve, Resolved
from astakos.ledger.ports import LedgerStorage
from astakos.ledger.rules import Key, Provision
from astakos.ledger.watched_clock import Reading, WatchedClock
from astakos.storage.opening import ledger_clock, ledger_storage
from astakos.storage.protocol import Database
from astakos.storage.tables import clock_records, sessions, settings
from service.installation import rows
from service.world import ALICE, LOADED, member_key

pytestmark = pytest.mark.ledger

COMPUTE = 1
U: Key = member_key(ALICE)
MINUTE = 60 * MICROSECONDS


class Times:
    """The two clocks of a machine."""

    def __init__(self) -> None:
        self.now = LOADED
        self.elapsed = 0

    def pass_by(self, microseconds: int) -> None:
        self.now += microseconds
        self.elapsed += microseconds


@pytest.fixture
def store(database: Database) -> Iterator[LedgerStorage]:
    with contextlib.closing(ledger_storage(database)) as store:
        yield store


def watched(times: Times, store: LedgerStorage) -> WatchedClock:
    clock = WatchedClock(lambda: times.now, lambda: times.elapsed, "this start")
    clock.look(store)
    return clock


def do(store: LedgerStorage, clock: WatchedClock) -> list[object]:
    """What a batch does that finds nothing to do but what is over."""
    return list(carry_out(store, [], *clock.read()).changes.resolved)


def test_whoever_takes_over_while_the_clock_is_wrong_knows_when_it_was_right(store: LedgerStorage) -> None:
    times = Times()
    watched(times, store)
    times.pass_by(MINUTE)
    times.now -= DAY
    watched(times, store)
    times.pass_by(MINUTE)
    successor = watched(times, store)
    times.pass_by(MINUTE)
    assert successor.read() == Reading(times.now, 0, LOADED + 2 * MINUTE)


def test_nothing_expires_while_the_clock_is_wrong_and_what_is_over_does_afterwards(
    database: Database, store: LedgerStorage, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    times = Times()
    clock = watched(times, store)
    issue = Issue(COMPUTE, (Provision(U, 1),), time_to_live=MINUTE, idempotency=Idempotency("k", b"f"))
    (issued,) = perform(store, [issue], times.now)
    assert isinstance(issued, Issued)
    times.now += 31 * DAY
    assert clock.read() == Reading(times.now, 0, LOADED), "before anybody has looked"
    assert do(store, clock) == []
    clock.look(store)
    assert (clock.is_held, clock.ahead) == (True, 31 * DAY)
    # The others know, and a new process does.
    assert clock_records.is_held(database.reader())
    assert watched(times, store).is_held
    (settled,) = carry_out(
        store, [Resolve(COMPUTE, accept=frozenset([issued.serial]))], *clock.read()
    ).outcomes
    assert isinstance(settled, Resolved)
    assert settled.accepted == (issued.serial,)
    (again,) = carry_out(store, [issue], *clock.read()).outcomes
    assert again == Issued(issued.serial, repeated=True)
    times.now -= 31 * DAY
    for _ in range(12):
        times.pass_by(MINUTE)
        clock.look(store)
    assert not clock.is_held
    assert not clock_records.is_held(database.reader())
    told = [record.getMessage() for record in caplog.records]
    assert [line.partition(" (")[0].partition(",")[0] for line in told[-2:]] == [
        "the clock contradicts the elapsed time",
        "the clock is right again",
    ]


def test_an_operator_accepts_the_time_and_what_is_over_by_it_ends(
    database: Database, store: LedgerStorage
) -> None:
    times = Times()
    clock = watched(times, store)
    perform(store, [Issue(COMPUTE, (Provision(U, 1),), time_to_live=MINUTE)], times.now)
    times.now += DAY
    clock.look(store)
    assert do(store, clock) == []
    assert database.change(clock_records.accept)
    clock.look(store)
    assert (clock.is_held, clock.ahead) == (False, 0)
    assert len(do(store, clock)) == 1
    assert not database.change(clock_records.accept)


def test_an_engine_holds_when_another_one_does(database: Database, store: LedgerStorage) -> None:
    times, other_times = Times(), Times()
    clock = watched(times, store)
    with contextlib.closing(ledger_storage(database)) as other_store:
        other = watched(other_times, other_store)
        other_times.now += DAY
        other.look(other_store)
        times.pass_by(MINUTE)
        clock.look(store)
        assert clock.is_held
        database.change(clock_records.accept)
        clock.look(store)
        other.look(other_store)
    assert (clock.is_held, other.is_held) == (False, False)


def test_no_login_deletes_sessions_while_the_clock_is_wrong(database: Database, store: LedgerStorage) -> None:
    def log_in(secret: bytes, now: int) -> None:
        with database.transaction() as connection:
            sessions.begin(connection, 1, secret, secret, now, now + DAY)

    log_in(b"first", LOADED)
    store.save_clock_record(anchor=None, is_held=True)
    log_in(b"second", LOADED + 31 * DAY)
    assert len(rows(database, "SELECT id FROM sessions")) == 2
    store.save_clock_record(anchor=None, is_held=False)
    log_in(b"third", LOADED + 31 * DAY)
    assert len(rows(database, "SELECT id FROM sessions")) == 2


def test_the_bounds_are_those_of_the_installation(database: Database, store: LedgerStorage) -> None:
    with database.transaction() as connection:
        settings.save(connection, settings.CLOCK_JUMP_SECONDS, 5)
    times = Times()
    clock = watched(times, store)
    times.now += 6 * MICROSECONDS
    clock.look(store)
    assert clock.is_held


@pytest.mark.postgresql
def test_the_server_s_clock_decides_on_postgresql(database: Database, store: LedgerStorage) -> None:
    clock = ledger_clock(store)

    def server() -> int:
        ((time,),) = rows(database, "SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS bigint)")
        assert isinstance(time, int)
        return time

    before = server()
    perform(store, [], LOADED)
    assert before <= clock() <= server() + MICROSECONDS


def test_an_engine_tells_the_time_only_while_the_clock_is_right(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "SWEEP_SECONDS", 0.001)
    times, looks = Times(), list[int]()

    def elapsed() -> int:
        looks.append(times.elapsed)
        return times.elapsed

    clock = WatchedClock(lambda: times.now, elapsed, "this start")
    ledger = engine.Engine(ledger_storage(database), clock)
    told: queue.Queue[int] = queue.Queue()
    ledger.tell_time(told.put)
    ours, its = socket.socketpair()
    ledger.serve(its)
    thread = threading.Thread(target=ledger.run)
    thread.start()
    with ours:
        assert told.get(timeout=10) == LOADED
        times.now += DAY
        enough = len(looks) + 20
        while len(looks) < enough:
            time.sleep(0.001)
        assert clock.is_held
        assert {told.get() for _ in range(told.qsize())} <= {LOADED}
    thread.join()
